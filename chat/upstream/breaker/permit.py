"""Permission for one call, and how the caller reports its result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from chat.upstream.breaker.circuit import Admission, Caller, Failure, State, Transition, WindowCounts
from chat.upstream.breaker.failover import Store
from chat.upstream.breaker.policy import Policy

SLOW = "slow"  # the failure code of a call whose first byte came too late


class RecentFailures:
    """How many calls have failed in a row, as far as one process knows without asking.

    An answer that begins here ends the row, long before its success is recorded.
    """

    def __init__(self) -> None:
        self._here = self._in_fleet = 0

    @property
    def in_row(self) -> int:
        """This process' failures since an answer last began here, or the fleet's, whichever are more."""
        return max(self._here, self._in_fleet)

    def answer_began(self) -> None:
        self._here = self._in_fleet = 0

    def call_failed(self, in_fleet: int) -> None:
        self._here, self._in_fleet = self._here + 1, in_fleet


class Permit:
    """Permission for one call. The first result reported settles it, from whichever thread; later ones do nothing.

    As a context manager it is ignored if no result was reported. A permit that is never settled does no harm; if it is
    a probe, it blocks other probes until its lease ends.
    """

    __slots__ = ("_admission", "_caller", "_notify", "_policy", "_recent", "_store", "_unsettled")

    def __init__(  # noqa: PLR0913 - the parts of its breaker, and the call
        self,
        store: Store,
        policy: Policy,
        admission: Admission,
        caller: Caller,
        *,
        recent: RecentFailures,
        notify: Callable[[Transition | None], None],
    ) -> None:
        self._store = store
        self._policy = policy
        self._recent = recent
        self._admission = admission
        self._caller = caller
        self._notify = notify
        self._unsettled = threading.Lock()  # acquired once, by the first result

    @property
    def state(self) -> State:
        """The circuit's state when it admitted this call."""
        return self._admission.state

    @property
    def is_probe(self) -> bool:
        """Whether this call decides if the circuit closes again."""
        return self._admission.probe > 0

    @property
    def slow_call(self) -> float:
        """Seconds to the first byte from which this call is a failure."""
        return self._policy.slow_call

    def answer_began(self, first_byte_after: float) -> None:
        """Report an answer's first byte, after so many seconds. It is a probe's success: the circuit can close before
        the whole answer has arrived. Any other call can still fail.
        """
        if self.is_probe:
            self.success(first_byte_after)
        if not self._caller.is_background and first_byte_after <= self._policy.slow_call:
            self._recent.answer_began()

    def success(self, first_byte_after: float) -> None:
        """Report an answer, its first byte after so many seconds. Later than `slow_call` counts as a failure."""
        if first_byte_after > self._policy.slow_call:
            self.failure(SLOW)
        elif self._settle():
            self._notify(self._store.record(self._admission, self._caller, None).transition)

    def failure(self, code: str, retry_after: float | None = None) -> WindowCounts:
        """Report that the upstream failed, with a code from a closed set, free of content.

        `retry_after` is what the upstream asked for, in seconds: the circuit then stays open at least as long, within
        `open_max`. Returns the fleet's recent calls and failures, this one included (see RecordResult); 0 when unknown.
        """
        if not self._settle():
            return WindowCounts(0, 0)
        limited = min(max(0.0, retry_after or 0.0), self._policy.open_max)
        result = self._store.record(self._admission, self._caller, Failure(code, limited))
        self._notify(result.transition)
        self._recent.call_failed(result.window_counts.in_row)
        return result.window_counts

    def neutral(self) -> None:
        """Report that the upstream refused the request, which says nothing about its health.

        Neither success nor failure, also for a probe: a service that refuses everything is not back.
        """
        self.ignore()

    def ignore(self) -> None:
        """Report that the call ended without an answer, not by the upstream's fault: neither success nor failure."""
        if self._settle() and self.is_probe:
            self._store.release(self._admission)

    def _settle(self) -> bool:
        """True for the first result, False for all later ones."""
        return self._unsettled.acquire(blocking=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.ignore()
