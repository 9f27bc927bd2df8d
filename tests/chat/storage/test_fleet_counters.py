"""Fleet counters: counted by each process, summed for the fleet per minute."""

from __future__ import annotations

import time

import pytest
from django_redis import get_redis_connection

from chat.storage import fleet_counters
from chat.storage.fleet_counters import CounterBuffer
from tests.support.polling import eventually


def test_increments_of_all_processes_are_summed_in_the_minute_of_their_flush(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 60_000.0)
    monkeypatch.setattr(fleet_counters, "SLOW_SECONDS", 60)
    one, another = CounterBuffer(), CounterBuffer()
    one.increment("answer:ai", "lookup")
    another.increment("answer:ai")
    one.flush()
    monkeypatch.setattr(time, "time", lambda: 60_060.0)
    another.flush()
    assert fleet_counters.last_minutes(3) == {
        59_940: {},
        60_000: {"answer:ai": 1, "lookup": 1},
        60_060: {"answer:ai": 1},
    }


def test_increments_are_flushed_in_the_background_in_one_trip(monkeypatch):
    monkeypatch.setattr(fleet_counters, "FLUSH_SECONDS", 0.05)
    monkeypatch.setattr(fleet_counters, "SLOW_SECONDS", 60)
    buffer = CounterBuffer()
    calls_before = get_redis_connection("default").info("commandstats").get("cmdstat_hincrby", {}).get("calls", 0)
    for _ in range(100):
        buffer.increment("lookup")

    def trips() -> int:
        return (
            get_redis_connection("default").info("commandstats").get("cmdstat_hincrby", {}).get("calls", 0)
            - calls_before
        )

    eventually(lambda: sum(row.get("lookup", 0) for row in fleet_counters.last_minutes(2).values()) == 100)
    assert trips() == 1


def test_a_slow_trip_to_redis_is_counted_with_the_next_flush(monkeypatch):
    buffer = CounterBuffer()
    buffer.increment("lookup")
    monkeypatch.setattr(fleet_counters, "SLOW_SECONDS", 0)
    buffer.flush()
    monkeypatch.setattr(fleet_counters, "SLOW_SECONDS", 60)
    buffer.flush()
    assert sum(row.get("slow_redis", 0) for row in fleet_counters.last_minutes(2).values()) == 1


def test_counters_of_a_minute_expire_after_61_minutes():
    buffer = CounterBuffer()
    buffer.increment("lookup")
    buffer.flush()
    (key,) = get_redis_connection("default").keys("bff:minute:*")
    assert 3600 < get_redis_connection("default").ttl(key) <= 3660


@pytest.mark.parametrize("minutes", [1, 60])
def test_minutes_without_increments_are_empty(minutes):
    assert list(fleet_counters.last_minutes(minutes).values()) == [{}] * minutes


def test_hit_rate_covers_the_fleet_and_is_unknown_without_lookups():
    assert fleet_counters.hit_rate() is None
    another_process = CounterBuffer()
    another_process.increment("hit", "lookup", "hit", "lookup", "hit", "lookup", "lookup")
    fleet_counters.count_lookup(False)
    another_process.flush()
    assert fleet_counters.hit_rate() == 0.6
