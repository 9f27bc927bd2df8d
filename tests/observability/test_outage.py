"""An outage is logged once, seen by all callers, and ended by a background thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from bff import redis_caches
from observability import metrics, outage
from observability.outage import Outage
from observability.redis_trips import RedisTrips
from tests.support.concurrency import run_concurrently
from tests.support.polling import eventually


class Dependency:
    """A dependency that is available or not, and counts its probes."""

    def __init__(self) -> None:
        self.is_available = False
        self.probes = 0

    def ping(self) -> None:
        self.probes += 1
        if not self.is_available:
            raise RedisTimeout


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


@pytest.fixture
def tracked(dependency: Dependency) -> Iterator[Outage]:
    """Probed every 10 ms while it is unavailable."""
    outage_ = Outage("test", dependency.ping, interval_seconds=0.01)
    yield outage_
    outage_.end()


def probe_threads() -> int:
    return sum(thread.name == "outage-test" for thread in threading.enumerate())


def test_without_a_failure_there_is_no_outage_and_no_probe(dependency, tracked):
    assert not tracked.is_active
    assert dependency.probes == 0


def test_the_first_failure_begins_the_outage(tracked):
    tracked.begin(RedisTimeout())
    assert tracked.is_active


def test_a_background_thread_ends_the_outage(dependency, tracked):
    tracked.begin(RedisTimeout())
    eventually(lambda: dependency.probes >= 3)
    assert tracked.is_active
    dependency.is_available = True
    eventually(lambda: not tracked.is_active)
    eventually(lambda: probe_threads() == 0)


def test_concurrent_failures_are_logged_once_and_start_one_thread(dependency, tracked, capsys):
    run_concurrently(8, lambda: tracked.begin(RedisTimeout()))
    assert probe_threads() == 1
    assert capsys.readouterr().out.count("Dependency unavailable") == 1


def test_repeated_outages_are_tracked(dependency, tracked):
    for _ in range(3):
        dependency.is_available = False
        tracked.begin(RedisTimeout())
        assert tracked.is_active
        dependency.is_available = True
        eventually(lambda: not tracked.is_active)


def test_a_dependency_that_was_only_slow_is_counted_and_not_logged(dependency, tracked, capsys):
    slow = metrics.DEPENDENCY_SLOW.labels("test")._value.get()
    dependency.is_available = True
    tracked.suspect(RedisTimeout())
    eventually(lambda: not tracked.is_active)
    eventually(lambda: metrics.DEPENDENCY_SLOW.labels("test")._value.get() == slow + 1)
    assert capsys.readouterr().out == ""


def test_a_suspect_is_skipped_at_once_and_logged_when_the_probe_fails(dependency, tracked, capsys):
    tracked.suspect(RedisTimeout())
    assert tracked.is_active
    eventually(lambda: tracked.is_confirmed)
    assert capsys.readouterr().out.count("Dependency unavailable") == 1
    dependency.is_available = True
    eventually(lambda: not tracked.is_active)
    assert not tracked.is_confirmed


def no_trips() -> RedisTrips:
    raise AssertionError("nothing is probed")


def test_one_redis_server_has_one_outage_for_all_pools_databases_and_passwords():
    first = outage.for_redis("redis://127.0.0.1:1/0", no_trips)
    same = ["redis://127.0.0.1:1/0?client_name=breaker", "redis://127.0.0.1:1/3", "redis://me:secret@127.0.0.1:1/0"]
    others = ["redis://127.0.0.1:2/0", "unix:///run/redis.sock"]
    assert all(outage.for_redis(url, no_trips) is first for url in same)
    assert all(outage.for_redis(url, no_trips) is not first for url in others)


def test_the_services_of_different_sentinels_have_an_outage_each():
    aliases = {
        "one": "redis+sentinel://here,there/main/0",
        "same": "redis+sentinel://:secret@here,there/main/1?client_name=breaker",
        "other": "redis+sentinel://elsewhere/main/0",
    }
    outages = {
        alias: outage.for_redis(redis_caches.cache(address, timeout=1, max_connections=5)["LOCATION"], no_trips)
        for alias, address in aliases.items()
    }
    assert outages["one"] is outages["same"]
    assert outages["one"] is not outages["other"]
