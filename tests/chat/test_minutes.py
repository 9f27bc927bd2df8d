"""What the desk's charts are made of: counted by each process, added up for the fleet, minute by minute."""

from __future__ import annotations

import pytest
from django_redis import get_redis_connection

from chat import minutes
from chat.minutes import Counts
from tests.waiting import eventually


def test_processes_add_up_in_the_minute_in_which_they_counted(monkeypatch):
    monkeypatch.setattr(minutes.time, "time", lambda: 60_000.0)
    one, another = Counts(), Counts()
    one.add("answer:ai", "lookup")
    another.add("answer:ai")
    one.flush()
    monkeypatch.setattr(minutes.time, "time", lambda: 60_060.0)
    another.flush()
    assert minutes.last(3) == [{}, {"answer:ai": 1, "lookup": 1}, {"answer:ai": 1}]


def test_what_one_process_counts_reaches_the_fleet_without_anybody_waiting_for_it(monkeypatch):
    monkeypatch.setattr(minutes, "FLUSH_SECONDS", 0.05)
    ours = Counts()
    asked = get_redis_connection("default").info("commandstats").get("cmdstat_hincrby", {}).get("calls", 0)
    for _ in range(100):
        ours.add("lookup")

    def trips() -> int:
        return get_redis_connection("default").info("commandstats").get("cmdstat_hincrby", {}).get("calls", 0) - asked

    eventually(lambda: minutes.last(2)[-1].get("lookup", 0) + minutes.last(2)[0].get("lookup", 0) == 100)
    assert trips() == 1


def test_a_minute_leaves_redis_after_an_hour_and_a_bit():
    ours = Counts()
    ours.add("lookup")
    ours.flush()
    (key,) = get_redis_connection("default").keys("bff:minute:*")
    assert 3600 < get_redis_connection("default").ttl(key) <= 3660


@pytest.mark.parametrize("minutes_back", [1, 60])
def test_nothing_counted_is_nothing_known_of_these_minutes(minutes_back):
    assert minutes.last(minutes_back) == [{}] * minutes_back
