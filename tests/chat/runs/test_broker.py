"""The broker of runs when something goes wrong: outages, cancelled runs, absent readers, slow callbacks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Iterator
from threading import Event as Signal
from typing import cast

import pytest
from django_redis import get_redis_connection
from redis.exceptions import TimeoutError as RedisTimeout

from chat.core.events import Delta, Event, Finish, Notice, Start, Usage, text_of
from chat.runs import broker as broker_module
from chat.runs import mirror, redis_log
from chat.runs.broker import HEARTBEAT_SECONDS, RunBroker
from chat.runs.publication import UNREAD_PUBLISH_SECONDS
from chat.runs.publisher import MAX_ENDS, Publisher
from chat.runs.readers import Readers
from chat.runs.run import Producer, Run
from observability.outage import Outage
from observability.shared_redis import shared_redis
from tests.support.polling import eventually

QUESTION = "public:question"
OTHER = "public:other"


def saying(text: str) -> Producer:
    return lambda _run: iter([Start(), Delta(text), Finish("ai")])


def whole_text(run: Run) -> str:
    return text_of(event for batch in run.read() for event in batch)


class Stalled:
    """A producer that does not obey a cancellation until it may end."""

    def __init__(self) -> None:
        self.may_end = Signal()

    def __call__(self, run: Run) -> Iterator[Event]:
        yield Start()
        assert self.may_end.wait(10)
        yield Finish("ai", ending="stopped")


@pytest.fixture
def stalled() -> Iterator[Stalled]:
    producer = Stalled()
    yield producer
    producer.may_end.set()


@pytest.mark.parametrize("is_same_process", [True, False])
def test_a_cancelled_run_does_not_answer_who_asks_the_question_again(stalled, is_same_process):
    """The upstream call may need seconds to end: a connection that is being set up can't be interrupted."""
    here = RunBroker()
    there = here if is_same_process else RunBroker()
    first = here.subscribe(QUESTION, stalled, []).run
    reader = first.read(reader="first", expects_reader=True)
    next(reader)
    here.unsubscribe(first.id, "first")
    assert first.is_cancelled
    began = time.monotonic()
    again = there.subscribe(QUESTION, saying("Bonjour"), [])
    assert whole_text(again.run) == "Bonjour"
    assert time.monotonic() - began < 1.5
    assert again.is_leader


def test_a_stopped_run_does_not_answer_who_asks_the_question_again(stalled):
    broker = RunBroker()
    first = broker.subscribe(QUESTION, stalled, []).run
    assert broker.stop(first.id)
    assert whole_text(broker.subscribe(QUESTION, saying("Bonjour"), []).run) == "Bonjour"


@pytest.mark.parametrize("leads_another", [True, False])
def test_an_end_that_could_not_be_published_is_published_after_a_long_outage(monkeypatch, stalled, leads_another):
    monkeypatch.setattr(broker_module, "RETENTION_SECONDS", 0.2)
    here, there, publish, is_away = RunBroker(), RunBroker(), redis_log.publish, Signal()
    if leads_another:  # and so keeps its lease
        here.subscribe(OTHER, stalled, [])
    monkeypatch.setattr(redis_log, "publish", lambda *batches: not is_away.is_set() and publish(*batches))
    is_away.set()
    run = here.subscribe(QUESTION, saying("Bonjour"), []).run
    assert run.wait_until_ended(5)
    time.sleep(2)  # longer than its retention, and than the interval at which it is checked
    is_away.clear()
    eventually(lambda: run.publication.count == len(run.events))
    mirror = there.subscribe(QUESTION, saying("Bonsoir"), []).run
    assert mirror.wait_until_ended(5)
    assert whole_text(mirror) == "Bonsoir"  # the question is released


def test_final_writes_of_an_end_that_failed_wait_for_it_while_earlier_events_are_published():
    def produce(run: Run) -> Iterator[Event]:
        yield Start()
        run.push("Bonjour")
        run.add_final_write(lambda _finish: [("SET", "written", "")])
        run.on_end(lambda _transcript: eventually(lambda: run.publication.count == 2))  # the end is not appended yet
        shared_redis.outage.begin(RedisTimeout())
        yield Finish("ai")

    run = RunBroker().subscribe(QUESTION, produce, []).run
    assert run.wait_until_ended(10)
    eventually(lambda: run.publication.count == 3)
    assert get_redis_connection("default").exists("written")


@pytest.fixture
def long_outage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Redis is unavailable, until the test undoes its patches and ends the outage."""
    monkeypatch.setattr(Outage, "check", lambda _: False)
    shared_redis.outage.begin(RedisTimeout())
    yield
    shared_redis.outage.end()


@pytest.mark.usefixtures("long_outage")
def test_during_an_outage_nothing_is_encoded_again_and_again(monkeypatch, stalled):
    """Each attempt encodes all that a run has: with hundreds of runs the worker would do little else."""
    broker, publish, tried = RunBroker(), redis_log.publish, itertools.count()
    ended = broker.subscribe(QUESTION, saying("Bonjour"), []).run
    assert ended.wait_until_ended(5)
    pending = broker.subscribe(OTHER, stalled, []).run
    eventually(lambda: pending.events)
    monkeypatch.setattr(redis_log, "publish", lambda *batches: bool(next(tried) + 1) and publish(*batches))
    time.sleep(UNREAD_PUBLISH_SECONDS + 0.5)
    assert next(tried) == 0
    shared_redis.outage.end()
    eventually(lambda: all(run.publication.count == len(run.events) for run in (ended, pending)))


def test_the_ends_of_many_runs_are_published_a_few_at_a_time_after_an_outage():
    publisher, ended = Publisher("process"), [Run(f"run-{number}") for number in range(3 * MAX_ENDS + 1)]
    for run in ended:
        run.append([Start(), Delta("Bonjour"), Finish("ai")])
        publisher.add(run)
    pending = Run("pending")
    pending.append([Start()])
    publisher.add(pending)
    counts = []
    for _ in range(5):
        publisher.publish_due()
        counts.append(sum(run.publication.count == 3 for run in ended))
    assert counts == [MAX_ENDS, 2 * MAX_ENDS, 3 * MAX_ENDS, len(ended), len(ended)]
    assert pending.publication.count == 1


def test_an_end_is_not_published_when_its_question_may_have_another_answer(monkeypatch):
    monkeypatch.setattr(redis_log, "FLIGHT_SECONDS", 1)
    broker, publish, is_away = RunBroker(), redis_log.publish, Signal()
    monkeypatch.setattr(redis_log, "publish", lambda *batches: not is_away.is_set() and publish(*batches))
    is_away.set()
    run = broker.subscribe(QUESTION, saying("Bonjour"), []).run
    assert run.wait_until_ended(5)
    time.sleep(1.5)
    is_away.clear()
    broker.subscribe(OTHER, saying("Bonjour"), [])  # wakes the maintenance
    time.sleep(UNREAD_PUBLISH_SECONDS + HEARTBEAT_SECONDS + 0.5)  # longer than until the next attempt
    assert run.publication.count == 0


def test_a_lost_shard_of_a_cluster_does_not_repeat_what_the_other_shards_have(monkeypatch, stalled):
    """The other shards have executed their commands when the trip fails."""
    broker, publish = RunBroker(), redis_log.publish
    wrote: list[str] = []

    def publish_without_a_shard(process_id: str, batches: list) -> bool:
        publish(process_id, [batch for batch in batches if batch[0] is not lost])
        wrote.extend(batch[0].id for batch in batches)
        return lost not in [run for run, _ in batches]

    lost, well = (broker.subscribe(question, stalled, []).run for question in (QUESTION, OTHER))
    eventually(lambda: well.events and lost.events)
    monkeypatch.setattr(redis_log, "publish", publish_without_a_shard)
    for run in (lost, well):
        run.publication.has_had_remote_readers = True
        run.append([Delta("Bonjour")])
    time.sleep(1.5)
    assert 1 <= wrote.count(well.id) <= 2
    assert 2 <= wrote.count(lost.id) <= 4
    assert lost.add_final_write(lambda _finish: [("SET", "written", "")])
    lost.append([Delta("!")])
    time.sleep(1.5)
    monkeypatch.setattr(redis_log, "publish", publish)
    stalled.may_end.set()
    eventually(lambda: lost.has_ended and lost.publication.count == len(lost.events))
    assert get_redis_connection("default").exists("written")


def test_events_that_cannot_be_encoded_stop_nothing_but_their_own_run(stalled):
    broker, redis = RunBroker(), get_redis_connection("default")
    ended = broker.subscribe(QUESTION, lambda _: iter([Start(), Finish("ai", usage=Usage(10**20, 1))]), []).run
    assert whole_text(ended) == ""
    other = broker.subscribe(OTHER, stalled, []).run
    time.sleep(redis_log.LEASE_SECONDS + 1)
    assert redis.exists(f"bff:process:{broker.process_id}")
    redis_log.request_stop(broker.process_id, other.id)
    eventually(lambda: other.is_cancelled)
    assert not redis.exists("bff:flight:{public:question}")
    found = RunBroker().find(ended.id, [])
    assert found is not None
    assert found.wait_until_ended(5)


def test_a_run_that_needs_no_reader_is_not_cancelled_for_want_of_one(settings):
    settings.UNREAD_RUN_TIMEOUT_SECONDS = 0
    broker, may_end = RunBroker(), Signal()

    def renew(run: Run) -> Iterator[Event]:
        yield Start()
        assert may_end.wait(10)
        yield Finish("ai", ending="stopped" if run.is_cancelled else "stop")

    run = broker.subscribe(QUESTION, renew, [], expects_reader=False).run
    time.sleep(1.5)  # several checks
    may_end.set()
    assert run.wait_until_ended(5)
    assert run.events[-1] == Finish("ai")


def test_a_reader_elsewhere_that_has_joined_and_does_not_read_yet_keeps_the_run(stalled):
    """It may wait for the database."""
    here, there = RunBroker(), RunBroker()
    leader = here.subscribe(QUESTION, stalled, []).run
    reader = leader.read(reader="first", expects_reader=True)
    next(reader)
    follower = there.subscribe(QUESTION, stalled, [])
    eventually(lambda: follower.run.events)
    time.sleep(0.5)
    here.unsubscribe(leader.id, "first")
    time.sleep(3)  # longer than the announcement with which it joined
    assert not leader.is_cancelled


def test_a_reader_that_joins_a_mirrored_run_without_readers_is_announced_before_the_leader_looks(monkeypatch, stalled):
    """Else the leader cancels the run for want of readers, and this one receives the end of a stopped answer."""
    monkeypatch.setattr(mirror, "ANNOUNCE_SECONDS", float("inf"))
    here, there = RunBroker(), RunBroker()
    leader = here.subscribe(QUESTION, stalled, []).run
    follower = there.subscribe(QUESTION, stalled, []).run
    eventually(lambda: leader.publication.has_had_remote_readers)  # with a first announcement
    reader = follower.read(reader="first", expects_reader=True)
    next(reader)
    cast("Generator[object]", reader).close()
    get_redis_connection("default").delete(f"bff:reading:{leader.id}")  # it has expired
    assert there.subscribe(QUESTION, stalled, []).run is follower
    assert redis_log.has_remote_readers(leader)


def test_a_mirror_without_readers_does_not_end_while_one_that_has_joined_is_about_to_read(monkeypatch, stalled):
    monkeypatch.setattr(mirror, "UNREAD_MIRROR_SECONDS", 4.0)
    here, there = RunBroker(), RunBroker()
    leader = here.subscribe(QUESTION, stalled, []).run
    follower = there.subscribe(QUESTION, stalled, []).run
    time.sleep(2.5)
    assert there.subscribe(QUESTION, stalled, []).run is follower
    time.sleep(3)
    assert leader.id in there._runs
    stalled.may_end.set()
    assert follower.wait_until_ended(5)


def test_whoever_asks_while_a_mirror_without_readers_ends_does_not_get_that_one(monkeypatch, stalled):
    """Its run would never end here."""
    here, there = RunBroker(), RunBroker()
    here.subscribe(QUESTION, stalled, [])
    follower = there.subscribe(QUESTION, stalled, []).run
    may_finish, is_ending, mark_finished = Signal(), Signal(), there._mark_finished

    def mark_finished_later(run: Run) -> None:
        is_ending.set()
        assert may_finish.wait(10)
        mark_finished(run)

    monkeypatch.setattr(there, "_mark_finished", mark_finished_later)
    with monkeypatch.context() as impatient:
        impatient.setattr(mirror, "UNREAD_MIRROR_SECONDS", 0.0)
        assert is_ending.wait(10)
    again = there.subscribe(QUESTION, stalled, []).run
    may_finish.set()
    assert again is not follower
    stalled.may_end.set()
    assert again.wait_until_ended(5)


@pytest.mark.parametrize("is_same_process", [True, False])
def test_a_renewal_that_joins_a_persons_run_does_not_keep_it_when_the_person_leaves(stalled, is_same_process):
    here = RunBroker()
    there = here if is_same_process else RunBroker()
    run = here.subscribe(QUESTION, stalled, []).run
    reader = run.read(reader="first", expects_reader=True)
    next(reader)
    renewed = there.subscribe(QUESTION, stalled, [], expects_reader=False).run
    assert renewed.id == run.id
    eventually(lambda: renewed.events)
    here.unsubscribe(run.id, "first")
    assert run.is_cancelled
    assert not run.publication.has_had_remote_readers


def test_a_renewal_joins_only_an_open_run_and_is_not_counted():
    readers = Readers()
    assert readers.join(expects_reader=False)
    assert not readers.are_present_or_may_return(60)
    assert readers.join(expects_reader=True)
    assert readers.are_present_or_may_return(60)
    readers.close()
    assert not readers.join(expects_reader=False)


def test_a_renewal_elsewhere_announces_readers_once_a_person_joins_it(stalled):
    here, there = RunBroker(), RunBroker()
    run = here.subscribe(QUESTION, stalled, [], expects_reader=False).run
    mirror = there.subscribe(QUESTION, stalled, [], expects_reader=False).run
    eventually(lambda: mirror.events)
    time.sleep(0.5)
    assert not run.publication.has_had_remote_readers
    assert not redis_log.has_remote_readers(run)
    assert there.subscribe(QUESTION, stalled, []).run is mirror
    eventually(lambda: run.publication.has_had_remote_readers)
    assert redis_log.has_remote_readers(run)


def test_callbacks_at_the_end_do_not_wait_for_each_other():
    run = Run("run")
    for _ in range(20):
        run.on_end(lambda _transcript: time.sleep(0.3))
    began = time.monotonic()
    run.append([Start(), Notice("status", "", {}), Finish("ai")])
    assert time.monotonic() - began < 2
    assert run.has_ended
