"""While Redis is down or frozen the breaker goes on in memory under the same rules, without waiting for Redis."""

from __future__ import annotations

import copy
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import CacheHandler
from redis import Redis, RedisError

from chat.upstream.breaker import Breaker, StoreUnavailable, Transition
from chat.upstream.breaker.failover import Failover
from chat.upstream.breaker.memory import MemoryStore
from chat.upstream.breaker.redis import RedisStore
from observability.outage import Outage
from tests.support import services
from tests.support.breakers import POLICY, Clock, fail, open_circuit, rejection, succeed
from tests.support.polling import eventually, seconds_of


@pytest.fixture
def server() -> Iterator[services.Process]:
    """A Redis of its own for each test, to stop and freeze."""
    process = services.start_redis(services.free_port())
    yield process
    process.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


Build = Callable[..., Breaker]


@pytest.fixture
def redis_timeout() -> float:
    """The client's timeout in seconds. Tests that measure no time use a longer one, for busy machines."""
    return 0.5


# The default of REDIS_TIMEOUT_SECONDS, which tests/support/services.py raises.
default_redis_timeout = pytest.mark.parametrize("redis_timeout", [0.1])


@pytest.fixture
def build(redis_timeout: float, server: services.Process, clock: Clock) -> Build:
    """Builds breakers that connect to that Redis with the program's options."""
    options = copy.deepcopy(settings.CACHES["breaker"])
    options["OPTIONS"] |= {"SOCKET_TIMEOUT": redis_timeout, "SOCKET_CONNECT_TIMEOUT": redis_timeout}
    options["LOCATION"] = f"redis://{services.HOST}:{server.port}/0?client_name=breaker"
    cache: Any = CacheHandler({"default": options})["default"]
    client = cache.client.get_client()
    client.ping()

    def build(name: str = "", *, on_transition: Any = None, **changes: Any) -> Breaker:
        # One Outage per simulated process; its background checks are too far apart to run in a test.
        outage = Outage("redis", lambda: client.set("here", ""), interval_seconds=3600)
        name = name or f"test-{uuid.uuid4()}"
        policy = replace(POLICY, **changes)
        shared, local = RedisStore(name, policy, lambda: client), MemoryStore(name, policy, clock)
        return Breaker(name, policy, Failover(shared, local, outage, clock), on_transition=on_transition)

    return build


@pytest.fixture
def breaker(build: Build) -> Breaker:
    return build()


# Upper bounds apply to the fastest of a few tries: the machine may be busy, but a real wait would slow each try.
TRIES = 3


def store_of(breaker: Breaker) -> Failover:
    assert isinstance(breaker.store, Failover)
    return breaker.store


def redis_of(breaker: Breaker) -> Redis:
    return store_of(breaker).shared._connect()


def check_redis(breaker: Breaker) -> None:
    """Check whether Redis is available, as the background thread does."""
    store_of(breaker).outage.check()


def source_of(breaker: Breaker) -> str:
    return breaker.snapshot().source


@default_redis_timeout
@pytest.mark.parametrize(("end", "begin"), [("stop", "start"), ("freeze", "thaw")])
def test_the_first_call_of_an_outage_takes_at_most_150_ms_and_later_ones_do_not_wait(
    server: services.Process, breaker: Breaker, clock: Clock, end: str, begin: str
) -> None:
    first, later = [], []
    for _ in range(TRIES):
        succeed(breaker)
        getattr(server, end)()
        first.append(seconds_of(breaker.acquire))
        later += [seconds_of(lambda: succeed(breaker)) for _ in range(20)]
        assert source_of(breaker) == "memory"
        getattr(server, begin)()
        check_redis(breaker)
    assert min(first) < 0.15
    assert sorted(later)[-5] < 0.005


@default_redis_timeout
@pytest.mark.parametrize(("end", "begin"), [("stop", "start"), ("freeze", "thaw")])
def test_recording_a_result_when_an_outage_begins_takes_at_most_150_ms(
    server: services.Process, breaker: Breaker, clock: Clock, end: str, begin: str
) -> None:
    waits = []
    for _ in range(TRIES):
        permit = breaker.acquire()
        getattr(server, end)()
        waits.append(seconds_of(partial(permit.failure, "http_503")))
        assert source_of(breaker) == "memory"
        getattr(server, begin)()
        check_redis(breaker)
    assert min(waits) < 0.15


@default_redis_timeout
@pytest.mark.parametrize("outage", ["stop", "freeze"])
def test_a_process_that_starts_during_an_outage_works(server: services.Process, build: Build, outage: str) -> None:
    waits = []
    getattr(server, outage)()
    for _ in range(TRIES):
        breaker = build()
        redis_of(breaker).connection_pool.disconnect()  # nothing is connected yet
        waits.append(seconds_of(breaker.acquire))
        assert source_of(breaker) == "memory"
    assert min(waits) < 0.15


def test_the_same_rules_apply_without_redis(server: services.Process, breaker: Breaker, clock: Clock) -> None:
    server.stop()
    succeed(breaker, 5)
    fail(breaker, 4)
    assert breaker.snapshot().state == "closed"
    fail(breaker)
    assert rejection(breaker).retry_after == 60
    clock.advance(60)
    assert breaker.acquire().is_probe
    rejection(breaker)
    assert source_of(breaker) == "memory"


@default_redis_timeout
def test_while_redis_is_frozen_no_further_call_connects_to_it(
    server: services.Process, breaker: Breaker, clock: Clock
) -> None:
    server.freeze()
    breaker.acquire()
    clock.advance(3600)
    assert median(seconds_of(breaker.acquire) for _ in range(50)) < 0.05  # a connection attempt takes 100 ms


@default_redis_timeout
def test_an_outage_found_by_other_code_costs_the_breaker_no_wait(server: services.Process, build: Build) -> None:
    waits = []
    server.freeze()
    for _ in range(TRIES):
        breaker = build()
        store_of(breaker).outage.begin(TimeoutError())
        waits.append(seconds_of(breaker.acquire))
        assert source_of(breaker) == "memory"
    assert min(waits) < 0.005


def test_a_circuit_seen_open_stays_open_when_other_code_finds_the_outage(
    server: services.Process, breaker: Breaker
) -> None:
    open_circuit(breaker)
    rejection(breaker)
    store_of(breaker).outage.begin(TimeoutError())
    assert rejection(breaker).retry_after == pytest.approx(60, abs=0.5)
    assert source_of(breaker) == "memory"


def test_a_full_redis_counts_as_unavailable(server: services.Process, breaker: Breaker) -> None:
    succeed(breaker)
    breaker.snapshot()  # the success, which waits for a trip, goes with this one
    redis_of(breaker).config_set("maxmemory", 1)
    fail(breaker, 6)  # the first result is lost, as in any outage
    rejection(breaker)
    check_redis(breaker)
    assert source_of(breaker) == "memory"
    redis_of(breaker).config_set("maxmemory", 0)
    check_redis(breaker)
    succeed(breaker)
    assert source_of(breaker) == "redis"


def test_on_return_the_shared_state_wins_over_a_memory_that_was_open(
    server: services.Process, breaker: Breaker, clock: Clock
) -> None:
    succeed(breaker)
    server.freeze()
    open_circuit(breaker)
    rejection(breaker)
    server.thaw()
    check_redis(breaker)
    assert not breaker.acquire().is_probe
    assert (source_of(breaker), breaker.snapshot().state) == ("redis", "closed")


def test_on_return_the_shared_state_wins_over_a_memory_that_was_closed(
    server: services.Process, build: Build, clock: Clock
) -> None:
    breaker = build()
    succeed(breaker)
    server.freeze()
    succeed(breaker)
    eventually(lambda: store_of(breaker).outage.is_confirmed)
    server.thaw()
    elsewhere = build(breaker.name)  # another process without the outage
    open_circuit(elsewhere)
    breaker.acquire()  # still skips Redis
    check_redis(breaker)
    rejection(breaker)


def test_results_of_calls_admitted_by_memory_do_not_reach_the_shared_state(
    server: services.Process, breaker: Breaker, clock: Clock
) -> None:
    server.freeze()
    permits = [breaker.acquire() for _ in range(10)]
    server.thaw()
    check_redis(breaker)
    breaker.acquire()
    for permit in permits:
        permit.failure("http_503")
    assert (source_of(breaker), breaker.snapshot().calls) == ("redis", 0)


def test_results_of_calls_admitted_by_redis_do_not_reach_memory(server: services.Process, breaker: Breaker) -> None:
    permits = [breaker.acquire() for _ in range(10)]
    server.stop()
    for permit in permits:
        permit.failure("http_503")
    assert (source_of(breaker), breaker.snapshot().calls) == ("memory", 0)


def test_a_circuit_seen_open_stays_open_when_redis_dies(
    server: services.Process, breaker: Breaker, clock: Clock
) -> None:
    open_circuit(breaker)
    rejection(breaker)
    server.stop()
    clock.advance(59)
    assert rejection(breaker).retry_after == pytest.approx(1, abs=0.2)
    clock.advance(1.2)
    assert breaker.acquire().is_probe


def test_a_circuit_seen_half_open_admits_one_probe_when_redis_dies(server: services.Process, build: Build) -> None:
    breaker = build(open_for=0.01, success_threshold=1)
    open_circuit(breaker)
    time.sleep(0.02)
    breaker.acquire()
    server.stop()
    probe = breaker.acquire()
    assert probe.is_probe
    rejection(breaker)
    probe.success(0.1)
    assert not breaker.acquire().is_probe


@pytest.mark.parametrize("seconds", [600, None])
def test_a_forced_open_circuit_stays_open_when_redis_dies(
    server: services.Process, breaker: Breaker, clock: Clock, seconds: float | None
) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=seconds)
    rejection(breaker)
    server.stop()
    clock.advance(500)
    rejection(breaker)
    clock.advance(101)
    if seconds is None:
        rejection(breaker)
    else:
        assert breaker.acquire().is_probe


def test_a_forced_closed_circuit_stays_forced_when_redis_dies(server: services.Process, breaker: Breaker) -> None:
    breaker.force("closed", who="ada", reason="false alarm", seconds=None)
    breaker.acquire()
    server.stop()
    fail(breaker, 20)
    breaker.acquire()


def test_each_outage_starts_with_empty_memory(server: services.Process, breaker: Breaker, clock: Clock) -> None:
    succeed(breaker)
    server.freeze()
    fail(breaker, 4)
    server.thaw()
    check_redis(breaker)
    succeed(breaker)
    server.freeze()
    fail(breaker, 4)
    assert (source_of(breaker), breaker.snapshot().state, breaker.snapshot().failures) == ("memory", "closed", 4)


def test_an_operators_command_fails_while_redis_is_unavailable(server: services.Process, build: Build) -> None:
    notified: list[Transition] = []
    breaker = build(on_transition=notified.append)
    server.stop()
    with pytest.raises(StoreUnavailable) as caught:
        breaker.force("open", who="ada", reason="provider moves", seconds=None)
    assert isinstance(caught.value.__cause__, RedisError)
    with pytest.raises(StoreUnavailable):
        breaker.reset(who="ada", reason="")
    breaker.acquire()
    assert not notified


def test_an_operators_command_reaches_redis_right_after_an_outage(server: services.Process, breaker: Breaker) -> None:
    server.freeze()
    breaker.acquire()
    server.thaw()
    breaker.force("open", who="ada", reason="provider moves", seconds=None)
    rejection(breaker)
    assert source_of(breaker) == "redis"


def test_transitions_in_memory_are_notified(server: services.Process, build: Build) -> None:
    notified: list[Transition] = []
    breaker = build(on_transition=notified.append)
    server.stop()
    open_circuit(breaker)
    assert [(transition.from_state, transition.to_state) for transition in notified] == [("closed", "open")]


def test_after_redis_lost_its_data_the_circuit_is_closed(server: services.Process, breaker: Breaker) -> None:
    open_circuit(breaker)
    server.stop()
    server.start()
    assert not breaker.acquire().is_probe
    check_redis(breaker)  # the call may have met a connection of before
    assert source_of(breaker) == "redis"
