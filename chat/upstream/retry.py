"""The one retry policy: whether, when and how often a failed attempt is repeated. Nothing else retries."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from tenacity import AttemptManager, RetryCallState, Retrying, retry_if_exception

from chat.upstream.breaker import WindowCounts
from chat.upstream.errors import AIUnavailable
from chat.upstream.http.cancel_scope import Deadline

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 4.0
USEFUL_ATTEMPT_SECONDS = 2.0

# A larger share of failed calls in the fleet is an outage: retries would only add load.
OUTAGE_SHARE = 0.1

BUDGET_SECONDS = 60
BUDGET_SHARE = 0.2  # retries per call
FREE_RETRIES = 10

# All of these failures occur before the first words. Not retried: a read timeout (the service may still be writing the
# answer, which would be paid twice), an open breaker, and a 2xx response that is not the protocol (a wrong address or
# version stays wrong, and that response may be paid, too).
RETRIED_CODES = frozenset(
    ["connection", "cut", "http_408", "http_425", "http_429", "http_500", "http_502", "http_503", "http_504"]
)


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry to make: its attempt number, the last failure before it, and the seconds to wait first."""

    attempt: int
    failure: AIUnavailable
    wait: float


class RetryBudget:
    """Limits the retries of this process: one for five calls within the last minute, and ten in any case."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()
        self._retries: deque[float] = deque()

    def count_call(self) -> None:
        with self._lock:
            self._calls.append(self._clock())
            self._drop_expired(self._calls)

    def take_retry(self) -> bool:
        """Take one retry from the budget; False when it is used up."""
        with self._lock:
            self._drop_expired(self._calls)
            self._drop_expired(self._retries)
            if len(self._retries) >= max(FREE_RETRIES, BUDGET_SHARE * len(self._calls)):
                return False
            self._retries.append(self._clock())
            return True

    def _drop_expired(self, times: deque[float]) -> None:
        while times and times[0] <= self._clock() - BUDGET_SECONDS:
            times.popleft()


def retries(
    error: AIUnavailable, deadline: Deadline, budget: RetryBudget, longest_wait: float
) -> Iterator[tuple[AttemptManager, Retry]]:
    """Yield each attempt that follows a first one with this error; raise the last error when no attempt is left.

    A retry whose wait would exceed `longest_wait` seconds is not made. The caller does the waiting, so that it can send
    a notice first and cancel the wait.
    """
    planned: list[Retry] = []
    policy = Retrying(
        retry=retry_if_exception(_is_retryable),
        wait=_backoff,
        stop=lambda state: state.upcoming_sleep > longest_wait or _must_stop(state, deadline, budget),
        before_sleep=lambda state: planned.append(_next_retry(state)),
        sleep=lambda _: None,
        reraise=True,
    )
    for attempt in policy:
        if planned:
            yield attempt, planned[-1]
        else:
            with attempt:  # the first one, which the caller has made
                raise error


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, AIUnavailable) and error.code in RETRIED_CODES and not _is_outage(error.window_counts)


def _is_outage(counts: WindowCounts) -> bool:
    """Whether many of the fleet's calls fail. The attempts of one call alone never count as an outage."""
    if counts.in_row > counts.failures:  # calls are so rare that the window has not all of these
        return is_streak(counts.in_row)
    return is_streak(counts.failures) and counts.failures > OUTAGE_SHARE * counts.calls


def is_streak(failures_in_row: int) -> bool:
    """Whether so many failures in a row can't be one call's own: before its last attempt it has failed once less."""
    return failures_in_row >= settings.AI_MAX_ATTEMPTS


def _backoff(state: RetryCallState) -> float:
    """1, 2, 4 s, each with equal jitter (half to whole); longer if the service's `Retry-After` is longer."""
    longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (state.attempt_number - 1))
    jittered = random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, hides nothing
    return max(jittered, _error(state).retry_after or 0)


def _must_stop(state: RetryCallState, deadline: Deadline, budget: RetryBudget) -> bool:
    return (
        state.attempt_number >= settings.AI_MAX_ATTEMPTS
        or state.upcoming_sleep + USEFUL_ATTEMPT_SECONDS > deadline.remaining()
        or not budget.take_retry()
    )


def _next_retry(state: RetryCallState) -> Retry:
    return Retry(state.attempt_number + 1, _error(state), state.upcoming_sleep)


def _error(state: RetryCallState) -> AIUnavailable:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, AIUnavailable)
    return error
