"""A run that another process leads, mirrored in this process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from threading import Event as Signal

import pytest
from django_redis import get_redis_connection
from redis.exceptions import TimeoutError as RedisTimeout

from chat.core.events import Delta, Event, Finish, Start, text_of
from chat.pipeline import fallbacks
from chat.runs import redis_log
from chat.runs.broker import RunBroker
from chat.runs.run import Run
from observability.shared_redis import shared_redis
from tests.support.polling import eventually

CUT_SHORT = fallbacks.interrupted_ending("fr")


class Leader:
    """Writes to Redis as the leader in another process does."""

    def __init__(self, process_id: str = "other-process", published_count: int = 0) -> None:
        self.process_id = process_id
        self.run = Run("run", "public:question")
        self.run.publication.count = published_count
        redis_log.renew_lease(process_id)

    def publish(self, *new: Event) -> None:
        eventually(lambda: redis_log.publish(self.process_id, [(self.run, new)]))
        self.run.publication.count += len(new)


@pytest.fixture
def leader() -> Leader:
    leader = Leader()
    leader.publish(Start(), Delta("Bonjour, "))
    return leader


def test_find_announces_a_reader_before_it_reads(leader):
    RunBroker().find(leader.run.id, CUT_SHORT)
    eventually(lambda: redis_log.has_remote_readers(leader.run))


def test_mirror_survives_a_short_redis_outage(leader, monkeypatch):
    monkeypatch.setattr(
        redis_log, "tail", partial(redis_log.tail, wait_seconds=0.05)
    )  # several reads during the outage
    mirror = RunBroker().find(leader.run.id, CUT_SHORT)
    assert mirror
    batches = mirror.read()
    received = [next(batches)]
    shared_redis.outage.begin(RedisTimeout())
    leader.publish(Delta("Madame."), Finish("ai"))
    received += batches
    events = [event for batch in received for event in batch]
    assert (text_of(events), events[-1]) == ("Bonjour, Madame.", Finish("ai"))


def test_mirror_is_aborted_when_redis_stays_unavailable(leader, monkeypatch):
    monkeypatch.setattr(redis_log, "TAIL_OUTAGE_SECONDS", 0.2)
    mirror = RunBroker().find(leader.run.id, CUT_SHORT)
    assert mirror
    batches = mirror.read()
    received = [next(batches)]
    shared_redis.outage.begin(RedisTimeout())
    received += batches
    assert [event for batch in received for event in batch] == [Start(), Delta("Bonjour, "), *CUT_SHORT]


def test_who_looks_for_a_run_whose_mirror_was_aborted_gets_the_run(leader, monkeypatch):
    broker = RunBroker()
    with monkeypatch.context() as outage:
        outage.setattr(redis_log, "tail", lambda *_: None)
        aborted = broker.find(leader.run.id, CUT_SHORT)
        assert aborted
        assert aborted.wait_until_ended(5)
    assert aborted.may_live_elsewhere
    leader.publish(Delta("Madame."), Finish("ai"))
    again = broker.find(leader.run.id, CUT_SHORT)
    assert again
    assert text_of(event for batch in again.read() for event in batch) == "Bonjour, Madame."
    assert not again.may_live_elsewhere


def test_a_run_whose_leader_is_dead_does_not_live_elsewhere(leader):
    get_redis_connection("default").delete(f"bff:process:{leader.process_id}")
    mirror = RunBroker().find(leader.run.id, CUT_SHORT)
    assert mirror
    assert mirror.wait_until_ended(5)
    assert not mirror.may_live_elsewhere


def test_without_redis_a_remote_reader_counts_as_still_reading(leader):
    shared_redis.outage.begin(RedisTimeout())
    assert not redis_log.has_remote_readers(leader.run)
    leader.run.publication.has_had_remote_readers = True
    assert redis_log.has_remote_readers(leader.run)


def mirrored_events(run_id: str) -> list[Event]:
    mirror = RunBroker().find(run_id, CUT_SHORT)
    assert mirror
    return [event for batch in mirror.read() for event in batch]


def test_a_reader_gets_the_end_of_a_lost_run_when_events_cannot_be_decoded(leader):
    get_redis_connection("default").xadd("bff:run:run", {"p": leader.process_id, "n": 2, "e": "?"})
    assert mirrored_events("run") == [Start(), Delta("Bonjour, "), *CUT_SHORT]


def test_a_reader_gets_the_end_of_a_lost_run_when_events_are_missing(leader):
    leader.run.publication.count += 1
    leader.publish(Delta("Madame."), Finish("ai"))
    assert mirrored_events("run") == [Start(), Delta("Bonjour, "), *CUT_SHORT]


def test_a_run_with_a_reader_elsewhere_is_published_at_the_short_interval(monkeypatch):
    monkeypatch.setattr("chat.runs.publication.UNREAD_PUBLISH_SECONDS", 1_000_000)
    may_end = Signal()

    def produce(_run: Run) -> Iterator[Event]:
        yield from (Start(), Delta("Bonjour, "))
        assert may_end.wait(10)
        yield from (Delta("Madame."), Finish("ai"))

    run = RunBroker().subscribe("public:question", produce, CUT_SHORT).run
    mirror = RunBroker().find(run.id, CUT_SHORT)
    assert mirror
    eventually(lambda: list(mirror.events) == [Start(), Delta("Bonjour, ")])
    may_end.set()
    assert [event for batch in mirror.read() for event in batch][-2:] == [Delta("Madame."), Finish("ai")]


def test_a_process_that_does_not_lead_the_run_adds_nothing_to_its_text():
    """Redis was away for this process alone, so that it leads the run for its own readers."""
    leader = Leader()
    leader.publish(Start())
    other = Leader("without-redis", published_count=1)
    other.publish(Delta("Chère "))
    leader.publish(Delta("Bonjour, "))
    other.publish(Delta("amie, "), Delta("bonjour."), Finish("ai"))
    leader.publish(Delta("Madame."), Finish("ai"))
    assert mirrored_events("run") == [Start(), Delta("Bonjour, "), Delta("Madame."), Finish("ai")]


def test_a_lost_leader_that_writes_again_adds_nothing_to_the_text_of_the_next():
    lost = Leader()
    lost.publish(Start())
    run_log = redis_log.LogReader("run", lost.process_id)
    assert run_log.read()
    assert redis_log.claim(lost.run, run_log, "next")
    following = Leader("next", published_count=1)
    following.publish(Delta("Bonjour, "))
    lost.publish(Delta("Chère "), Delta("amie, "), Finish("ai"))
    following.publish(Delta("Madame."), Finish("ai"))
    assert mirrored_events("run") == [Start(), Delta("Bonjour, "), Delta("Madame."), Finish("ai")]


def test_a_leader_that_writes_again_is_not_replaced():
    leader = Leader()
    leader.publish(Start())
    run_log = redis_log.LogReader("run", leader.process_id)
    run_log.read()
    leader.publish(Delta("Bonjour"))
    assert not redis_log.claim(leader.run, run_log, "next")


@pytest.mark.parametrize("is_leader_first", [True, False])
def test_who_writes_first_after_an_outage_of_redis_leads_for_all(monkeypatch, is_leader_first):
    may_write = Signal()

    def produce(run: Run) -> Iterator[Event]:
        assert may_write.wait(10)
        yield from (Start(), Delta("Chère amie."), Finish("ai"))

    leader = Leader()
    assert redis_log.acquire("public:question", leader.process_id, "run")
    leader.publish(Start())
    broker = RunBroker()
    run = broker.subscribe("public:question", produce, CUT_SHORT).run
    eventually(lambda: run.events)
    with monkeypatch.context() as away:
        away.setattr(redis_log, "tail", lambda *_: None)
        eventually(lambda: run.is_led_here)
    if is_leader_first:
        leader.publish(Delta("Bonjour, "))
    may_write.set()
    assert text_of(event for batch in run.read() for event in batch) == "Chère amie."
    eventually(lambda: broker.process_id in {entry.process_id for entry in redis_log.tail("run", "0") or ()})
    assert redis_log.leader_of("run") == (leader if is_leader_first else broker).process_id
    leader.publish(Delta("Madame."), Finish("ai"))
    text = "Bonjour, Madame." if is_leader_first else "Chère amie."
    events = mirrored_events("run")
    assert (text_of(events), events[-1]) == (text, Finish("ai"))


def test_a_run_is_claimed_before_its_events_also_in_a_redis_that_does_not_know_the_script(leader):
    run_log = redis_log.LogReader("run", leader.process_id)
    assert run_log.read()
    following = Leader("next", published_count=2)
    following.run.publication.entry_to_claim_after = run_log.stream_id
    get_redis_connection("default").script_flush()
    following.publish(Delta("Madame."), Finish("ai"))
    assert mirrored_events("run") == [Start(), Delta("Bonjour, "), Delta("Madame."), Finish("ai")]
    assert redis_log.leader_of("run") == "next"


def test_one_of_the_processes_that_mirror_a_run_takes_it_over_and_the_others_follow_that_one():
    """Without one claim for all, each of them asked the AI, and their words mixed in the log."""
    question, mirrors, produced = "public:question", [RunBroker() for _ in range(4)], []

    def produce(run: Run) -> Iterator[Event]:
        produced.append(run)
        yield from (Start(), Delta("Bonjour, "), Delta("Madame."), Finish("ai"))

    redis_log.renew_lease("other-process")
    assert redis_log.acquire(question, "other-process", "run")
    subscriptions = [mirror.subscribe(question, produce, CUT_SHORT) for mirror in mirrors]
    get_redis_connection("default").delete("bff:process:other-process")
    transcripts = [[event for batch in each.run.read() for event in batch] for each in subscriptions]
    assert [(text_of(events), events[-1]) for events in transcripts] == [("Bonjour, Madame.", Finish("ai"))] * 4
    assert len(produced) == 1
    assert {each.run.id for each in subscriptions} == {"run"}
    assert redis_log.leader_of("run") in {mirror.process_id for mirror in mirrors}
