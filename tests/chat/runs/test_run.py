"""Runs: batches, positions, subscriptions, end and cancel callbacks, and the broker of one process."""

from __future__ import annotations

import gc
import os
import time
import weakref
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from threading import Lock, Timer
from typing import cast

from django_redis import get_redis_connection

from chat import runs
from chat.core.events import Delta, Event, Finish, Notice, Start, text_of
from chat.runs import redis_log
from chat.runs.broker import RunBroker
from chat.runs.run import FIRST_KEEPALIVE_SECONDS, MAX_UNPUBLISHED_EVENTS, Run
from observability.redis_trips import Command
from tests.support.faults import broken, counted_errors
from tests.support.polling import eventually

PIECES = [Delta(f"{number} " + "mot " * 100) for number in range(1000)]


def test_slow_reader_gets_more_batches_of_limited_size():
    run = Run("run")
    run.append([Start(), *PIECES, Finish("ai")])
    batches = list(run.read())
    assert max(len(text_of(batch)) for batch in batches) < 10_000  # of 400,000
    assert text_of(event for batch in batches for event in batch) == text_of(PIECES)


def test_concurrent_readers_get_every_event_once_and_in_order():
    run = Run("run")

    def read(after: int) -> str:
        return text_of(event for batch in run.read(after) for event in batch)

    with ThreadPoolExecutor(20) as readers:
        reads = [readers.submit(read, 1 + number) for number in range(20)]
        run.append([Start()])
        for piece in PIECES:
            run.append([piece])
        time.sleep(FIRST_KEEPALIVE_SECONDS * 2)  # readers are in long waits now and must be woken
        run.append([Finish("ai")])
        texts = [read.result(timeout=5) for read in reads]
    assert texts == [text_of(PIECES[number:]) for number in range(20)]


def test_log_that_is_recreated_after_forget_expires():
    run, redis = Run("run", single_flight_key="somebody:question"), get_redis_connection("default")
    assert redis_log.publish("other-process", [(run, [Start()])])
    run.publication.count = 1
    redis_log.forget(run.owner)
    assert not redis.exists("bff:run:run")
    assert redis_log.publish("other-process", [(run, PIECES[:1])])
    assert 0 < redis.ttl("bff:run:run") <= redis_log.LOG_TTL_SECONDS


def test_log_expires_after_an_unsubscribe_entry():
    run, redis = Run("run", single_flight_key="somebody:question"), get_redis_connection("default")
    assert redis_log.publish("other-process", [(run, [Start()])])
    redis.persist("bff:run:run")  # as if the log had been deleted and this entry created it again
    redis_log.announce_unsubscribe(run.id, reader="reader")
    assert 0 < redis.ttl("bff:run:run") <= redis_log.LOG_TTL_SECONDS


def test_a_claimed_position_far_beyond_the_end_is_ignored():
    interrupted: list[Event] = [Notice("interrupted", "Désolé.", {}), Finish("ai", ending="interrupted")]
    run = Run("run", end_events=interrupted)
    run.append([Start(), *PIECES[:5]])
    ahead, reader = run.read(after=999_999_999), run.read()
    assert next(ahead) == []  # keep-alive
    run.abort()
    assert len(run.events) <= 8 + MAX_UNPUBLISHED_EVENTS
    assert text_of(event for batch in reader for event in batch) == text_of(PIECES[:5])
    assert list(ahead) == [[Finish("ai", ending="interrupted")]]


def test_disconnected_reader_keeps_a_run_alive_until_it_unsubscribes():
    run = Run("run")
    run.append([Start(), *PIECES[:5]])
    unsubscribing, disconnected = run.read(reader="unsubscribing"), run.read(reader="disconnected")
    next(unsubscribing), next(disconnected)
    run.readers.unsubscribe("unsubscribing")
    assert list(unsubscribing) == [[Finish("ai", ending="stopped")]]
    cast("Generator[object]", disconnected).close()
    assert not run.readers.have_left_for_good(grace_seconds=30)
    assert run.readers.are_present_or_may_return(grace_seconds=30)
    eventually(lambda: not run.readers.are_present_or_may_return(grace_seconds=0.01))
    run.readers.unsubscribe("disconnected")
    assert run.readers.have_left_for_good(grace_seconds=30)
    assert not run.readers.are_present_or_may_return(grace_seconds=30)


def answer_until_cancelled(run: Run) -> Iterator[Event]:
    """A producer that writes one word and then nothing more until it is cancelled."""
    is_cancelled = Signal()
    run.on_cancel(is_cancelled.set)
    yield Delta("Bonjour")
    is_cancelled.wait(10)


def test_a_question_asked_again_after_its_last_reader_unsubscribed_is_answered_anew():
    broker = RunBroker()
    first = broker.subscribe("public:question", answer_until_cancelled, []).run
    reader = first.read(reader="first", expects_reader=True)
    next(reader)
    broker.unsubscribe(first.id, "first")
    second = broker.subscribe("public:question", lambda _run: iter([Delta("Encore"), Finish("ai")]), []).run
    assert second is not first
    assert [event for batch in second.read() for event in batch] == [Delta("Encore"), Finish("ai")]


def test_a_run_that_somebody_has_joined_is_not_cancelled_when_its_last_reader_unsubscribes():
    broker = RunBroker()
    run = broker.subscribe("public:question", answer_until_cancelled, []).run
    reader = run.read(reader="first", expects_reader=True)
    next(reader)
    assert broker.subscribe("public:question", answer_until_cancelled, []).run is run
    broker.unsubscribe(run.id, "first")
    assert not run.is_cancelled
    run.cancel()


def test_a_reader_that_resumes_and_unsubscribes_does_not_cancel_the_run_of_one_that_has_joined():
    """The one that has joined may still wait for the database."""
    broker = RunBroker()
    run = broker.subscribe("public:question", answer_until_cancelled, []).run
    assert broker.find(run.id, []) is run
    resumed, joined = run.read(reader="resumed"), run.read(reader="joined", expects_reader=True)
    next(resumed)
    broker.unsubscribe(run.id, "resumed")
    assert not run.is_cancelled
    assert next(joined) == [Delta("Bonjour")]
    broker.unsubscribe(run.id, "joined")
    assert run.is_cancelled


def test_other_instance_finds_a_run_before_its_first_event():
    here, elsewhere, may_start = RunBroker(), RunBroker(), Signal()

    def produce(_run: Run) -> Iterator[Event]:
        may_start.wait()
        yield Start()
        yield Finish("ai")

    begun = here.subscribe("public:question", produce, []).run
    found = elsewhere.find(begun.id, [])
    assert found is not None
    assert not begun.events
    may_start.set()
    assert list(found.read())[-1][-1] == Finish("ai")


def test_has_events_after_waits_until_an_ended_run_is_mirrored():
    run = Run("run")  # led elsewhere: its end is in the log but not mirrored yet
    mirroring = Timer(FIRST_KEEPALIVE_SECONDS * 3, lambda: run.append([Start(), *PIECES[:5], Finish("ai")]))
    mirroring.start()
    assert run.has_events_after(3)
    assert not run.has_events_after(7)
    mirroring.join()


def test_ended_run_references_neither_its_producer_nor_its_call():
    broker = RunBroker()
    run, references = _run_to_end(broker)

    def are_freed() -> bool:
        gc.collect()
        return [reference() for reference in references] == [None, None]

    eventually(are_freed)
    assert broker.find(run.id, []) is run  # it is retained


def test_final_writes_are_executed_before_the_question_is_released():
    redis, broker = get_redis_connection("default"), RunBroker()
    script = "redis.call('SET', KEYS[1], ARGV[1] .. redis.call('EXISTS', KEYS[2]))"

    def produce(run: Run) -> Iterator[Event]:
        def write(finish: Finish) -> list[Command]:
            return [("EVAL", script, 2, "written", "bff:flight:{public:question}", finish.origin)]

        yield Start()
        assert run.add_final_write(write)
        assert not redis.exists("written")
        yield Finish("ai")

    run = broker.subscribe("public:question", produce, []).run
    assert list(run.read())[-1][-1] == Finish("ai")
    assert redis.get("written") == b"ai1"
    assert not redis.exists("bff:flight:{public:question}")
    assert not run.add_final_write(lambda _: [("SET", "written", "too late")])


def test_ending_run_does_not_wait_for_another_runs_publish(monkeypatch):
    """Without a lock per run, sixty ending runs waited for each other's Redis trips, some of them for seconds."""
    broker, publish, may_publish = RunBroker(), redis_log.publish, Signal()

    def publish_slowly(process_id: str, batches: list) -> bool:
        if any(run.single_flight_key == "public:slow" for run, _ in batches):
            assert may_publish.wait(5)
        return publish(process_id, batches)

    monkeypatch.setattr("chat.runs.broker.redis_log.publish", publish_slowly)
    slow = broker.subscribe("public:slow", lambda _: iter([Start(), Finish("ai")]), []).run
    quick = broker.subscribe("public:quick", lambda _: iter([Start(), Finish("ai")]), []).run
    assert list(quick.read())[-1][-1] == Finish("ai")
    assert not slow.has_ended
    may_publish.set()
    assert list(slow.read())[-1][-1] == Finish("ai")


def test_another_thread_adds_events_only_before_the_text_and_the_end():
    run, waiting = Run("run"), Notice("status", "Please wait.", {})
    run.append([Start()])
    run.add_before_text([waiting])
    run.append([Delta("Bonjour")])
    run.add_before_text([waiting])
    assert list(run.events) == [Start(), waiting, Delta("Bonjour")]
    ended = Run("ended")
    ended.append([Start(), Finish("ai", ending="stopped")])
    ended.add_before_text([waiting])
    assert list(ended.events) == [Start(), Finish("ai", ending="stopped")]


def test_nothing_is_added_between_the_publication_of_the_end_and_the_end(monkeypatch):
    """Readers of the log and readers here would otherwise count positions differently."""
    broker, publish = RunBroker(), redis_log.publish
    publishing, may_return = Signal(), Signal()

    def publish_slowly(process_id: str, batches: list) -> bool:
        is_published = publish(process_id, batches)
        publishing.set()
        assert may_return.wait(5)
        return is_published

    monkeypatch.setattr("chat.runs.broker.redis_log.publish", publish_slowly)
    run = broker.subscribe("public:question", lambda _: iter([Start(), Finish("ai", ending="stopped")]), []).run
    assert publishing.wait(5)
    with ThreadPoolExecutor(1) as executor:
        executor.submit(run.add_before_text, [Notice("status", "Please wait.", {})])
        may_return.set()
    eventually(lambda: run.has_ended)
    assert list(run.events) == [Start(), Finish("ai", ending="stopped")]


def test_a_fault_in_what_follows_the_end_does_not_reach_the_reader_also_if_the_run_has_ended_before():
    run, before = Run("run"), counted_errors("history")
    run.on_end(broken)
    run.append([Finish("ai")])
    run.on_end(broken)
    assert list(run.read()) == [[Finish("ai")]]
    assert counted_errors("history") == before + 2


def test_mirrored_run_accepts_no_final_write():
    assert not Run("other-process").add_final_write(lambda _: [("SET", "written", "")])


def test_run_is_freed_after_its_retention_time(monkeypatch):
    monkeypatch.setattr("chat.runs.broker.RETENTION_SECONDS", 0.2)
    broker = RunBroker()
    run = weakref.ref(broker.subscribe("public:question", lambda _: iter([Start(), Finish("ai")]), []).run)
    eventually(lambda: not broker.is_leading())
    eventually(lambda: run() is None)


def test_forked_worker_has_its_own_process_id():
    """The server's master process loads the program and forks the workers."""
    read_end, write_end = os.pipe()
    if not (child := os.fork()):
        os.write(write_end, runs._broker.process_id.encode())
        os._exit(0)
    os.waitpid(child, 0)
    process_id = os.read(read_end, 100).decode()
    assert process_id
    assert process_id != runs._broker.process_id


def _run_to_end(broker: RunBroker) -> tuple[Run, list[weakref.ref]]:
    """A run that has ended, with weak references to its producer and its upstream call."""
    call = Lock()

    def produce(run: Run) -> Iterator[Event]:
        run.on_cancel(call.release)
        yield Finish("ai")

    run = broker.subscribe("public:question", produce, []).run
    assert list(run.read()) == [[Finish("ai")]]
    return run, [weakref.ref(produce), weakref.ref(call)]
