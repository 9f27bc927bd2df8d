"""One answer in memory and those who read it, each from where he likes and as fast as he can."""

from __future__ import annotations

import gc
import os
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from threading import Lock, Timer

from django_redis import get_redis_connection

from chat import runs
from chat.events import Delta, Event, Finish, Notice, Start, text_of
from chat.runs import log
from chat.runs.office import Office
from chat.runs.run import FIRST_SILENCE_SECONDS, LOST_EVENTS, Run
from tests.waiting import eventually

PIECES = [Delta(f"{number} " + "mot " * 100) for number in range(1000)]


def test_a_reader_who_lags_behind_is_told_more_often_and_not_more():
    run = Run("run")
    run.append([Start(), *PIECES, Finish("ai")])
    batches = list(run.read())
    assert max(len(text_of(batch)) for batch in batches) < 10_000  # of 400,000
    assert text_of(event for batch in batches for event in batch) == text_of(PIECES)


def test_readers_hear_all_of_it_once_and_in_order_however_they_and_the_writer_are_interleaved():
    run = Run("run")

    def read(after: int) -> str:
        return text_of(event for batch in run.read(after) for event in batch)

    with ThreadPoolExecutor(20) as readers:
        heard = [readers.submit(read, 1 + number) for number in range(20)]
        run.append([Start()])
        for piece in PIECES:
            run.append([piece])
        time.sleep(FIRST_SILENCE_SECONDS * 2)  # they have grown patient, and must be woken
        run.append([Finish("ai")])
        texts = [reader.result(timeout=5) for reader in heard]
    assert texts == [text_of(PIECES[number:]) for number in range(20)]


def test_what_a_forgotten_run_still_says_expires_though_its_end_may_never_come():
    run, redis = Run("run", flight="somebody:question"), get_redis_connection("default")
    assert log.publish("led elsewhere", [(run, [Start()])])
    run.published = 1
    log.forget(run.owner)
    assert not redis.exists("bff:run:run")
    assert log.publish("led elsewhere", [(run, PIECES[:1])])
    assert 0 < redis.ttl("bff:run:run") <= log.LOG_SECONDS


def test_a_log_in_which_a_reader_takes_leave_expires():
    run, redis = Run("run", flight="somebody:question"), get_redis_connection("default")
    assert log.publish("led elsewhere", [(run, [Start()])])
    redis.persist("bff:run:run")  # as if it was deleted and made anew by this very entry
    log.tell_left(run.id, reader="who left")
    assert 0 < redis.ttl("bff:run:run") <= log.LOG_SECONDS


def test_who_claims_to_have_heard_far_too_much_costs_nothing_and_spoils_nothing():
    run = Run("run")
    run.append([Start(), *PIECES[:5]])
    boaster, reader = run.read(after=999_999_999), run.read()
    assert next(boaster) == []  # silence
    run.break_off([Notice("interrupted", "Désolé.", {}), Finish("ai", ending="interrupted")])
    assert len(run.events) <= 8 + LOST_EVENTS
    assert text_of(event for batch in reader for event in batch) == text_of(PIECES[:5])
    assert list(boaster) == [[Finish("ai", ending="interrupted")]]


def test_who_only_lost_the_connection_keeps_an_answer_from_being_left_alone():
    run = Run("run")
    run.append([Start(), *PIECES[:5]])
    leaver, loser = run.read(reader="leaver"), run.read(reader="loser")
    next(leaver), next(loser)
    run.leave("leaver")
    assert list(leaver) == [[Finish("ai", ending="stopped")]]
    loser.close()
    assert not run.is_left_alone
    assert run.is_awaited(grace_seconds=30)
    eventually(lambda: not run.is_awaited(grace_seconds=0.01))
    run.leave("loser")
    assert run.is_left_alone
    assert not run.is_awaited(grace_seconds=30)


def test_a_run_that_has_just_begun_elsewhere_is_waited_for():
    begun = Run("just-begun")
    begun.append([Start()])
    assert Office().find(begun.id, []) is None
    writing = Timer(0.3, lambda: log.publish("elsewhere", [(begun, begun.events)]))
    writing.start()
    assert Office().find(begun.id, []) is None
    assert Office().find(begun.id, [], patience=5) is not None
    writing.join()


def test_a_run_that_has_ended_holds_on_to_nothing_of_how_it_was_written():
    run = Run("run")
    written = _led_to_its_end(run)
    gc.collect()
    assert [each() for each in written] == [None, None]


def test_what_is_kept_of_an_answer_is_there_before_its_question_is_free():
    redis, office = get_redis_connection("default"), Office()
    note = "redis.call('SET', KEYS[1], ARGV[1] .. redis.call('EXISTS', KEYS[2]))"

    def produce(run: Run) -> Iterator[Event]:
        yield Start()
        assert run.write_with_end(
            lambda redis: redis.eval(note, 2, "kept", "bff:flight:public:question", run.finish.origin)
        )
        assert not redis.exists("kept")
        yield Finish("ai")

    run = office.lead_or_follow("public:question", produce, [])
    assert list(run.read())[-1][-1] == Finish("ai")
    assert redis.get("kept") == b"ai1"
    assert not redis.exists("bff:flight:public:question")
    assert not run.write_with_end(lambda redis: redis.set("kept", "too late"))


def test_an_answer_that_ends_waits_for_no_other_that_does(monkeypatch):
    """Sixty at a time once waited for one another's trips to Redis, the unlucky ones for seconds."""
    office, publish, told = Office(), log.publish, Signal()

    def slowly(process: str, news: list) -> bool:
        if any(run.flight == "public:slow" for run, _ in news):
            assert told.wait(5)
        return publish(process, news)

    monkeypatch.setattr("chat.runs.office.shared_log.publish", slowly)
    slow = office.lead_or_follow("public:slow", lambda _: iter([Start(), Finish("ai")]), [])
    quick = office.lead_or_follow("public:quick", lambda _: iter([Start(), Finish("ai")]), [])
    assert list(quick.read())[-1][-1] == Finish("ai")
    assert not slow.has_ended
    told.set()
    assert list(slow.read())[-1][-1] == Finish("ai")


def test_who_only_copies_a_run_writes_nothing_with_its_end():
    assert not Run("led elsewhere").write_with_end(lambda redis: redis.set("kept", ""))


def test_a_run_is_let_go_a_while_after_its_end(monkeypatch):
    monkeypatch.setattr("chat.runs.office.KEPT_SECONDS", 0.2)
    office = Office()
    run = weakref.ref(office.lead_or_follow("public:question", lambda _: iter([Start(), Finish("ai")]), []))
    eventually(lambda: not office.is_leading())
    eventually(lambda: run() is None)


def test_a_worker_leads_under_a_name_of_its_own():
    """The server's first process has loaded the program, and is copied."""
    here, there = os.pipe()
    if not (child := os.fork()):
        os.write(there, runs._office.process.encode())
        os._exit(0)
    os.waitpid(child, 0)
    name = os.read(here, 100).decode()
    assert name
    assert name != runs._office.process


def _led_to_its_end(run: Run) -> list[weakref.ref]:
    """What wrote it, and the call that it came by."""
    call = Lock()

    def produce(_: Run) -> Iterator[Event]:
        yield Finish("ai")

    run.is_to_be_written_by(produce)
    run.on_cancel(call.release)
    assert run.is_written_by(produce)
    run.append(list(produce(run)))
    return [weakref.ref(produce), weakref.ref(call)]
