"""Redis dies, freezes and comes back: calls go on under the same rules, and nobody waits for it."""

from __future__ import annotations

import copy
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import CacheHandler
from redis import RedisError

from chat.upstream.breaker import Breaker, StoreUnavailable, Transition
from observability.absence import Absence
from tests import services
from tests.chat.test_breaker import POLICY, Clock, fail, open_it, rejection, succeed
from tests.waiting import seconds_of


@pytest.fixture
def server() -> Iterator[services.Process]:
    """A Redis of the test's own, to be killed and frozen."""
    process = services.redis_server(services.free_port())
    yield process
    process.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


Build = Callable[..., Breaker]


@pytest.fixture
def patience() -> float:
    """How long a client waits for Redis, in seconds: tests that measure nothing give a busy machine more time."""
    return 0.5


# What REDIS_TIMEOUT_SECONDS is unless somebody says otherwise, as tests/services.py does.
settings_own_patience = pytest.mark.parametrize("patience", [0.1])


@pytest.fixture
def build(patience: float, server: services.Process, clock: Clock) -> Build:
    """Makes breakers that reach that Redis as the program reaches its own."""
    options = copy.deepcopy(settings.CACHES["breaker"])
    options["OPTIONS"] |= {"SOCKET_TIMEOUT": patience, "SOCKET_CONNECT_TIMEOUT": patience}
    options["LOCATION"] = f"redis://{services.HOST}:{server.port}/0?client_name=breaker"
    client = CacheHandler({"default": options})["default"].client.get_client()
    client.ping()

    def make(name: str = "", **changes: Any) -> Breaker:
        # Each process of its own knowledge; its thread, which asks in the background, never gets to it in a test.
        absence = Absence("redis", lambda: client.set("here", ""), pause_seconds=3600)
        return Breaker(
            name or f"test-{uuid.uuid4()}",
            replace(POLICY, **{key: value for key, value in changes.items() if hasattr(POLICY, key)}),
            redis=lambda: client,
            absence=absence,
            clock=clock,
            **{key: value for key, value in changes.items() if not hasattr(POLICY, key)},
        )

    return make


@pytest.fixture
def breaker(build: Build) -> Breaker:
    return build()


# Upper bounds are those of the quickest of a few tries: the machine may be busy, a wait would be in all of them.
TRIES = 3


def look(breaker: Breaker) -> None:
    """What the thread does that asks whether Redis is back."""
    breaker.store.absence.look()


def source(breaker: Breaker) -> str:
    return breaker.snapshot().source


@settings_own_patience
@pytest.mark.parametrize(("end", "begin"), [("stop", "start"), ("freeze", "thaw")])
def test_the_first_call_goes_on_within_150_ms_and_the_next_ones_at_once(
    server: services.Process, breaker: Breaker, clock: Clock, end: str, begin: str
) -> None:
    first, later = [], []
    for _ in range(TRIES):
        succeed(breaker)
        getattr(server, end)()
        first.append(seconds_of(breaker.acquire))
        later += [seconds_of(lambda: succeed(breaker)) for _ in range(20)]
        assert source(breaker) == "memory"
        getattr(server, begin)()
        look(breaker)
    assert min(first) < 0.15
    assert sorted(later)[-5] < 0.005


@settings_own_patience
@pytest.mark.parametrize(("end", "begin"), [("stop", "start"), ("freeze", "thaw")])
def test_a_result_that_meets_the_outage_waits_no_longer_either(
    server: services.Process, breaker: Breaker, clock: Clock, end: str, begin: str
) -> None:
    waits = []
    for _ in range(TRIES):
        permit = breaker.acquire()
        getattr(server, end)()
        waits.append(seconds_of(lambda permit=permit: permit.failure("http_503")))
        assert source(breaker) == "memory"
        getattr(server, begin)()
        look(breaker)
    assert min(waits) < 0.15


@settings_own_patience
@pytest.mark.parametrize("outage", ["stop", "freeze"])
def test_a_process_that_starts_during_the_outage_works(server: services.Process, build: Build, outage: str) -> None:
    waits = []
    getattr(server, outage)()
    for _ in range(TRIES):
        breaker = build()
        breaker.store.shared._redis.connection_pool.disconnect()  # nothing is connected yet
        waits.append(seconds_of(breaker.acquire))
        assert source(breaker) == "memory"
    assert min(waits) < 0.15


def test_the_same_rules_hold_without_redis(server: services.Process, breaker: Breaker, clock: Clock) -> None:
    server.stop()
    succeed(breaker, 5)
    fail(breaker, 4)
    assert breaker.snapshot().state == "closed"
    fail(breaker)
    assert rejection(breaker).retry_after == 60
    clock.advance(60)
    assert breaker.acquire().is_probe
    rejection(breaker)
    assert source(breaker) == "memory"


@settings_own_patience
def test_while_redis_is_frozen_no_call_ever_asks_it_again(
    server: services.Process, breaker: Breaker, clock: Clock
) -> None:
    server.freeze()
    breaker.acquire()
    clock.advance(3600)
    assert sorted(seconds_of(breaker.acquire) for _ in range(50))[-5] < 0.005


@settings_own_patience
def test_what_anybody_else_learnt_of_that_redis_costs_the_breaker_nothing(
    server: services.Process, build: Build
) -> None:
    waits = []
    server.freeze()
    for _ in range(TRIES):
        breaker = build()
        breaker.store.absence.begin(TimeoutError())
        waits.append(seconds_of(breaker.acquire))
        assert source(breaker) == "memory"
    assert min(waits) < 0.005


def test_a_circuit_seen_open_stays_open_when_somebody_else_finds_redis_dead(
    server: services.Process, breaker: Breaker
) -> None:
    open_it(breaker)
    rejection(breaker)
    breaker.store.absence.begin(TimeoutError())
    assert rejection(breaker).retry_after == pytest.approx(60, abs=0.5)
    assert source(breaker) == "memory"


def test_a_redis_that_is_full_is_as_good_as_away(server: services.Process, breaker: Breaker) -> None:
    succeed(breaker)
    breaker.store.shared._redis.config_set("maxmemory", 1)
    fail(breaker, 6)  # the first vote is refused, as in any outage
    rejection(breaker)
    look(breaker)
    assert source(breaker) == "memory"
    breaker.store.shared._redis.config_set("maxmemory", 0)
    look(breaker)
    succeed(breaker)
    assert source(breaker) == "redis"


def test_on_return_the_shared_state_wins_over_a_memory_that_was_open(
    server: services.Process, breaker: Breaker, clock: Clock
) -> None:
    succeed(breaker)
    server.freeze()
    open_it(breaker)
    rejection(breaker)
    server.thaw()
    look(breaker)
    assert not breaker.acquire().is_probe
    assert (source(breaker), breaker.snapshot().state) == ("redis", "closed")


def test_on_return_the_shared_state_wins_over_a_memory_that_was_closed(
    server: services.Process, build: Build, clock: Clock
) -> None:
    breaker = build()
    succeed(breaker)
    server.freeze()
    succeed(breaker)
    server.thaw()
    elsewhere = build(breaker.name)  # another process, that saw nothing of it
    open_it(elsewhere)
    breaker.acquire()  # still skips Redis
    look(breaker)
    rejection(breaker)


def test_results_of_calls_admitted_by_memory_do_not_reach_the_shared_state(
    server: services.Process, breaker: Breaker, clock: Clock
) -> None:
    server.freeze()
    permits = [breaker.acquire() for _ in range(10)]
    server.thaw()
    look(breaker)
    breaker.acquire()
    for permit in permits:
        permit.failure("http_503")
    assert (source(breaker), breaker.snapshot().calls) == ("redis", 0)


def test_results_of_calls_admitted_by_redis_do_not_reach_memory(server: services.Process, breaker: Breaker) -> None:
    permits = [breaker.acquire() for _ in range(10)]
    server.stop()
    for permit in permits:
        permit.failure("http_503")
    assert (source(breaker), breaker.snapshot().calls) == ("memory", 0)


def test_a_circuit_seen_open_stays_open_when_redis_dies(
    server: services.Process, breaker: Breaker, clock: Clock
) -> None:
    open_it(breaker)
    rejection(breaker)
    server.stop()
    clock.advance(59)
    assert rejection(breaker).retry_after == pytest.approx(1, abs=0.2)
    clock.advance(1.2)
    assert breaker.acquire().is_probe


def test_a_circuit_seen_half_open_lets_one_probe_through_when_redis_dies(
    server: services.Process, build: Build
) -> None:
    breaker = build(open_for=0.01, success_threshold=1)
    open_it(breaker)
    time.sleep(0.02)
    breaker.acquire()
    server.stop()
    probe = breaker.acquire()
    assert probe.is_probe
    rejection(breaker)
    probe.success(0.1)
    assert not breaker.acquire().is_probe


@pytest.mark.parametrize("seconds", [600, None])
def test_a_forced_open_circuit_stays_shut_when_redis_dies(
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


def test_each_outage_begins_with_a_clean_memory(server: services.Process, breaker: Breaker, clock: Clock) -> None:
    succeed(breaker)
    server.freeze()
    fail(breaker, 4)
    server.thaw()
    look(breaker)
    succeed(breaker)
    server.freeze()
    fail(breaker, 4)
    assert (source(breaker), breaker.snapshot().state, breaker.snapshot().failures) == ("memory", "closed", 4)


def test_an_operators_order_is_refused_while_redis_is_away(server: services.Process, build: Build) -> None:
    told: list[Transition] = []
    breaker = build(on_transition=told.append)
    server.stop()
    with pytest.raises(StoreUnavailable) as caught:
        breaker.force("open", who="ada", reason="provider moves", seconds=None)
    assert isinstance(caught.value.__cause__, RedisError)
    with pytest.raises(StoreUnavailable):
        breaker.reset(who="ada", reason="")
    breaker.acquire()
    assert not told


def test_an_operators_order_asks_redis_however_recently_it_was_away(server: services.Process, breaker: Breaker) -> None:
    server.freeze()
    breaker.acquire()
    server.thaw()
    breaker.force("open", who="ada", reason="provider moves", seconds=None)
    rejection(breaker)
    assert source(breaker) == "redis"


def test_transitions_of_a_lonely_process_are_told_too(server: services.Process, build: Build) -> None:
    told: list[Transition] = []
    breaker = build(on_transition=told.append)
    server.stop()
    open_it(breaker)
    assert [(one.from_state, one.to_state) for one in told] == [("closed", "open")]


def test_a_redis_that_forgot_everything_begins_closed(server: services.Process, breaker: Breaker) -> None:
    open_it(breaker)
    server.stop()
    server.start()
    assert not breaker.acquire().is_probe
    assert source(breaker) == "redis"
