"""An answer that another process writes, as its copy here is read."""

from __future__ import annotations

from functools import partial

import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from chat import fallbacks
from chat.events import Delta, Event, Finish, Start, text_of
from chat.runs import log as shared_log
from chat.runs.office import Office
from chat.runs.run import Run
from tests.waiting import eventually

CUT_SHORT = fallbacks.cut_short("fr")


class Writer:
    """Another process as Redis shows it."""

    def __init__(self) -> None:
        self.run = Run("written-elsewhere")
        shared_log.renew("elsewhere")

    def write(self, *new: Event) -> None:
        eventually(lambda: shared_log.publish("elsewhere", [(self.run, new)]))
        self.run.published += len(new)


@pytest.fixture
def writer() -> Writer:
    writer = Writer()
    writer.write(Start(), Delta("Bonjour, "))
    return writer


def test_who_is_about_to_read_is_announced_before_they_do(writer):
    Office().find(writer.run.id, CUT_SHORT)
    eventually(lambda: shared_log.is_read_elsewhere(writer.run), 0.5)


def test_a_moment_without_redis_costs_nobody_the_rest_of_an_answer(writer, monkeypatch):
    monkeypatch.setattr(shared_log, "tail", partial(shared_log.tail, wait_seconds=0.05))  # it asks while that lasts
    copy = Office().find(writer.run.id, CUT_SHORT)
    reading = copy.read()
    heard = [next(reading)]
    shared_log.shared.absence.begin(RedisTimeout())
    writer.write(Delta("Madame."), Finish("ai"))
    heard += reading
    events = [event for batch in heard for event in batch]
    assert (text_of(events), events[-1]) == ("Bonjour, Madame.", Finish("ai"))


def test_when_redis_stays_away_its_readers_are_told_that_there_is_no_more(writer, monkeypatch):
    monkeypatch.setattr(shared_log, "HICCUP_SECONDS", 0.2)
    reading = Office().find(writer.run.id, CUT_SHORT).read()
    heard = [next(reading)]
    shared_log.shared.absence.begin(RedisTimeout())
    heard += reading
    assert [event for batch in heard for event in batch] == [Start(), Delta("Bonjour, "), *CUT_SHORT]


def test_without_redis_whoever_read_elsewhere_is_taken_to_read_on(writer):
    shared_log.shared.absence.begin(RedisTimeout())
    assert not shared_log.is_read_elsewhere(writer.run)
    writer.run.is_read_afar = True
    assert shared_log.is_read_elsewhere(writer.run)
