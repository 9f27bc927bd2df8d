"""Whether, when and how often the AI is asked again: the one policy, and the only place that retries."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from tenacity import AttemptManager, RetryCallState, Retrying, retry_if_exception

from chat.upstream.breaker import Tally
from chat.upstream.errors import AIUnavailable
from chat.upstream.line import Deadline

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 4.0
USEFUL_ATTEMPT_SECONDS = 2.0

# Once more than this share of the fleet's calls fail it is an outage: asking again would only add to it.
OUTAGE_SHARE = 0.1

# All of these are known before the first word. Not among them: a read timeout (it may be writing the answer still:
# asking again would be paid twice), an open breaker, and a 200 that is not the protocol (a wrong address or version
# is as wrong two seconds later, and that answer was paid too).
RETRIED = frozenset(
    ["connection", "cut", "http_408", "http_425", "http_429", "http_500", "http_502", "http_503", "http_504"]
)


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry decided on: the number of the attempt to come, why the last one failed, the seconds to wait before."""

    attempt: int
    code: str
    wait: float


class RetryBudget:
    """Over the last minute, at most one retry for five calls; ten are always free. One for each process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()
        self._retries: deque[float] = deque()

    def count_call(self) -> None:
        with self._lock:
            self._calls.append(self._clock())
            self._forget(self._calls)

    def spend(self) -> bool:
        """Take one retry from the budget, if there is one."""
        with self._lock:
            self._forget(self._calls)
            self._forget(self._retries)
            if len(self._retries) >= max(10, 0.2 * len(self._calls)):
                return False
            self._retries.append(self._clock())
            return True

    def _forget(self, moments: deque[float]) -> None:
        while moments and moments[0] <= self._clock() - 60:
            moments.popleft()


def attempts(deadline: Deadline, budget: RetryBudget) -> Iterator[tuple[AttemptManager, Retry | None]]:
    """Each attempt to make, with the retry that it is (None: the first); raises the last error when there are no more.

    The wait is the caller's: only a generator of events can say "trying again in 2 s" meanwhile, and be closed then.
    """
    decided: list[Retry] = []
    policy = Retrying(
        retry=retry_if_exception(_may_help),
        wait=_backoff,
        stop=lambda state: _is_enough(state, deadline, budget),
        before_sleep=lambda state: decided.append(_decided(state)),
        sleep=lambda _: None,
        reraise=True,
    )
    for attempt in policy:
        yield attempt, decided[-1] if decided else None


def _may_help(error: BaseException) -> bool:
    return isinstance(error, AIUnavailable) and error.code in RETRIED and not _is_an_outage(error.tally)


def _is_an_outage(tally: Tally) -> bool:
    """Whether calls fail in numbers, and not here and there. One question's own attempts are never called an outage."""
    return tally.failures >= settings.AI_ATTEMPTS and tally.failures > OUTAGE_SHARE * tally.calls


def _backoff(state: RetryCallState) -> float:
    """1, 2, 4 s, each with equal jitter (half to whole); longer when the service asks for longer."""
    whole = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (state.attempt_number - 1))
    return max(random.uniform(whole / 2, whole), _error(state).retry_after or 0)  # noqa: S311 - spreads, hides nothing


def _is_enough(state: RetryCallState, deadline: Deadline, budget: RetryBudget) -> bool:
    return (
        state.attempt_number >= settings.AI_ATTEMPTS
        or state.upcoming_sleep + USEFUL_ATTEMPT_SECONDS > deadline.left()
        or not budget.spend()
    )


def _decided(state: RetryCallState) -> Retry:
    return Retry(state.attempt_number + 1, _error(state).code, state.upcoming_sleep)


def _error(state: RetryCallState) -> AIUnavailable:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, AIUnavailable)
    return error
