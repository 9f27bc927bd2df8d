"""The rules of the circuit breaker, tested against both stores: Redis and process memory."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest

from chat.upstream.breaker import Breaker, Permit, Transition, WindowCounts
from chat.upstream.breaker.redis import RedisStore
from observability.redis_trips import Command, RedisTrips
from tests.support.breakers import (
    POLICY,
    START_TIME,
    Clock,
    breaker_with_clock,
    fail,
    first_probe,
    open_circuit,
    redis_breaker,
    redis_client,
    rejection,
    succeed,
)
from tests.support.concurrency import run_concurrently

STEP = POLICY.window / 20

Build = Callable[..., Breaker]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["redis", "memory"])
def build(request: pytest.FixtureRequest, clock: Clock) -> Build:
    """Builds breakers of one store; keyword arguments change the policy."""

    def build(*, on_transition: Any = None, **changes: Any) -> Breaker:
        return breaker_with_clock(request.param, clock, replace(POLICY, **changes), on_transition=on_transition)

    return build


@pytest.fixture
def breaker(build: Build) -> Breaker:
    return build()


def state_of(breaker: Breaker) -> str:
    return breaker.snapshot().state


# --- Closed: failures in a row ---------------------------------------------------------------------------------------


def test_a_new_circuit_is_closed(breaker: Breaker) -> None:
    assert state_of(breaker) == "closed"
    assert not breaker.acquire().is_probe


def test_it_stays_closed_one_failure_below_the_threshold(breaker: Breaker) -> None:
    fail(breaker, 4)
    assert state_of(breaker) == "closed"


def test_it_opens_with_the_failure_that_reaches_the_threshold(breaker: Breaker) -> None:
    fail(breaker, 4)
    fail(breaker)
    assert state_of(breaker) == "open"


def test_many_successes_never_open_it(breaker: Breaker) -> None:
    succeed(breaker, 30)
    assert state_of(breaker) == "closed"


def test_a_success_ends_the_streak(breaker: Breaker) -> None:
    fail(breaker, 4)
    succeed(breaker)
    assert breaker.snapshot().failures_in_row == 0
    fail(breaker, 4)
    assert state_of(breaker) == "closed"
    fail(breaker)
    assert state_of(breaker) == "open"


def test_slow_traffic_opens_it_whatever_the_window(breaker: Breaker, clock: Clock) -> None:
    for _ in range(4):
        fail(breaker)
        clock.advance(3600)
    assert state_of(breaker) == "closed"
    fail(breaker)
    assert state_of(breaker) == "open"


def test_the_attempts_of_two_questions_do_not_open_it(breaker: Breaker) -> None:
    fail(breaker, 3, subject="one")
    fail(breaker, 7, subject="other")
    assert state_of(breaker) == "closed"
    fail(breaker, subject="third")
    assert state_of(breaker) == "open"


def test_a_threshold_below_three_needs_as_many_questions(build: Build) -> None:
    breaker = build(failure_threshold=2)
    fail(breaker, 3, subject="one")
    assert state_of(breaker) == "closed"
    fail(breaker, subject="other")
    assert state_of(breaker) == "open"


def test_failures_within_less_than_a_second_do_not_open_it(build: Build, clock: Clock) -> None:
    breaker = build(min_streak=1)
    fail(breaker, 10)
    clock.advance(0.999)
    fail(breaker)
    assert state_of(breaker) == "closed"
    clock.advance(0.001)
    fail(breaker)
    assert state_of(breaker) == "open"


def test_the_second_is_counted_from_the_first_failure_since_the_last_success(build: Build, clock: Clock) -> None:
    breaker = build(min_streak=1)
    fail(breaker)
    clock.advance(10)
    succeed(breaker)
    fail(breaker, 10)
    assert state_of(breaker) == "closed"


def test_the_process_knows_the_failures_in_a_row_until_an_answer_begins(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.failures_in_row == 2
    breaker.acquire(is_background=True).answer_began(0.1)
    breaker.acquire().answer_began(POLICY.slow_call + 1)
    assert breaker.failures_in_row == 2
    breaker.acquire().answer_began(0.1)
    assert breaker.failures_in_row == 0


def test_successes_of_answers_that_began_before_do_not_hide_failures_from_the_process(breaker: Breaker) -> None:
    running = [breaker.acquire() for _ in range(3)]
    for permit in running:
        permit.answer_began(0.1)
    for permit in running:
        fail(breaker)
        permit.success(0.1)
    assert breaker.snapshot().failures_in_row == 0
    assert breaker.failures_in_row == 3


def test_a_clock_set_back_by_an_hour_does_not_delay_the_opening_by_an_hour(build: Build, clock: Clock) -> None:
    breaker = build(min_streak=1)
    fail(breaker, 4)
    clock.advance(-3600)
    fail(breaker)
    clock.advance(1)
    fail(breaker)
    assert state_of(breaker) == "open"


def test_background_successes_do_not_hide_failures_of_peoples_calls(breaker: Breaker) -> None:
    for _ in range(5):
        assert state_of(breaker) == "closed"
        succeed(breaker, 3, is_background=True)
        fail(breaker)
    assert state_of(breaker) == "open"


def test_background_failures_in_a_row_open_it(breaker: Breaker) -> None:
    fail(breaker, 2)
    fail(breaker, 3, is_background=True)
    assert state_of(breaker) == "open"


def test_background_calls_that_partly_succeed_do_not_open_it(breaker: Breaker) -> None:
    for _ in range(40):
        fail(breaker, 4, is_background=True)
        succeed(breaker, is_background=True)
    assert state_of(breaker) == "closed"


def test_background_calls_are_not_counted_in_the_window(breaker: Breaker) -> None:
    succeed(breaker, 3, is_background=True)
    fail(breaker, 3, is_background=True)
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (0, 0)


def test_a_success_ends_the_streak_of_background_calls(breaker: Breaker) -> None:
    fail(breaker, 4, is_background=True)
    succeed(breaker)
    fail(breaker, 4, is_background=True)
    assert state_of(breaker) == "closed"


def test_neutral_calls_are_not_counted(breaker: Breaker) -> None:
    for _ in range(50):
        breaker.acquire().neutral()
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (0, 0)
    open_circuit(breaker)
    assert state_of(breaker) == "open"


def test_neutral_calls_are_not_counted_when_closed(breaker: Breaker) -> None:
    for _ in range(50):
        breaker.acquire().neutral()
    assert breaker.snapshot().calls == 0


# --- Closed: the window ----------------------------------------------------------------------------------------------


def alternate(breaker: Breaker, pairs: int) -> None:
    """So many failures and as many successes: no two failures in a row."""
    for _ in range(pairs):
        fail(breaker)
        succeed(breaker)


def test_the_rate_opens_it_once_enough_calls_have_ended(breaker: Breaker) -> None:
    alternate(breaker, 9)
    fail(breaker)  # 10 of 19
    assert state_of(breaker) == "closed"
    fail(breaker)  # 11 of 20
    assert state_of(breaker) == "open"


def test_below_the_rate_it_stays_closed(breaker: Breaker) -> None:
    succeed(breaker, 2)
    alternate(breaker, 30)
    fail(breaker)  # 31 of 63
    assert state_of(breaker) == "closed"
    fail(breaker)  # 32 of 64
    assert state_of(breaker) == "open"


@pytest.mark.parametrize(("calls", "rate"), [(30, 0.1), (10, 0.3), (10, 0.7), (100, 0.07), (3, 1 / 3)])
def test_a_rate_that_binary_floats_only_approximate_is_reached_exactly(build: Build, calls: int, rate: float) -> None:
    failures = round(calls * rate)
    breaker = build(failure_rate=rate, failure_threshold=1000, min_calls=calls)
    succeed(breaker, calls - failures)
    fail(breaker, failures - 1)
    assert state_of(breaker) == "closed"
    fail(breaker)
    assert state_of(breaker) == "open"


def test_a_success_never_opens_it_even_if_the_rate_has_risen(build: Build, clock: Clock) -> None:
    breaker = build(min_calls=5)
    succeed(breaker, 20)
    clock.advance(55)
    fail(breaker, 4)  # 4 of 24
    clock.advance(10)  # the early successes are outside the window: 4 of 4
    succeed(breaker)
    assert state_of(breaker) == "closed"
    fail(breaker)
    assert state_of(breaker) == "open"


def test_calls_older_than_the_window_are_forgotten(build: Build, clock: Clock) -> None:
    breaker = build(failure_threshold=1000)
    fail(breaker, 19)
    clock.advance(60)
    fail(breaker, 19)
    assert state_of(breaker) == "closed"
    assert breaker.snapshot().failures == 19


def test_the_window_slides_instead_of_restarting(build: Build, clock: Clock) -> None:
    breaker = build(failure_threshold=1000)
    fail(breaker, 9)
    clock.advance(30)
    fail(breaker, 9)
    clock.advance(31)  # the first nine are outside the window
    fail(breaker, 10)
    assert state_of(breaker) == "closed"
    fail(breaker)
    assert state_of(breaker) == "open"


def test_a_slot_reused_one_window_later_starts_at_zero(build: Build, clock: Clock) -> None:
    breaker = build(failure_threshold=1000)
    for _ in range(10):
        fail(breaker, 19)
        clock.advance(60)  # the same slot of the ring buffer
    assert state_of(breaker) == "closed"


def test_calls_with_a_time_in_the_future_do_not_count_after_the_clock_went_back(build: Build, clock: Clock) -> None:
    breaker = build(failure_threshold=1000)
    fail(breaker, 19)
    clock.advance(-3600)
    fail(breaker, 19)
    assert state_of(breaker) == "closed"
    assert breaker.snapshot().failures == 19


def test_reporting_a_failure_returns_the_counts_of_the_window(breaker: Breaker, clock: Clock) -> None:
    succeed(breaker, 6)
    fail(breaker)
    clock.advance(POLICY.window / 2)
    permit = breaker.acquire()
    assert permit.failure("http_503") == WindowCounts(calls=8, failures=2, in_row=2)
    assert permit.failure("http_503") == WindowCounts()  # already settled
    clock.advance(POLICY.window / 2 + STEP)
    succeed(breaker)
    assert breaker.acquire().failure("http_503") == WindowCounts(calls=3, failures=2, in_row=1)


def test_reporting_a_failure_returns_the_failures_in_a_row_older_ones_too(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.advance(3600)
    assert breaker.acquire().failure("http_503") == WindowCounts(calls=1, failures=1, in_row=4)


def test_reporting_a_failed_probe_or_a_late_failure_returns_no_counts(breaker: Breaker, clock: Clock) -> None:
    late = breaker.acquire()
    probe = first_probe(breaker, clock)
    assert late.failure("http_503") == WindowCounts()
    assert probe.failure("http_503") == WindowCounts()


def test_a_call_counts_until_the_last_millisecond_of_its_window(breaker: Breaker, clock: Clock) -> None:
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


# --- Slow calls ------------------------------------------------------------------------------------------------------


def test_first_words_at_the_limit_are_still_a_success(breaker: Breaker) -> None:
    breaker.acquire().success(first_words_after=15.0)
    assert breaker.snapshot().failures == 0


def test_first_words_after_the_limit_are_a_failure_with_the_code_slow(breaker: Breaker) -> None:
    breaker.acquire().success(first_words_after=15.1)
    assert breaker.snapshot().failures == 1
    assert breaker.snapshot().last_error == "slow"


def test_slow_calls_open_it(breaker: Breaker) -> None:
    for _ in range(5):
        breaker.acquire().success(first_words_after=20)
    assert state_of(breaker) == "open"


def test_a_slow_probe_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock).success(first_words_after=20)
    assert state_of(breaker) == "open"


# --- Open ------------------------------------------------------------------------------------------------------------


def test_open_refuses_every_call_and_reports_the_remaining_time(breaker: Breaker, clock: Clock) -> None:
    open_circuit(breaker)
    assert rejection(breaker).retry_after == 60
    clock.advance(20)
    assert rejection(breaker).retry_after == 40
    assert rejection(breaker).name == breaker.name


def test_open_lasts_until_the_last_millisecond_of_its_time(breaker: Breaker, clock: Clock) -> None:
    open_circuit(breaker)
    clock.advance(59.999)
    rejection(breaker)
    clock.advance(0.001)
    assert breaker.acquire().is_probe


def test_time_alone_does_not_close_it(breaker: Breaker, clock: Clock) -> None:
    open_circuit(breaker)
    clock.advance(10_000)
    assert state_of(breaker) == "open"
    assert breaker.acquire().is_probe
    assert state_of(breaker) == "half_open"


def test_retry_after_extends_the_open_time(breaker: Breaker) -> None:
    fail(breaker, 4)
    fail(breaker, retry_after=120)
    assert rejection(breaker).retry_after == 120


def test_retry_after_never_shortens_the_open_time(breaker: Breaker) -> None:
    fail(breaker, 4)
    fail(breaker, retry_after=5)
    assert rejection(breaker).retry_after == 60


def test_retry_after_of_an_earlier_failure_counts(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, retry_after=200)
    clock.advance(20)
    fail(breaker, 4)
    assert rejection(breaker).retry_after == 180


def test_retry_after_extends_the_open_time_to_the_maximum_at_most(breaker: Breaker) -> None:
    fail(breaker, 5, retry_after=86_400)
    assert rejection(breaker).retry_after == 300


@pytest.mark.parametrize("invalid", [-5.0, float("nan"), float("-inf"), 0.0, None])
def test_an_invalid_retry_after_changes_nothing(breaker: Breaker, invalid: float | None) -> None:
    fail(breaker, 5, retry_after=invalid)
    assert rejection(breaker).retry_after == 60


def test_retry_after_of_a_failed_probe_counts_too(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock).failure("http_429", retry_after=250)
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
    open_circuit(breaker)
    waits = []
    for _ in range(5):
        waits.append(rejection(breaker).retry_after)
        clock.advance(waits[-1] or 0)
        fail(breaker)
    assert waits == [60, 120, 240, 300, 300]


def test_recovery_resets_the_open_time(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock).failure("http_503")
    clock.advance(120)
    succeed(breaker, 2)
    open_circuit(breaker)
    assert rejection(breaker).retry_after == 60


def test_a_clock_set_back_by_an_hour_does_not_extend_the_open_time(breaker: Breaker, clock: Clock) -> None:
    open_circuit(breaker)
    clock.advance(-3600)
    assert breaker.acquire().is_probe


# --- Half-open -------------------------------------------------------------------------------------------------------


def test_the_first_call_after_the_open_time_is_a_probe_and_the_next_is_refused(breaker: Breaker, clock: Clock) -> None:
    assert first_probe(breaker, clock).is_probe
    assert rejection(breaker).retry_after == 35  # the probe's lease


def test_at_most_the_policys_number_of_probes_run_at_a_time(build: Build, clock: Clock) -> None:
    breaker = build(probes=3)
    first_probe(breaker, clock)
    assert breaker.acquire().is_probe
    assert breaker.acquire().is_probe
    rejection(breaker)


def test_a_successful_probe_allows_the_next_one(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock).success(0.1)
    assert state_of(breaker) == "half_open"
    assert breaker.acquire().is_probe


def test_enough_successful_probes_close_it(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock).success(0.1)
    breaker.acquire().success(0.1)
    assert state_of(breaker) == "closed"
    assert not breaker.acquire().is_probe


def test_one_success_closes_it_with_a_success_threshold_of_one(build: Build, clock: Clock) -> None:
    breaker = build(success_threshold=1)
    first_probe(breaker, clock).success(0.1)
    assert state_of(breaker) == "closed"


def test_concurrent_probes_close_it_together(build: Build, clock: Clock) -> None:
    breaker = build(probes=2)
    first, second = first_probe(breaker, clock), breaker.acquire()
    second.success(0.1)
    first.success(0.1)
    assert state_of(breaker) == "closed"


def test_a_failed_probe_opens_it_after_any_number_of_successes(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock).success(0.1)
    fail(breaker)
    assert state_of(breaker) == "open"
    clock.advance(120)
    breaker.acquire().success(0.1)
    assert state_of(breaker) == "half_open"  # the success before the failure is forgotten


def test_it_closes_with_an_empty_window(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock)
    clock.advance(35)
    succeed(breaker, 2)
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (0, 0)
    fail(breaker, 4)
    assert state_of(breaker) == "closed"


def test_failures_before_it_opened_do_not_open_it_again_after_recovery(build: Build, clock: Clock) -> None:
    breaker = build(open_for=1)
    first_probe(breaker, clock).success(0.1)
    succeed(breaker)
    fail(breaker, 4)  # all nine are within one window
    assert state_of(breaker) == "closed"


def test_a_neutral_probe_allows_the_next_one_and_counts_as_no_result(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock).neutral()
    assert state_of(breaker) == "half_open"
    assert breaker.acquire().is_probe


def test_neutral_probes_neither_close_nor_open_it(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock).neutral()
    for _ in range(6):
        breaker.acquire().neutral()
    assert state_of(breaker) == "half_open"
    assert breaker.acquire().is_probe


def test_a_probe_blocks_others_until_the_last_millisecond_of_its_lease(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock)
    clock.advance(34.999)
    rejection(breaker)
    clock.advance(0.001)
    assert breaker.acquire().is_probe


def test_when_a_lease_expires_one_other_call_probes(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock)
    clock.advance(35)
    assert breaker.acquire().is_probe
    rejection(breaker)


@pytest.mark.parametrize("late", [lambda expired: expired.success(0.1), lambda expired: expired.failure("http_503")])
def test_the_result_of_a_probe_that_was_given_up_does_not_count(
    breaker: Breaker, clock: Clock, late: Callable[[Permit], None]
) -> None:
    expired = first_probe(breaker, clock)
    clock.advance(35)
    breaker.acquire()
    late(expired)
    assert state_of(breaker) == "half_open"
    assert breaker.snapshot().as_dict()["retry_after"] == 35


def test_a_probe_that_was_given_up_does_not_free_its_successors_lease(breaker: Breaker, clock: Clock) -> None:
    expired = first_probe(breaker, clock)
    clock.advance(35)
    breaker.acquire()
    expired.neutral()
    rejection(breaker)


def test_of_several_leases_only_the_expired_one_is_freed(build: Build, clock: Clock) -> None:
    breaker = build(probes=2)
    first_probe(breaker, clock)
    clock.advance(20)
    breaker.acquire()
    clock.advance(15)
    assert breaker.acquire().is_probe
    assert rejection(breaker).retry_after == 20


def test_a_clock_set_back_by_an_hour_ends_leases_instead_of_extending_them(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock)
    clock.advance(-3600)
    assert breaker.acquire().is_probe


# --- Late results ----------------------------------------------------------------------------------------------------


def test_failures_of_calls_admitted_before_it_opened_do_not_count_as_probes(breaker: Breaker, clock: Clock) -> None:
    late = breaker.acquire()
    first_probe(breaker, clock)
    late.failure("http_503")
    assert state_of(breaker) == "half_open"


def test_successes_of_calls_admitted_before_it_opened_do_not_close_it(breaker: Breaker, clock: Clock) -> None:
    late = [breaker.acquire() for _ in range(5)]
    first_probe(breaker, clock)
    for permit in late:
        permit.success(0.1)
    assert state_of(breaker) == "half_open"


def test_failures_of_calls_admitted_before_its_recovery_do_not_count_afterwards(breaker: Breaker, clock: Clock) -> None:
    late = [breaker.acquire() for _ in range(10)]
    first_probe(breaker, clock).success(0.1)
    succeed(breaker)
    for permit in late:
        permit.failure("http_503")
    assert state_of(breaker) == "closed"
    assert breaker.snapshot().calls == 0


def test_a_late_failure_does_not_extend_the_open_time(breaker: Breaker) -> None:
    late = breaker.acquire()
    open_circuit(breaker)
    late.failure("http_503", retry_after=300)
    assert rejection(breaker).retry_after == 60


def test_a_probe_of_an_earlier_half_open_period_does_not_count_in_the_next(build: Build, clock: Clock) -> None:
    breaker = build(probes=2, success_threshold=1)
    late = first_probe(breaker, clock)
    fail(breaker)
    clock.advance(120)
    breaker.acquire()
    late.success(0.1)
    assert state_of(breaker) == "half_open"


def test_every_transition_increments_the_generation(breaker: Breaker, clock: Clock) -> None:
    generations = [breaker.snapshot().generation]
    open_circuit(breaker)
    generations.append(breaker.snapshot().generation)
    clock.advance(60)
    breaker.acquire().success(0.1)
    generations.append(breaker.snapshot().generation)
    succeed(breaker)
    generations.append(breaker.snapshot().generation)
    assert generations == [0, 1, 2, 3]


# --- Permits ---------------------------------------------------------------------------------------------------------


def test_only_the_first_result_of_a_call_counts(breaker: Breaker) -> None:
    permit = breaker.acquire()
    permit.success(0.1)
    permit.failure("http_503")
    permit.neutral()
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (1, 0)


def test_a_failure_reported_twice_counts_once(breaker: Breaker) -> None:
    permits = [breaker.acquire() for _ in range(3)]
    for permit in permits * 2:
        permit.failure("http_503")
    assert breaker.snapshot().failures == 3


def test_a_neutral_call_stays_neutral(breaker: Breaker) -> None:
    permit = breaker.acquire()
    permit.neutral()
    permit.failure("http_503")
    assert breaker.snapshot().calls == 0


def test_two_threads_that_settle_one_permit_record_one_result(breaker: Breaker) -> None:
    for _ in range(20):
        permit = breaker.acquire()
        run_concurrently(2, partial(permit.success, 0.1))
    assert breaker.snapshot().calls == 20


def test_calls_run_concurrently(build: Build) -> None:
    breaker = build()
    barrier = threading.Barrier(8)

    def call() -> None:
        permit = breaker.acquire()
        barrier.wait(5)  # breaks unless all eight calls run at the same time
        permit.success(0.1)

    run_concurrently(8, call)
    assert breaker.snapshot().calls == 8


# --- Forced states ---------------------------------------------------------------------------------------------------


def test_forced_open_refuses_calls_until_it_expires(breaker: Breaker, clock: Clock) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    assert rejection(breaker).retry_after == 600
    clock.advance(599.999)
    rejection(breaker)


def test_forced_open_without_a_duration_lasts_and_reports_no_remaining_time(breaker: Breaker, clock: Clock) -> None:
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


def test_forced_closed_admits_every_call_despite_failures(breaker: Breaker) -> None:
    breaker.force("closed", who="ada", reason="false alarm", seconds=None)
    fail(breaker, 20)
    assert state_of(breaker) == "closed"
    assert breaker.snapshot().failures == 20


def test_forced_closed_ends_an_open_state(breaker: Breaker) -> None:
    open_circuit(breaker)
    breaker.force("closed", who="ada", reason="false alarm", seconds=60)
    assert not breaker.acquire().is_probe


def test_after_forced_closed_the_rules_apply_again_with_an_empty_window(breaker: Breaker, clock: Clock) -> None:
    breaker.force("closed", who="ada", reason="false alarm", seconds=30)
    fail(breaker, 20)
    clock.advance(30)
    fail(breaker, 4)
    assert state_of(breaker) == "closed"
    fail(breaker)
    assert state_of(breaker) == "open"


def test_results_of_calls_admitted_before_a_forced_state_do_not_count(breaker: Breaker) -> None:
    late = breaker.acquire()
    breaker.force("closed", who="ada", reason="false alarm", seconds=None)
    late.failure("http_503")
    assert breaker.snapshot().calls == 0


def test_a_running_probe_does_not_change_a_forced_state(breaker: Breaker, clock: Clock) -> None:
    probe = first_probe(breaker, clock)
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
def test_a_forced_state_needs_a_positive_finite_duration(breaker: Breaker, seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        breaker.force("open", who="ada", reason="provider moves", seconds=seconds)


def test_reset_ends_a_forced_state(breaker: Breaker) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=None)
    breaker.reset(who="ada", reason="it has moved")
    breaker.acquire()
    assert breaker.snapshot().forced is None


def test_reset_closes_it_and_forgets_failures(breaker: Breaker) -> None:
    open_circuit(breaker)
    breaker.reset(who="ada", reason="it has moved")
    assert breaker.snapshot().last_error == ""
    fail(breaker, 4)
    assert state_of(breaker) == "closed"


def test_reset_resets_the_open_time(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock).failure("http_503")
    breaker.reset(who="ada", reason="it has moved")
    open_circuit(breaker)
    assert rejection(breaker).retry_after == 60


# --- Transitions: notified once, listed in the history ---------------------------------------------------------------


def test_each_transition_is_notified_once_with_its_cause(build: Build, clock: Clock) -> None:
    notified: list[Transition] = []
    breaker = build(on_transition=notified.append)
    open_circuit(breaker)
    rejection(breaker)
    clock.advance(60)
    probe = breaker.acquire()
    rejection(breaker)
    probe.failure("timeout")
    clock.advance(120)
    succeed(breaker, 2)
    succeed(breaker)
    assert [
        (transition.from_state, transition.to_state, transition.cause, transition.reason) for transition in notified
    ] == [
        ("closed", "open", "too_many_failures", "http_503"),
        ("open", "half_open", "open_time_over", ""),
        ("half_open", "open", "probe_failed", "timeout"),
        ("open", "half_open", "open_time_over", ""),
        ("half_open", "closed", "probes_succeeded", ""),
    ]


def test_an_operators_transitions_are_notified_with_name_and_reason(build: Build, clock: Clock) -> None:
    notified: list[Transition] = []
    breaker = build(on_transition=notified.append)
    breaker.force("open", who="ada", reason="provider moves", seconds=60)
    breaker.reset(who="grace", reason="moved")
    assert notified == [
        Transition(clock.now, "closed", "open", "forced", "ada", "provider moves"),
        Transition(clock.now, "open", "closed", "reset", "grace", "moved"),
    ]


@pytest.mark.parametrize(("forced", "after"), [("open", "half_open"), ("closed", "closed")])
def test_the_end_of_a_forced_state_is_notified_once(build: Build, clock: Clock, forced: Any, after: str) -> None:
    notified: list[Transition] = []
    breaker = build(on_transition=notified.append)
    breaker.force(forced, who="ada", reason="provider moves", seconds=60)
    clock.advance(60)
    breaker.acquire()
    if forced == "closed":
        breaker.acquire()
    else:
        rejection(breaker)
    assert [(transition.to_state, transition.cause) for transition in notified] == [
        (forced, "forced"),
        (after, "force_expired"),
    ]


def test_the_history_equals_the_notified_transitions_newest_first(build: Build, clock: Clock) -> None:
    notified: list[Transition] = []
    breaker = build(on_transition=notified.append)
    first_probe(breaker, clock).success(0.1)
    succeed(breaker)
    breaker.force("open", who="Zoé", reason='« déménagement » / "moving" \\ 1', seconds=None)
    assert list(breaker.snapshot().history) == notified[::-1]


def test_the_history_keeps_the_last_fifty(breaker: Breaker, clock: Clock) -> None:
    for number in range(60):
        breaker.reset(who="ada", reason=f"number {number}")
        clock.advance(1)
    history = breaker.snapshot().history
    assert [transition.reason for transition in history] == [f"number {number}" for number in range(59, 9, -1)]
    assert history[0].at == clock.now - 1


def test_an_error_in_a_listener_does_not_fail_the_call(build: Build, clock: Clock) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    breaker = build(on_transition=broken)
    open_circuit(breaker)
    assert rejection(breaker).retry_after == 60
    clock.advance(60)
    assert breaker.acquire().is_probe


# --- Snapshots -------------------------------------------------------------------------------------------------------


def test_a_snapshot_of_a_closed_circuit(breaker: Breaker) -> None:
    succeed(breaker, 3)
    fail(breaker, 2, code="timeout")
    snapshot = breaker.snapshot()
    assert (snapshot.name, snapshot.state, snapshot.calls, snapshot.failures) == (breaker.name, "closed", 5, 2)
    assert (snapshot.opened_at, snapshot.open_for, snapshot.retry_after, snapshot.next_probe_at) == (
        None,
        None,
        None,
        None,
    )
    assert (snapshot.last_error, snapshot.forced, snapshot.history) == ("timeout", None, ())


def test_a_snapshot_has_the_time_of_the_last_error_until_a_reset(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 1)
    failed_at = clock.now
    clock.advance(7)
    succeed(breaker, 1)
    assert breaker.snapshot().last_error_at == failed_at
    clock.advance(7)
    open_circuit(breaker)
    assert breaker.snapshot().last_error_at == clock.now
    breaker.reset(who="ada", reason="it has moved")
    assert breaker.snapshot().last_error_at is None


def test_a_snapshot_of_an_open_circuit(breaker: Breaker, clock: Clock) -> None:
    open_circuit(breaker)
    clock.advance(10)
    snapshot = breaker.snapshot()
    assert (snapshot.state, snapshot.calls, snapshot.failures) == ("open", 5, 5)
    assert (snapshot.opened_at, snapshot.open_for) == (START_TIME, 60)
    assert (snapshot.retry_after, snapshot.next_probe_at) == (50, START_TIME + 60)


def test_a_snapshot_shows_when_the_next_call_may_be_admitted(breaker: Breaker, clock: Clock) -> None:
    open_circuit(breaker)
    clock.advance(100)
    assert breaker.snapshot().retry_after == 0
    probe = breaker.acquire()
    assert breaker.snapshot().retry_after == 35
    probe.success(0.1)
    assert breaker.snapshot().retry_after == 0


def test_a_snapshot_of_a_forced_circuit(breaker: Breaker, clock: Clock) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    snapshot = breaker.snapshot()
    assert snapshot.forced is not None
    assert (snapshot.forced.by, snapshot.forced.reason, snapshot.forced.until) == (
        "ada",
        "provider moves",
        clock.now + 600,
    )
    assert (snapshot.state, snapshot.retry_after, snapshot.opened_at) == ("open", 600, clock.now)


def test_a_snapshot_does_not_show_an_expired_forced_state(breaker: Breaker, clock: Clock) -> None:
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    clock.advance(600)
    assert breaker.snapshot().forced is None
    assert breaker.snapshot().retry_after == 0


def test_a_snapshot_changes_nothing(build: Build, clock: Clock) -> None:
    notified: list[Transition] = []
    breaker = build(on_transition=notified.append)
    open_circuit(breaker)
    clock.advance(60)
    before = breaker.snapshot()
    assert breaker.snapshot() == before
    assert len(notified) == 1


def test_a_snapshot_is_plain_json(breaker: Breaker, clock: Clock) -> None:
    first_probe(breaker, clock)
    breaker.force("open", who="ada", reason="provider moves", seconds=600)
    values = breaker.snapshot().as_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["history"][0]["who"] == "ada"
    assert values["forced"]["until"] == clock.now + 600


def test_circuits_with_different_names_are_independent(build: Build) -> None:
    one, other = build(), build()
    open_circuit(one)
    assert state_of(other) == "closed"


# --- The policy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 0),
        ("min_calls", 0),
        ("min_subjects", 0),
        ("min_streak", -1),
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
def test_a_contradictory_policy_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        replace(POLICY, **cast("dict[str, Any]", {name: value}))


# --- The Redis store only --------------------------------------------------------------------------------------------


@pytest.fixture
def shared(clock: Clock) -> Breaker:
    return breaker_with_clock("redis", clock)


def key_of(breaker: Breaker) -> str:
    return f"bff:breaker:{breaker.name}"


def test_a_closed_circuit_takes_one_trip_to_acquire_and_none_to_record_a_success(
    shared: Breaker, monkeypatch: Any
) -> None:
    succeed(shared)
    sent: list[tuple[str, Any]] = []
    for method in ("send", "post"):
        original = getattr(RedisTrips, method)

        def record(trips: RedisTrips, *commands: Command, method: str = method, original: Any = original) -> Any:
            sent.extend((method, command[0]) for command in commands)
            return original(trips, *commands)

        monkeypatch.setattr(RedisTrips, method, record)
    permit = shared.acquire()
    permit.success(0.1)
    assert sent == [("send", "EVALSHA"), ("post", "EVALSHA")]
    shared.acquire().neutral()
    assert sent[2:] == [("send", "EVALSHA")]


def test_everything_is_in_one_hash(shared: Breaker, clock: Clock) -> None:
    first_probe(shared, clock)
    shared.force("open", who="ada", reason="provider moves", seconds=None)
    assert redis_client().keys(f"*{shared.name}*") == [key_of(shared).encode()]
    assert redis_client().type(key_of(shared)) == b"hash"


def test_the_hash_does_not_grow_with_traffic_or_time(shared: Breaker, clock: Clock) -> None:
    for _ in range(80):
        succeed(shared, 2)
        fail(shared)
        fail(shared, is_background=True)
        clock.advance(STEP)
    assert redis_client().hlen(key_of(shared)) <= 20 + 5
    fields = redis_client().hgetall(key_of(shared))
    assert len(fields[b"background_streak"]) < 60


def test_an_unused_hash_expires_after_a_month(shared: Breaker) -> None:
    fail(shared)
    assert 29 * 86_400 < redis_client().ttl(key_of(shared)) <= 30 * 86_400


def breaker_with_short_retention(clock: Clock) -> Breaker:
    breaker = breaker_with_clock("redis", clock)
    breaker.store = RedisStore(breaker.name, breaker.policy, redis_client, now=clock, retention_seconds=0.05)
    return breaker


def test_an_unused_state_expires(clock: Clock) -> None:
    breaker = breaker_with_short_retention(clock)
    open_circuit(breaker)
    time.sleep(0.1)
    assert state_of(breaker) == "closed"


def test_a_forced_state_without_a_duration_does_not_expire(clock: Clock) -> None:
    breaker = breaker_with_short_retention(clock)
    breaker.force("open", who="ada", reason="provider moves", seconds=None)
    time.sleep(0.1)
    assert rejection(breaker).retry_after is None
    assert breaker.snapshot().history[0].who == "ada"


def test_a_forced_state_does_not_expire_early_when_calls_continue(clock: Clock) -> None:
    breaker = breaker_with_short_retention(clock)
    breaker.force("closed", who="ada", reason="false alarm", seconds=600)
    fail(breaker)
    time.sleep(0.1)
    assert breaker.snapshot().forced is not None


def test_after_reset_the_hash_of_a_forced_state_expires_again(shared: Breaker) -> None:
    shared.force("open", who="ada", reason="provider moves", seconds=None)
    assert redis_client().ttl(key_of(shared)) == -1
    shared.reset(who="ada", reason="moved")
    assert redis_client().ttl(key_of(shared)) > 0


@pytest.mark.parametrize("wrong_by", [-86_400, 86_400])
def test_a_process_with_a_wrong_clock_sees_the_same_state(monkeypatch: pytest.MonkeyPatch, wrong_by: float) -> None:
    began, right_time = time.time(), time.time
    breaker = redis_breaker(f"test-{uuid.uuid4()}")
    fail(breaker, 4)
    monkeypatch.setattr(time, "time", lambda: right_time() + wrong_by)
    wrong_clock_breaker = redis_breaker(breaker.name)
    fail(wrong_clock_breaker)
    assert rejection(wrong_clock_breaker).retry_after == pytest.approx(60, abs=2)
    assert wrong_clock_breaker.snapshot().history[0].at == pytest.approx(began, abs=2)


@pytest.mark.parametrize("store", ["redis", "memory"])
def test_another_target_begins_with_a_closed_circuit(clock: Clock, store: str) -> None:
    one = breaker_with_clock(store, clock)
    open_circuit(one)
    other = breaker_with_clock(store, clock, name=one.name, target="other")
    assert state_of(other) == "closed"
    assert rejection(one).retry_after == 60


def test_redis_clock_moves_the_circuit() -> None:
    policy = replace(POLICY, open_for=1.0, success_threshold=1)
    breaker = redis_breaker(f"test-{uuid.uuid4()}", policy)
    open_circuit(breaker)
    assert rejection(breaker).retry_after == pytest.approx(1.0, abs=0.5)
    time.sleep(1.0)
    breaker.acquire().success(0.01)
    assert state_of(breaker) == "closed"
    assert breaker.snapshot().source == "redis"


def test_a_flushed_script_is_loaded_again(shared: Breaker) -> None:
    fail(shared)
    redis_client().script_flush()
    fail(shared)
    assert shared.snapshot().failures == 2


def test_a_field_of_a_newer_version_is_ignored(shared: Breaker) -> None:
    redis_client().hset(key_of(shared), "invented_later", "1")
    fail(shared)
    assert shared.snapshot().failures == 1
    assert redis_client().hget(key_of(shared), "invented_later") == b"1"


def test_after_one_process_opens_it_another_refuses_its_first_call(clock: Clock) -> None:
    one = breaker_with_clock("redis", clock)
    other = breaker_with_clock("redis", clock, name=one.name)
    open_circuit(one)
    assert rejection(other).retry_after == 60


def test_a_permit_may_be_acquired_in_one_thread_and_settled_in_another(shared: Breaker, clock: Clock) -> None:
    probe = first_probe(shared, clock)
    thread = threading.Thread(target=probe.success, args=(0.1,))
    thread.start()
    thread.join()
    assert shared.acquire().is_probe
