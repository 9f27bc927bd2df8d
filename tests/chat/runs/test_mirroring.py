"""A run that another process leads, mirrored in this process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from django_redis import get_redis_connection
from redis.exceptions import TimeoutError as RedisTimeout

from chat.core.events import Delta, Event, Finish, Start, text_of
from chat.pipeline import fallbacks
from chat.runs import redis_log
from chat.runs.broker import RunBroker
from chat.runs.run import Run
from chat.storage.shared_redis import shared_redis
from tests.support.polling import eventually

CUT_SHORT = fallbacks.interrupted_ending("fr")


class Leader:
    """Writes to Redis as the leader in another process does."""

    def __init__(self) -> None:
        self.run = Run("run")
        redis_log.renew_lease("other-process")

    def publish(self, *new: Event) -> None:
        eventually(lambda: redis_log.publish("other-process", [(self.run, new)]))
        self.run.published_count += len(new)


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


def test_without_redis_a_remote_reader_counts_as_still_reading(leader):
    shared_redis.outage.begin(RedisTimeout())
    assert not redis_log.has_remote_readers(leader.run)
    leader.run.has_remote_readers = True
    assert redis_log.has_remote_readers(leader.run)


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
