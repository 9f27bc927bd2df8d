"""The circuit breaker as its callers use it: acquire a permit, make the call, report the result."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Literal

from chat.upstream.breaker.circuit import Admission, CallOrigin, Failure, State, Transition, WindowCounts
from chat.upstream.breaker.failover import Store
from chat.upstream.breaker.policy import Policy
from chat.upstream.breaker.snapshot import Snapshot
from observability import logs

log = logs.get_logger(__name__)

SLOW = "slow"  # the failure code of a call whose first words came too late


class CircuitOpen(Exception):
    """The circuit refuses this call. `retry_after` is in seconds, None when unknown.

    With the `state` `half_open` a probe is running: `retry_after` is the time until that probe is given up, and a call
    may be admitted sooner.
    """

    def __init__(self, name: str, retry_after: float | None, state: State = "open") -> None:
        super().__init__(f"the circuit {name} is open")
        self.name = name
        self.retry_after = retry_after
        self.state = state


class Breaker:
    """One circuit breaker, shared with every process whose store has the same name, target and Redis.

    ::

        permit = breaker.acquire()  # raises CircuitOpen
        ...
        permit.success(first_words_after=0.8)

    `on_transition` gets each transition, in exactly one process of the fleet and in the thread that caused it; its
    errors are logged and not raised.
    """

    def __init__(
        self,
        name: str,
        policy: Policy,
        store: Store,
        *,
        on_transition: Callable[[Transition], None] | None = None,
    ) -> None:
        self.name = name
        self.policy = policy
        self.store = store
        self._on_transition = on_transition
        self._failures_here = self._failures_in_fleet = 0

    def acquire(self, subject: str = "", *, is_background: bool = False) -> Permit:
        """Return a permit for one call; settle it with the result. Raises CircuitOpen.

        `subject` is a short key (no spaces) of what the call is about, shared by its attempts; "" if nothing else is
        about the same. The successes of background calls don't hide the failures of others.
        """
        admission = self.store.acquire()
        self._notify(admission.transition)
        if not admission.admitted:
            raise CircuitOpen(self.name, admission.wait, admission.state)
        return Permit(self, admission, CallOrigin(subject or secrets.token_hex(4), is_background))

    @property
    def failures_in_row(self) -> int:
        """How many calls have failed in a row, as far as this process knows without asking.

        These are its own since an answer last began here, long before that answer's success is recorded, or the
        fleet's, whichever are more.
        """
        return max(self._failures_here, self._failures_in_fleet)

    def answer_began(self) -> None:
        """Forget the failures in a row. Called by Permit."""
        self._failures_here = self._failures_in_fleet = 0

    def record(self, admission: Admission, origin: CallOrigin, failure: Failure | None) -> WindowCounts:
        """Record the result of an admitted call, None for success. Called by Permit.

        Returns the fleet's counts as in RecordResult.
        """
        result = self.store.record(admission, origin, failure)
        self._notify(result.transition)
        if failure is not None:
            self._failures_here += 1
            self._failures_in_fleet = result.window_counts.in_row
        return result.window_counts

    def force(self, state: Literal["open", "closed"], *, who: str, reason: str, seconds: float | None) -> Transition:
        """Hold the circuit open or closed, whatever the calls' results, for so many seconds; None: until `reset`.

        `who` is the operator's name. When the time is over, a forced open circuit becomes half-open, and a forced
        closed one stays closed, with all failures forgotten. Raises StoreUnavailable when Redis is unavailable, and
        ValueError for an empty reason or a duration that is not positive and finite.
        """
        if not reason.strip():
            raise ValueError("a forced state needs a reason")
        if seconds is not None and not 0 < seconds < float("inf"):
            raise ValueError("a forced state needs a positive, finite number of seconds")
        transition = self.store.force(state, who=who, reason=reason, seconds=seconds)
        self._notify(transition)
        return transition

    def reset(self, *, who: str, reason: str) -> Transition:
        """Close the circuit; forget failures and a forced state. Raises StoreUnavailable when Redis is unavailable."""
        transition = self.store.reset(who=who, reason=reason)
        self._notify(transition)
        return transition

    def snapshot(self) -> Snapshot:
        """The current state; changes nothing."""
        return self.store.snapshot()

    def _notify(self, transition: Transition | None) -> None:
        if transition is None or self._on_transition is None:
            return
        try:
            self._on_transition(transition)
        except Exception:
            # A bug in the listener must not fail the call.
            log.exception("Breaker listener failed")


class Permit:
    """Permission for one call. The first result reported settles it, from whichever thread; later ones do nothing.

    A permit that is never settled does no harm; if it is a probe, it blocks other probes until its lease ends.
    """

    __slots__ = ("_admission", "_breaker", "_origin", "_unsettled")

    def __init__(self, breaker: Breaker, admission: Admission, origin: CallOrigin) -> None:
        self._breaker = breaker
        self._admission = admission
        self._origin = origin
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
        """Seconds to the first words from which this call is a failure."""
        return self._breaker.policy.slow_call

    def answer_began(self, first_words_after: float) -> None:
        """Report an answer's first words, after so many seconds. It is a probe's success: the circuit can close before
        the whole answer has arrived. Any other call can still fail.
        """
        if self.is_probe:
            self.success(first_words_after)
        if not self._origin.is_background and first_words_after <= self.slow_call:
            self._breaker.answer_began()

    def success(self, first_words_after: float) -> None:
        """Report an answer, its first words after so many seconds. Later than `slow_call` counts as a failure."""
        if first_words_after > self.slow_call:
            self.failure(SLOW)
        elif self._settle():
            self._breaker.record(self._admission, self._origin, None)

    def failure(self, code: str, retry_after: float | None = None) -> WindowCounts:
        """Report that the upstream failed, with a code from a closed set, free of content.

        `retry_after` is what the upstream asked for, in seconds: the circuit then stays open at least as long, within
        `open_max`. Returns the fleet's recent calls and failures, this one included (see RecordResult); 0 when unknown.
        """
        if not self._settle():
            return WindowCounts()
        limited = min(max(0.0, retry_after or 0.0), self._breaker.policy.open_max)
        return self._breaker.record(self._admission, self._origin, Failure(code, limited))

    def neutral(self) -> None:
        """Report an end that says nothing about the service's health: the caller left, or the request was refused.

        Neither success nor failure, also for a probe: a service that refuses everything is not back.
        """
        if self._settle() and self.is_probe:
            self._breaker.store.release(self._admission)

    def _settle(self) -> bool:
        """True for the first result, False for all later ones."""
        # Under gevent, an `acquire` that fails lets all other greenlets run first.
        return not self._unsettled.locked() and self._unsettled.acquire(blocking=False)
