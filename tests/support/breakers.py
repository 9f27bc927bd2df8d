"""Breakers with a test's own clock, and the calls that bring them into a state."""

from __future__ import annotations

import os
import uuid
from functools import cache
from typing import Any

import pytest
import redis

from chat.upstream.breaker import Breaker, CircuitOpen, Permit, Policy
from chat.upstream.breaker.memory import MemoryStore
from chat.upstream.breaker.redis import RedisStore

POLICY = Policy(
    failure_threshold=5,
    window=60,
    min_calls=20,
    failure_rate=0.5,
    slow_call=15,
    open_for=60,
    open_max=300,
    probes=1,
    success_threshold=2,
    probe_lease=35,
    min_streak=0,  # most tests stop the clock
)
START_TIME = 1_700_000_100.0  # a whole number of windows: a step of the window begins here


class Clock:
    """A clock that only `advance()` moves."""

    def __init__(self) -> None:
        self.now = START_TIME

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@cache
def redis_client() -> redis.Redis:
    """A client with a long timeout: a busy machine is no outage. Outages are tested in breaker/test_outage.py."""
    return redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=10)


def breaker_with_clock(
    store: str, clock: Clock, policy: Policy = POLICY, *, name: str = "", target: str = "", **options: Any
) -> Breaker:
    """A breaker that takes the time from `clock`, in Redis as well. `store` is `redis` or `memory`."""
    name = name or f"test-{uuid.uuid4()}"
    if store == "memory":
        return Breaker(name, policy, MemoryStore(name, policy, clock), **options)
    return Breaker(name, policy, RedisStore(name, policy, redis_client, target=target, now=clock), **options)


def redis_breaker(name: str, policy: Policy = POLICY, **options: Any) -> Breaker:
    """A breaker with Redis' own clock."""
    return Breaker(name, policy, RedisStore(name, policy, redis_client), **options)


def succeed(breaker: Breaker, times: int = 1, *, is_background: bool = False) -> None:
    for _ in range(times):
        permit = breaker.acquire(is_background=is_background)
        permit.answer_began(0.1)
        permit.success(0.1)


def fail(  # noqa: PLR0913 - what a call can be
    breaker: Breaker,
    times: int = 1,
    *,
    code: str = "http_503",
    retry_after: float | None = None,
    subject: str = "",
    is_background: bool = False,
) -> None:
    """Report failures, of as many subjects unless they have this one."""
    for _ in range(times):
        breaker.acquire(subject, is_background=is_background).failure(code, retry_after)


def open_circuit(breaker: Breaker) -> None:
    fail(breaker, breaker.policy.failure_threshold)


def first_probe(breaker: Breaker, clock: Clock) -> Permit:
    """Open the circuit, let its open time pass, and return the permit of the probe that makes it half-open."""
    open_circuit(breaker)
    clock.advance(breaker.policy.open_for)
    return breaker.acquire()


def rejection(breaker: Breaker) -> CircuitOpen:
    """The error with which the breaker refuses a call. Fails if it admits the call."""
    with pytest.raises(CircuitOpen) as caught:
        breaker.acquire()
    return caught.value
