"""What a circuit breaker does, told once and true of both stores: Redis and process memory."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pytest
import redis

from chat.upstream.breaker import Breaker, CircuitOpen, Permit, Policy, Transition
from chat.upstream.breaker.redis import RedisStore
from tests.together import at_once

POLICY = Policy(
    window=60,
    failure_threshold=5,
    failure_rate=0.5,
    slow_call=15,
    open_for=60,
    open_max=300,
    probes=1,
    success_threshold=2,
    probe_lease=35,
)
STEP = POLICY.window / 20
BEGINNING = 1_700_000_100.0  # a whole number of windows: tests of edges start at one


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = BEGINNING

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@cache
def redis_client() -> redis.Redis:
    """Redis, with patience: a busy machine is no outage (tests of those are in test_breaker_outage.py)."""
    return redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=10)


def timed_breaker(store: str, clock: Clock, policy: Policy = POLICY, *, name: str = "", **listeners: Any) -> Breaker:
    """A breaker whose time, in Redis too, is the test's."""
    name = name or f"test-{uuid.uuid4()}"
    if store == "memory":
        return Breaker(name, policy, redis=None, clock=clock, **listeners)
    breaker = Breaker(name, policy, redis=redis_client, clock=clock, **listeners)
    breaker.store = RedisStore(name, policy, redis_client, now=clock)
    return breaker


Build = Callable[..., Breaker]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["redis", "memory"])
def build(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Build]:
    """Makes breakers of one store; `policy` changes are given by name."""

    def make(*, on_transition: Any = None, on_state: Any = None, on_rejection: Any = None, **changes: Any) -> Breaker:
        listeners = {"on_transition": on_transition, "on_state": on_state, "on_rejection": on_rejection}
        return timed_breaker(request.param, clock, replace(POLICY, **changes), **listeners)

    return make


@pytest.fixture
def breaker(build: Build) -> Breaker:
    return build()


def succeed(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.acquire().success(0.1)


def fail(breaker: Breaker, times: int = 1, *, code: str = "http_503", retry_after: float | None = None) -> None:
    for _ in range(times):
        breaker.acquire().failure(code, retry_after)


def open_it(breaker: Breaker) -> None:
    fail(breaker, breaker.policy.failure_threshold)


def half_open_it(breaker: Breaker, clock: Clock) -> Permit:
    """The probe that finds the circuit half-open."""
    open_it(breaker)
    clock.advance(breaker.policy.open_for)
    return breaker.acquire()


def state(breaker: Breaker) -> str:
    return breaker.snapshot().state


def rejection(breaker: Breaker) -> CircuitOpen:
    with pytest.raises(CircuitOpen) as caught:
        breaker.acquire()
    return caught.value


# --- Closed: counting ------------------------------------------------------------------------------------------------


def test_a_new_circuit_is_closed(breaker: Breaker) -> None:
    assert state(breaker) == "closed"
    assert not breaker.acquire().is_probe


def test_it_stays_closed_one_failure_below_the_threshold(breaker: Breaker) -> None:
    fail(breaker, 4)
    assert state(breaker) == "closed"


def test_it_opens_with_the_failure_that_reaches_the_threshold(breaker: Breaker) -> None:
    fail(breaker, 4)
    fail(breaker)
    assert state(breaker) == "open"


def test_many_successes_never_open_it(breaker: Breaker) -> None:
    succeed(breaker, 30)
    assert state(breaker) == "closed"


def test_enough_failures_below_the_rate_leave_it_closed(breaker: Breaker) -> None:
    succeed(breaker, 6)
    fail(breaker, 5)  # 5 of 11
    assert state(breaker) == "closed"


def test_enough_failures_at_exactly_the_rate_open_it(breaker: Breaker) -> None:
    succeed(breaker, 5)
    fail(breaker, 5)  # 5 of 10
    assert state(breaker) == "open"


def test_a_high_rate_with_too_few_failures_leaves_it_closed(build: Build) -> None:
    breaker = build(failure_rate=0.1)
    fail(breaker, 4)  # 4 of 4
    assert state(breaker) == "closed"


@pytest.mark.parametrize(("calls", "rate"), [(30, 0.1), (10, 0.3), (10, 0.7), (100, 0.07), (3, 1 / 3)])
def test_a_rate_that_binary_fractions_only_approach_is_reached_exactly(build: Build, calls: int, rate: float) -> None:
    failures = round(calls * rate)
    breaker = build(failure_rate=rate, failure_threshold=failures)
    succeed(breaker, calls - failures)
    fail(breaker, failures - 1)
    assert state(breaker) == "closed"
    fail(breaker)
    assert state(breaker) == "open"


def test_a_rate_of_nothing_leaves_the_number_of_failures_alone_to_decide(build: Build) -> None:
    breaker = build(failure_rate=0)
    succeed(breaker, 50)
    fail(breaker, 5)
    assert state(breaker) == "open"


def test_a_success_alone_never_opens_it_whatever_the_rate_has_become(breaker: Breaker, clock: Clock) -> None:
    succeed(breaker, 20)
    clock.advance(55)
    fail(breaker, 5)  # 5 of 25
    clock.advance(10)  # the early successes have left the window: 5 of 5
    succeed(breaker)
    assert state(breaker) == "closed"
    fail(breaker)
    assert state(breaker) == "open"


def test_ignored_calls_count_neither_way(breaker: Breaker) -> None:
    for _ in range(50):
        breaker.acquire().ignore()
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (0, 0)
    open_it(breaker)
    assert state(breaker) == "open"


def test_neutral_calls_count_neither_way_when_closed(breaker: Breaker) -> None:
    for _ in range(50):
        breaker.acquire().neutral()
    assert breaker.snapshot().calls == 0


# --- Closed: the window ----------------------------------------------------------------------------------------------


def test_whoever_reports_a_failure_hears_how_many_calls_of_the_fleet_fail(breaker: Breaker, clock: Clock) -> None:
    succeed(breaker, 6)
    fail(breaker)
    clock.advance(POLICY.window / 2)
    permit = breaker.acquire()
    assert permit.failure("http_503") == (8, 2)
    assert permit.failure("http_503") == (0, 0)  # settled already
    clock.advance(POLICY.window / 2 + STEP)
    assert breaker.acquire().failure("http_503") == (2, 2)


def test_a_failed_probe_and_a_late_failure_have_no_numbers_to_tell(breaker: Breaker, clock: Clock) -> None:
    late = breaker.acquire()
    probe = half_open_it(breaker, clock)
    assert late.failure("http_503") == (0, 0)
    assert probe.failure("http_503") == (0, 0)


def test_failures_spread_over_less_than_the_window_open_it(breaker: Breaker, clock: Clock) -> None:
    for _ in range(4):
        fail(breaker)
        clock.advance(14)  # 56 s in the end
    fail(breaker)
    assert state(breaker) == "open"


def test_failures_older_than_the_window_are_forgotten(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 4)
    clock.advance(60)
    fail(breaker, 4)
    assert state(breaker) == "closed"
    assert breaker.snapshot().failures == 4


def test_a_call_counts_up_to_the_last_moment_of_its_window(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)  # at the beginning of a step
    clock.advance(59.999)
    assert breaker.snapshot().failures == 1
    clock.advance(0.001)
    assert breaker.snapshot().failures == 0


def test_a_call_at_the_end_of_its_step_counts_for_all_but_one_step_of_the_window(
    breaker: Breaker, clock: Clock
) -> None:
    clock.advance(STEP - 0.001)
    fail(breaker)
    clock.advance(POLICY.window - STEP)
    assert breaker.snapshot().failures == 1
    clock.advance(0.001)
    assert breaker.snapshot().failures == 0


def test_the_window_slides_instead_of_beginning_anew(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 2)
    clock.advance(30)
    fail(breaker, 2)
    clock.advance(31)  # the first two have left
    fail(breaker, 2)
    assert state(breaker) == "closed"
    fail(breaker)
    assert state(breaker) == "open"


def test_a_slot_used_again_a_window_later_begins_at_nothing(breaker: Breaker, clock: Clock) -> None:
    for _ in range(10):
        fail(breaker, 4)
        clock.advance(60)  # the same place in the ring
    assert state(breaker) == "closed"


def test_calls_stamped_after_now_do_not_count_once_the_clock_went_back(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 4)
    clock.advance(-3600)
    fail(breaker, 4)
    assert state(breaker) == "closed"
    assert breaker.snapshot().failures == 4


# --- Slow calls ------------------------------------------------------------------------------------------------------


def test_a_first_byte_at_the_limit_is_still_a_success(breaker: Breaker) -> None:
    breaker.acquire().success(first_byte_after=15.0)
    assert breaker.snapshot().failures == 0


def test_a_first_byte_after_the_limit_is_a_failure_named_slow(breaker: Breaker) -> None:
    breaker.acquire().success(first_byte_after=15.1)
    assert breaker.snapshot().failures == 1
    assert breaker.snapshot().last_error == "slow"


def test_slow_calls_open_it(breaker: Breaker) -> None:
    for _ in range(5):
        breaker.acquire().success(first_byte_after=20)
    assert state(breaker) == "open"


def test_a_slow_probe_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock).success(first_byte_after=20)
    assert state(breaker) == "open"


# --- Open ------------------------------------------------------------------------------------------------------------


def test_open_refuses_every_call_and_says_for_how_long(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    assert rejection(breaker).retry_after == 60
    clock.advance(20)
    assert rejection(breaker).retry_after == 40
    assert rejection(breaker).name == breaker.name


def test_open_lasts_to_the_last_moment_of_its_time(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    clock.advance(59.999)
    rejection(breaker)
    clock.advance(0.001)
    assert breaker.acquire().is_probe


def test_time_alone_does_not_close_it(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    clock.advance(10_000)
    assert state(breaker) == "open"
    assert breaker.acquire().is_probe
    assert state(breaker) == "half_open"


def test_retry_after_keeps_it_open_longer_than_its_own_time(breaker: Breaker) -> None:
    fail(breaker, 4)
    fail(breaker, retry_after=120)
    assert rejection(breaker).retry_after == 120


def test_retry_after_never_shortens_the_open_time(breaker: Breaker) -> None:
    fail(breaker, 4)
    fail(breaker, retry_after=5)
    assert rejection(breaker).retry_after == 60


def test_retry_after_of_an_earlier_failure_is_remembered(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, retry_after=200)
    clock.advance(20)
    fail(breaker, 4)
    assert rejection(breaker).retry_after == 180


def test_retry_after_keeps_it_open_no_longer_than_the_maximum(breaker: Breaker) -> None:
    fail(breaker, 5, retry_after=86_400)
    assert rejection(breaker).retry_after == 300


@pytest.mark.parametrize("nonsense", [-5.0, float("nan"), float("-inf"), 0.0, None])
def test_a_retry_after_that_says_nothing_changes_nothing(breaker: Breaker, nonsense: float | None) -> None:
    fail(breaker, 5, retry_after=nonsense)
    assert rejection(breaker).retry_after == 60


def test_retry_after_of_a_failed_probe_counts_too(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock).failure("http_429", retry_after=250)
    assert rejection(breaker).retry_after == 250


def test_retry_after_does_not_change_the_next_open_time(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5, retry_after=250)
    clock.advance(250)
    fail(breaker)
    assert rejection(breaker).retry_after == 120


def test_retry_after_from_before_a_recovery_is_forgotten(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, retry_after=300)
    fail(breaker, 4)
    clock.advance(300)
    succeed(breaker, 2)
    fail(breaker, 5)
    assert rejection(breaker).retry_after == 60


def test_each_failed_probe_doubles_the_open_time_up_to_the_maximum(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    waits = []
    for _ in range(5):
        waits.append(rejection(breaker).retry_after)
        clock.advance(waits[-1] or 0)
        fail(breaker)
    assert waits == [60, 120, 240, 300, 300]


def test_recovery_brings_the_open_time_back_to_the_first(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock).failure("http_503")
    clock.advance(120)
    succeed(breaker, 2)
    open_it(breaker)
    assert rejection(breaker).retry_after == 60


def test_a_clock_set_back_by_an_hour_does_not_hold_it_open_for_an_hour(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    clock.advance(-3600)
    assert breaker.acquire().is_probe


# --- Half-open -------------------------------------------------------------------------------------------------------


def test_the_first_call_after_the_open_time_is_a_probe_and_the_next_is_refused(breaker: Breaker, clock: Clock) -> None:
    assert half_open_it(breaker, clock).is_probe
    assert rejection(breaker).retry_after == 35  # the probe's lease


def test_as_many_probes_as_the_policy_says_run_at_a_time(build: Build, clock: Clock) -> None:
    breaker = build(probes=3)
    half_open_it(breaker, clock)
    assert breaker.acquire().is_probe
    assert breaker.acquire().is_probe
    rejection(breaker)


def test_a_successful_probe_makes_place_for_the_next(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock).success(0.1)
    assert state(breaker) == "half_open"
    assert breaker.acquire().is_probe


def test_enough_successful_probes_close_it(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock).success(0.1)
    breaker.acquire().success(0.1)
    assert state(breaker) == "closed"
    assert not breaker.acquire().is_probe


def test_one_success_is_enough_where_the_policy_says_so(build: Build, clock: Clock) -> None:
    breaker = build(success_threshold=1)
    half_open_it(breaker, clock).success(0.1)
    assert state(breaker) == "closed"


def test_probes_side_by_side_close_it_together(build: Build, clock: Clock) -> None:
    breaker = build(probes=2)
    first, second = half_open_it(breaker, clock), breaker.acquire()
    second.success(0.1)
    first.success(0.1)
    assert state(breaker) == "closed"


def test_a_failed_probe_opens_it_however_many_had_succeeded(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock).success(0.1)
    fail(breaker)
    assert state(breaker) == "open"
    clock.advance(120)
    breaker.acquire().success(0.1)
    assert state(breaker) == "half_open"  # the success before the failure is forgotten


def test_it_closes_with_an_empty_window(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock)
    clock.advance(35)
    succeed(breaker, 2)
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (0, 0)
    fail(breaker, 4)
    assert state(breaker) == "closed"


def test_failures_from_before_it_opened_do_not_open_it_again_after_recovery(build: Build, clock: Clock) -> None:
    breaker = build(open_for=1)
    half_open_it(breaker, clock).success(0.1)
    succeed(breaker)
    fail(breaker, 4)  # all nine are within one window
    assert state(breaker) == "closed"


def test_an_ignored_probe_makes_place_and_leaves_no_vote(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock).ignore()
    assert state(breaker) == "half_open"
    assert breaker.acquire().is_probe


def test_a_neutral_probe_is_a_success(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock).neutral()
    breaker.acquire().neutral()
    assert state(breaker) == "closed"


def test_a_probe_keeps_its_place_to_the_last_moment_of_its_lease(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock)
    clock.advance(34.999)
    rejection(breaker)
    clock.advance(0.001)
    assert breaker.acquire().is_probe


def test_when_a_lease_expires_one_other_call_probes(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock)
    clock.advance(35)
    assert breaker.acquire().is_probe
    rejection(breaker)


@pytest.mark.parametrize("late", [lambda lost: lost.success(0.1), lambda lost: lost.failure("http_503")])
def test_a_probe_that_was_given_up_has_no_vote(breaker: Breaker, clock: Clock, late: Callable[[Permit], None]) -> None:
    lost = half_open_it(breaker, clock)
    clock.advance(35)
    breaker.acquire()
    late(lost)
    assert state(breaker) == "half_open"
    assert breaker.snapshot().as_dict()["retry_after"] == 35


def test_a_probe_that_was_given_up_does_not_free_its_successors_place(breaker: Breaker, clock: Clock) -> None:
    lost = half_open_it(breaker, clock)
    clock.advance(35)
    breaker.acquire()
    lost.ignore()
    rejection(breaker)


def test_of_several_leases_only_the_expired_one_makes_place(build: Build, clock: Clock) -> None:
    breaker = build(probes=2)
    half_open_it(breaker, clock)
    clock.advance(20)
    breaker.acquire()
    clock.advance(15)
    assert breaker.acquire().is_probe
    assert rejection(breaker).retry_after == 20


def test_a_clock_set_back_gives_up_leases_instead_of_waiting_an_hour(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock)
    clock.advance(-3600)
    assert breaker.acquire().is_probe


# --- Late results ----------------------------------------------------------------------------------------------------


def test_failures_of_calls_from_before_it_opened_do_not_count_as_probes(breaker: Breaker, clock: Clock) -> None:
    late = breaker.acquire()
    half_open_it(breaker, clock)
    late.failure("http_503")
    assert state(breaker) == "half_open"


def test_successes_of_calls_from_before_it_opened_do_not_close_it(breaker: Breaker, clock: Clock) -> None:
    late = [breaker.acquire() for _ in range(5)]
    half_open_it(breaker, clock)
    for permit in late:
        permit.success(0.1)
    assert state(breaker) == "half_open"


def test_failures_of_calls_from_before_it_recovered_do_not_count_after_it(breaker: Breaker, clock: Clock) -> None:
    late = [breaker.acquire() for _ in range(10)]
    half_open_it(breaker, clock).success(0.1)
    succeed(breaker)
    for permit in late:
        permit.failure("http_503")
    assert state(breaker) == "closed"
    assert breaker.snapshot().calls == 0


def test_a_late_failure_does_not_extend_the_open_time(breaker: Breaker) -> None:
    late = breaker.acquire()
    open_it(breaker)
    late.failure("http_503", retry_after=300)
    assert rejection(breaker).retry_after == 60


def test_a_probe_of_an_earlier_half_open_time_has_no_vote_in_the_next(build: Build, clock: Clock) -> None:
    breaker = build(probes=2, success_threshold=1)
    late = half_open_it(breaker, clock)
    fail(breaker)
    clock.advance(120)
    breaker.acquire()
    late.success(0.1)
    assert state(breaker) == "half_open"


def test_every_transition_begins_a_generation(breaker: Breaker, clock: Clock) -> None:
    generations = [breaker.snapshot().generation]
    open_it(breaker)
    generations.append(breaker.snapshot().generation)
    clock.advance(60)
    breaker.acquire().success(0.1)
    generations.append(breaker.snapshot().generation)
    succeed(breaker)
    generations.append(breaker.snapshot().generation)
    assert generations == [0, 1, 2, 3]


# --- Permits ---------------------------------------------------------------------------------------------------------


def test_the_first_word_about_a_call_counts(breaker: Breaker) -> None:
    permit = breaker.acquire()
    permit.success(0.1)
    permit.failure("http_503")
    permit.ignore()
    permit.neutral()
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (1, 0)


def test_a_failure_said_twice_counts_once(breaker: Breaker) -> None:
    permits = [breaker.acquire() for _ in range(3)]
    for permit in permits * 2:
        permit.failure("http_503")
    assert breaker.snapshot().failures == 3


def test_an_ignored_call_stays_ignored(breaker: Breaker) -> None:
    permit = breaker.acquire()
    permit.ignore()
    permit.failure("http_503")
    assert breaker.snapshot().calls == 0


def test_two_threads_that_settle_one_permit_give_one_vote(breaker: Breaker) -> None:
    for _ in range(20):
        permit = breaker.acquire()
        at_once(2, partial(permit.success, 0.1))
    assert breaker.snapshot().calls == 20


def test_a_permit_left_unsettled_in_a_with_block_is_ignored(breaker: Breaker, clock: Clock) -> None:
    with half_open_it(breaker, clock):
        pass
    assert breaker.acquire().is_probe


def test_an_exception_in_a_with_block_is_no_vote_and_goes_on(breaker: Breaker, clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError), half_open_it(breaker, clock):
        raise ZeroDivisionError
    assert state(breaker) == "half_open"
    assert breaker.acquire().is_probe


def test_a_permit_settled_in_its_with_block_stays_as_it_was_settled(breaker: Breaker) -> None:
    with breaker.acquire() as permit:
        permit.failure("http_503")
    assert breaker.snapshot().failures == 1


def test_calls_are_never_serialised(build: Build) -> None:
    breaker = build()
    together = threading.Barrier(8)

    def call() -> None:
        with breaker.acquire() as permit:
            together.wait(5)  # breaks unless all eight are in their call at once
            permit.success(0.1)

    at_once(8, call)
    assert breaker.snapshot().calls == 8


# --- Forced states ---------------------------------------------------------------------------------------------------


def test_forced_open_refuses_calls_until_its_time_is_over(breaker: Breaker, clock: Clock) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    assert rejection(breaker).retry_after == 600
    clock.advance(599.999)
    rejection(breaker)


def test_forced_open_without_an_end_lasts_and_nobody_can_say_how_long(breaker: Breaker, clock: Clock) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=None)
    clock.advance(365 * 86_400)
    assert rejection(breaker).retry_after is None


def test_after_forced_open_one_call_probes(breaker: Breaker, clock: Clock) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    clock.advance(600)
    assert breaker.acquire().is_probe
    rejection(breaker)


def test_a_probe_that_fails_after_forced_open_opens_it_for_the_first_open_time(breaker: Breaker, clock: Clock) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    clock.advance(600)
    fail(breaker)
    assert rejection(breaker).retry_after == 60


def test_forced_closed_lets_every_call_through_whatever_fails(breaker: Breaker) -> None:
    breaker.force("closed", who="ada", reason="false alarm", seconds=None)
    fail(breaker, 20)
    assert state(breaker) == "closed"
    assert breaker.snapshot().failures == 20


def test_forced_closed_ends_an_open_state(breaker: Breaker) -> None:
    open_it(breaker)
    breaker.force("closed", who="ada", reason="false alarm", seconds=60)
    assert not breaker.acquire().is_probe


def test_after_forced_closed_the_rules_hold_again_with_an_empty_window(breaker: Breaker, clock: Clock) -> None:
    breaker.force("closed", who="ada", reason="false alarm", seconds=30)
    fail(breaker, 20)
    clock.advance(30)
    fail(breaker, 4)
    assert state(breaker) == "closed"
    fail(breaker)
    assert state(breaker) == "open"


def test_results_of_calls_from_before_a_forced_state_do_not_count(breaker: Breaker) -> None:
    late = breaker.acquire()
    breaker.force("closed", who="ada", reason="false alarm", seconds=None)
    late.failure("http_503")
    assert breaker.snapshot().calls == 0


def test_a_probe_under_way_has_no_vote_on_a_forced_state(breaker: Breaker, clock: Clock) -> None:
    probe = half_open_it(breaker, clock)
    breaker.force("open", who="ada", reason="provider moves", seconds=None)
    probe.success(0.1)
    assert breaker.snapshot().forced is not None
    rejection(breaker)


def test_a_forced_state_replaces_another(breaker: Breaker) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    breaker.force("closed", who="grace", reason="it is back", seconds=None)
    breaker.acquire()
    forced = breaker.snapshot().forced
    assert forced is not None
    assert (forced.state, forced.by, forced.reason, forced.until) == ("closed", "grace", "it is back", None)


def test_a_forced_state_needs_a_reason(breaker: Breaker) -> None:
    with pytest.raises(ValueError, match="reason"):
        breaker.force("open", who="ada", reason="  ", seconds=None)


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_a_forced_state_needs_a_real_time(breaker: Breaker, seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        breaker.force("open", who="ada", reason="provider moves", seconds=seconds)


def test_reset_ends_a_forced_state(breaker: Breaker) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=None)
    breaker.reset(who="ada", reason="it has moved")
    breaker.acquire()
    assert breaker.snapshot().forced is None


def test_reset_closes_it_and_forgets_failures(breaker: Breaker) -> None:
    open_it(breaker)
    breaker.reset(who="ada", reason="it has moved")
    assert breaker.snapshot().last_error == ""
    fail(breaker, 4)
    assert state(breaker) == "closed"


def test_reset_forgets_how_often_it_had_opened(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock).failure("http_503")
    breaker.reset(who="ada", reason="it has moved")
    open_it(breaker)
    assert rejection(breaker).retry_after == 60


# --- Transitions: told once, kept in the history ---------------------------------------------------------------------


def test_each_transition_is_told_once_with_its_cause(build: Build, clock: Clock) -> None:
    told: list[Transition] = []
    breaker = build(on_transition=told.append)
    open_it(breaker)
    rejection(breaker)
    clock.advance(60)
    probe = breaker.acquire()
    rejection(breaker)
    probe.failure("timeout")
    clock.advance(120)
    succeed(breaker, 2)
    succeed(breaker)
    assert [(one.from_state, one.to_state, one.cause, one.reason) for one in told] == [
        ("closed", "open", "too_many_failures", "http_503"),
        ("open", "half_open", "open_time_over", ""),
        ("half_open", "open", "probe_failed", "timeout"),
        ("open", "half_open", "open_time_over", ""),
        ("half_open", "closed", "probes_succeeded", ""),
    ]


def test_operators_transitions_are_told_with_who_and_why(build: Build, clock: Clock) -> None:
    told: list[Transition] = []
    breaker = build(on_transition=told.append)
    breaker.force("open", who="ada", reason="provider moves", seconds=60)
    breaker.reset(who="grace", reason="moved")
    assert told == [
        Transition(clock.now, "closed", "open", "forced", "ada", "provider moves"),
        Transition(clock.now, "open", "closed", "reset", "grace", "moved"),
    ]


@pytest.mark.parametrize(("forced", "after"), [("open", "half_open"), ("closed", "closed")])
def test_the_end_of_a_forced_state_is_told_once(build: Build, clock: Clock, forced: Any, after: str) -> None:
    told: list[Transition] = []
    breaker = build(on_transition=told.append)
    breaker.force(forced, who="ada", reason="provider moves", seconds=60)
    clock.advance(60)
    breaker.acquire()
    if forced == "closed":
        breaker.acquire()
    else:
        rejection(breaker)
    assert [(one.to_state, one.cause) for one in told] == [(forced, "forced"), (after, "force_expired")]


def test_what_was_told_is_what_the_history_has_newest_first(build: Build, clock: Clock) -> None:
    told: list[Transition] = []
    breaker = build(on_transition=told.append)
    half_open_it(breaker, clock).success(0.1)
    succeed(breaker)
    breaker.force("open", who="Zoé", reason='« déménagement » / "moving" \\ 1', seconds=None)
    assert list(breaker.snapshot().history) == told[::-1]


def test_the_history_keeps_the_last_fifty(breaker: Breaker, clock: Clock) -> None:
    for number in range(60):
        breaker.reset(who="ada", reason=f"number {number}")
        clock.advance(1)
    history = breaker.snapshot().history
    assert [one.reason for one in history] == [f"number {number}" for number in range(59, 9, -1)]
    assert history[0].at == clock.now - 1


def test_a_listener_that_raises_costs_no_call_its_answer(build: Build, clock: Clock) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    breaker = build(on_transition=broken, on_state=broken, on_rejection=broken)
    open_it(breaker)
    assert rejection(breaker).retry_after == 60
    clock.advance(60)
    assert breaker.acquire().is_probe


def test_every_acquire_tells_the_state_it_met(build: Build, clock: Clock) -> None:
    states: list[str] = []
    breaker = build(on_state=states.append)
    open_it(breaker)
    rejection(breaker)
    clock.advance(60)
    breaker.acquire()
    assert states == ["closed"] * 5 + ["open", "half_open"]


def test_every_rejection_is_told(build: Build) -> None:
    rejections: list[None] = []
    breaker = build(on_rejection=lambda: rejections.append(None))
    open_it(breaker)
    assert not rejections
    rejection(breaker)
    rejection(breaker)
    assert len(rejections) == 2


# --- Snapshots -------------------------------------------------------------------------------------------------------


def test_a_snapshot_of_a_closed_circuit(breaker: Breaker) -> None:
    succeed(breaker, 3)
    fail(breaker, 2, code="timeout")
    seen = breaker.snapshot()
    assert (seen.name, seen.state, seen.calls, seen.failures) == (breaker.name, "closed", 5, 2)
    assert (seen.opened_at, seen.open_for, seen.retry_after, seen.next_probe_at) == (None, None, None, None)
    assert (seen.last_error, seen.forced, seen.history) == ("timeout", None, ())


def test_a_snapshot_of_an_open_circuit(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    clock.advance(10)
    seen = breaker.snapshot()
    assert (seen.state, seen.calls, seen.failures) == ("open", 5, 5)
    assert (seen.opened_at, seen.open_for) == (BEGINNING, 60)
    assert (seen.retry_after, seen.next_probe_at) == (50, BEGINNING + 60)


def test_a_snapshot_says_when_the_next_call_may_go_ahead(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    clock.advance(100)
    assert breaker.snapshot().retry_after == 0
    probe = breaker.acquire()
    assert breaker.snapshot().retry_after == 35
    probe.success(0.1)
    assert breaker.snapshot().retry_after == 0


def test_a_snapshot_of_a_forced_circuit(breaker: Breaker, clock: Clock) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    seen = breaker.snapshot()
    assert seen.forced is not None
    assert (seen.forced.by, seen.forced.reason, seen.forced.until) == ("ada", "provider moves", clock.now + 600)
    assert (seen.state, seen.retry_after, seen.opened_at) == ("open", 600, clock.now)


def test_a_snapshot_shows_no_forced_state_that_is_over(breaker: Breaker, clock: Clock) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    clock.advance(600)
    assert breaker.snapshot().forced is None
    assert breaker.snapshot().retry_after == 0


def test_looking_changes_nothing(build: Build, clock: Clock) -> None:
    told: list[Transition] = []
    breaker = build(on_transition=told.append)
    open_it(breaker)
    clock.advance(60)
    before = breaker.snapshot()
    assert breaker.snapshot() == before
    assert len(told) == 1


def test_a_snapshot_is_plain_json(breaker: Breaker, clock: Clock) -> None:
    half_open_it(breaker, clock)
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    values = breaker.snapshot().as_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["history"][0]["who"] == "ada"
    assert values["forced"]["until"] == clock.now + 600


def test_circuits_of_other_names_know_nothing_of_each_other(build: Build) -> None:
    one, other = build(), build()
    open_it(one)
    assert state(other) == "closed"


# --- The policy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 0),
        ("failure_threshold", 0),
        ("failure_rate", 1.1),
        ("failure_rate", -0.1),
        ("slow_call", -1),
        ("open_for", float("nan")),
        ("open_max", 59),
        ("probes", 0),
        ("success_threshold", 0),
        ("probe_lease", 0),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        replace(POLICY, **{name: value})


# --- What is Redis' own ----------------------------------------------------------------------------------------------


@pytest.fixture
def shared(clock: Clock) -> Breaker:
    return timed_breaker("redis", clock)


def key_of(breaker: Breaker) -> str:
    return f"breaker:{breaker.name}"


def test_a_closed_circuit_costs_one_trip_to_ask_and_one_to_tell(shared: Breaker, monkeypatch: Any) -> None:
    succeed(shared)
    sent: list[str] = []
    client = shared.store._script.registered_client  # type: ignore[union-attr]
    send = client.execute_command
    monkeypatch.setattr(client, "execute_command", lambda *args, **kw: (sent.append(args[0]), send(*args, **kw))[1])
    permit = shared.acquire()
    assert sent == ["EVALSHA"]
    permit.success(0.1)
    assert sent == ["EVALSHA"] * 2
    shared.acquire().ignore()
    assert sent == ["EVALSHA"] * 3


def test_everything_is_in_one_hash(shared: Breaker, clock: Clock) -> None:
    half_open_it(shared, clock)
    shared.force("open", who="ada", reason="provider moves", seconds=None)
    assert redis_client().keys(f"*{shared.name}*") == [key_of(shared).encode()]
    assert redis_client().type(key_of(shared)) == b"hash"


def test_the_hash_does_not_grow_with_traffic_or_time(shared: Breaker, clock: Clock) -> None:
    for _ in range(80):
        succeed(shared, 2)
        fail(shared)
        clock.advance(STEP)
    assert redis_client().hlen(key_of(shared)) <= 20 + 2


def test_an_unused_hash_leaves_redis_after_a_month(shared: Breaker) -> None:
    fail(shared)
    assert 29 * 86_400 < redis_client().ttl(key_of(shared)) <= 30 * 86_400


def short_lived(clock: Clock) -> Breaker:
    breaker = timed_breaker("redis", clock)
    breaker.store = RedisStore(breaker.name, breaker.policy, redis_client, now=clock, keep_seconds=0.05)
    return breaker


def test_a_state_nobody_needs_is_gone_after_its_time(clock: Clock) -> None:
    breaker = short_lived(clock)
    open_it(breaker)
    time.sleep(0.1)
    assert state(breaker) == "closed"


def test_a_forced_state_without_an_end_outlives_the_hash_of_an_unused_circuit(clock: Clock) -> None:
    breaker = short_lived(clock)
    breaker.force("open", who="ada", reason="provider moves", seconds=None)
    time.sleep(0.1)
    assert rejection(breaker).retry_after is None
    assert breaker.snapshot().history[0].who == "ada"


def test_a_forced_state_outlives_the_hash_also_when_calls_go_on(clock: Clock) -> None:
    breaker = short_lived(clock)
    breaker.force("closed", who="ada", reason="false alarm", seconds=600)
    fail(breaker)
    time.sleep(0.1)
    assert breaker.snapshot().forced is not None


def test_after_reset_a_forced_hash_may_leave_again(shared: Breaker) -> None:
    shared.force("open", who="ada", reason="provider moves", seconds=None)
    assert redis_client().ttl(key_of(shared)) == -1
    shared.reset(who="ada", reason="moved")
    assert redis_client().ttl(key_of(shared)) > 0


@pytest.mark.parametrize("wrong_by", [-86_400, 86_400])
def test_a_process_with_a_wrong_clock_sees_what_all_see(monkeypatch: pytest.MonkeyPatch, wrong_by: float) -> None:
    began, right_time = time.time(), time.time
    breaker = Breaker(f"test-{uuid.uuid4()}", POLICY, redis=redis_client)
    fail(breaker, 4)
    monkeypatch.setattr(time, "time", lambda: right_time() + wrong_by)
    astray = Breaker(breaker.name, POLICY, redis=redis_client, clock=time.time)
    fail(astray)
    assert rejection(astray).retry_after == pytest.approx(60, abs=2)
    assert astray.snapshot().history[0].at == pytest.approx(began, abs=2)


def test_redis_own_clock_moves_the_circuit() -> None:
    policy = replace(POLICY, open_for=0.1, success_threshold=1)
    breaker = Breaker(f"test-{uuid.uuid4()}", policy, redis=redis_client)
    open_it(breaker)
    assert rejection(breaker).retry_after == pytest.approx(0.1, abs=0.05)
    time.sleep(0.1)
    breaker.acquire().success(0.01)
    assert state(breaker) == "closed"
    assert breaker.snapshot().source == "redis"


def test_a_flushed_script_is_loaded_again(shared: Breaker) -> None:
    fail(shared)
    redis_client().script_flush()
    fail(shared)
    assert shared.snapshot().failures == 2


def test_a_field_of_a_newer_version_is_left_alone(shared: Breaker) -> None:
    redis_client().hset(key_of(shared), "invented_later", "1")
    fail(shared)
    assert shared.snapshot().failures == 1
    assert redis_client().hget(key_of(shared), "invented_later") == b"1"


def test_what_one_process_opened_another_refuses_at_its_first_call(clock: Clock) -> None:
    one = timed_breaker("redis", clock)
    other = timed_breaker("redis", clock, name=one.name)
    open_it(one)
    assert rejection(other).retry_after == 60


def test_a_permit_may_be_asked_in_one_thread_and_settled_in_another(shared: Breaker, clock: Clock) -> None:
    probe = half_open_it(shared, clock)
    thread = threading.Thread(target=probe.success, args=(0.1,))
    thread.start()
    thread.join()
    assert shared.acquire().is_probe
