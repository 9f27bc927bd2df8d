"""The breaker's rules in one process' memory: the fallback while Redis is unavailable.

breaker.lua has the same rules for Redis, with the same names: change both or neither.
tests/chat/upstream/breaker/test_agreement.py compares them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from chat.upstream.breaker.circuit import (
    HISTORY,
    NO_STREAK,
    SLOTS,
    Admission,
    CallOrigin,
    Cause,
    Circuit,
    Failure,
    RecordResult,
    Slot,
    State,
    Streak,
    Transition,
    WindowCounts,
    is_pending,
    step_at,
)
from chat.upstream.breaker.policy import Policy, milliseconds
from chat.upstream.breaker.snapshot import Snapshot


class MemoryStore:
    """One breaker in this process. The lock is held for some arithmetic, never during a call.

    `clock` is in unix seconds.
    """

    def __init__(self, name: str, policy: Policy, clock: Callable[[], float] = time.time) -> None:
        self.name = name
        self.policy = policy
        self._clock = clock
        self._circuit = Circuit()
        self._lock = threading.Lock()

    def restart_from(self, admission: Admission | None, at: float) -> None:
        """Forget everything; start from the last admission that Redis decided, at that time (unix seconds).

        An open or forced circuit stays open or forced.
        """
        with self._lock:
            generation = self._circuit.generation + 1
            self._circuit = Circuit(generation=generation)
            if admission is not None and (admission.forced or admission.state != "closed"):
                self._continue_from(admission, milliseconds(at))

    def acquire(self) -> Admission:
        """Decide on one call. First makes the transition that is due by time: open time or forced state over."""
        with self._lock:
            now = self._now()
            transition = self._apply_due_transition(now)
            circuit = self._circuit
            if circuit.forced:
                wait = circuit.forced_until - now if circuit.forced_until else None
                return self._admission(circuit.state == "closed", wait, transition)
            if circuit.state == "closed":
                return self._admission(True, 0, transition)
            if circuit.state == "open":
                return self._admission(False, circuit.open_until - now, transition)
            return self._try_probe(now, transition)

    def record(self, admission: Admission, origin: CallOrigin, failure: Failure | None) -> RecordResult:
        """Record a call's result, None for success."""
        with self._lock:
            now = self._now()
            if not self._is_current(admission, now):
                return RecordResult()
            if admission.probe:
                return RecordResult(self._record_probe(admission.probe, now, failure))
            return self._record_call(now, origin, failure)

    def release(self, admission: Admission) -> None:
        """Free the lease of a probe that ended without a result: another call may probe."""
        with self._lock:
            if self._is_current(admission, self._now()):
                self._circuit.leases.pop(admission.probe)

    def force(self, state: Literal["open", "closed"], *, who: str, reason: str, seconds: float | None) -> Transition:
        with self._lock:
            now = self._now()
            return self._transition_to(
                now,
                state,
                "forced",
                who,
                reason,
                forced=state,
                forced_by=who,
                forced_reason=reason,
                forced_until=now + milliseconds(seconds) if seconds is not None else 0,
                opened_at=now if state == "open" else 0,
                open_for=0,
            )

    def reset(self, *, who: str, reason: str) -> Transition:
        with self._lock:
            return self._transition_to(self._now(), "closed", "reset", who, reason, last_error="", last_error_at=0)

    def snapshot(self) -> Snapshot:
        with self._lock:
            return Snapshot.of(self.name, self._circuit, self.policy, self._now(), "memory")

    def _apply_due_transition(self, now: int) -> Transition | None:
        """Make the transition that is due by time alone, if any."""
        circuit = self._circuit
        if circuit.force_expired(now):
            return self._transition_to(now, "half_open" if circuit.forced == "open" else "closed", "force_expired")
        stays_open = is_pending(circuit.open_until, milliseconds(self.policy.open_max), now)
        if circuit.state == "open" and not circuit.forced and not stays_open:
            return self._transition_to(now, "half_open", "open_time_over")
        return None

    def _try_probe(self, now: int, transition: Transition | None) -> Admission:
        circuit = self._circuit
        circuit.leases = circuit.live_leases(self.policy, now)
        if len(circuit.leases) >= self.policy.probes:
            return self._admission(False, min(circuit.leases.values()) - now, transition)
        circuit.probed += 1
        circuit.leases[circuit.probed] = now + milliseconds(self.policy.probe_lease)
        return self._admission(True, 0, transition, probe=circuit.probed)

    def _is_current(self, admission: Admission, now: int) -> bool:
        """Whether a result still counts: its generation is the current one, and its probe is not given up."""
        if admission.generation != self._circuit.generation:
            return False
        return not admission.probe or admission.probe in self._circuit.live_leases(self.policy, now)

    def _record_call(self, now: int, origin: CallOrigin, failure: Failure | None) -> RecordResult:
        circuit, policy = self._circuit, self.policy
        if not origin.is_background:
            self._count_call(now, failure is not None)
        if failure is None:
            self._end_streak(origin)
            return RecordResult()
        self._extend_streak(now, origin)
        circuit.last_error, circuit.last_error_at = failure.code, now
        circuit.retry_at = max(circuit.retry_at, _retry_at(now, failure))
        window, streak = circuit.window_counts(policy, now), circuit.opening_streak()
        counts = window._replace(in_row=streak.failures)
        if circuit.forced or not (self._is_long(streak, now) or self._is_rate_reached(window)):
            return RecordResult(None, counts)
        open_for = milliseconds(policy.open_for)
        return RecordResult(self._open(now, "too_many_failures", failure.code, open_for, circuit.retry_at), counts)

    def _end_streak(self, origin: CallOrigin) -> None:
        self._circuit.background_streak = NO_STREAK
        if not origin.is_background:
            self._circuit.streak = NO_STREAK

    def _extend_streak(self, now: int, origin: CallOrigin) -> None:
        circuit, needed = self._circuit, self.policy.needed_subjects
        if origin.is_background:
            circuit.background_streak = circuit.background_streak.extended(origin.subject, now, needed)
        else:
            circuit.streak = circuit.streak.extended(origin.subject, now, needed)

    def _is_long(self, streak: Streak, now: int) -> bool:
        """Whether the failures in a row are enough, of enough subjects, and not a moment's chance."""
        return (
            streak.failures >= self.policy.failure_threshold
            and len(streak.subjects) >= self.policy.needed_subjects
            and now - streak.since >= milliseconds(self.policy.min_streak)
        )

    def _is_rate_reached(self, window: WindowCounts) -> bool:
        return window.calls >= self.policy.min_calls and window.failures / window.calls >= self.policy.failure_rate

    def _record_probe(self, probe: int, now: int, failure: Failure | None) -> Transition | None:
        circuit, policy = self._circuit, self.policy
        if failure is not None:
            longer = max(circuit.open_for * 2, milliseconds(policy.open_for))
            open_for = min(longer, milliseconds(policy.open_max))
            return self._open(now, "probe_failed", failure.code, open_for, _retry_at(now, failure))
        circuit.leases.pop(probe)
        circuit.successes += 1
        if circuit.successes < policy.success_threshold:
            return None
        return self._transition_to(now, "closed", "probes_succeeded")

    def _count_call(self, now: int, failed: bool) -> None:
        step = step_at(self.policy, now)
        slot = self._circuit.slots.get(step % SLOTS)
        if slot is None or slot.step != step:
            slot = Slot(step, 0, 0)
        self._circuit.slots[step % SLOTS] = Slot(step, slot.calls + 1, slot.failures + failed)

    def _open(self, now: int, cause: Cause, code: str, open_for: int, retry_at: int) -> Transition:
        open_until = max(now + open_for, retry_at)
        times: dict[str, Any] = {"opened_at": now, "open_for": open_for, "open_until": open_until, "last_error_at": now}
        return self._transition_to(now, "open", cause, reason=code, last_error=code, **times)

    def _transition_to(
        self, now: int, state: State, cause: Cause, who: str = "", reason: str = "", **changes: Any
    ) -> Transition:
        """Begin a new generation. Fields without a change are reset, except those that an open circuit passes on."""
        before = self._circuit
        transition = Transition(now / 1000, before.state, state, cause, who, reason)
        carried_over: dict[str, Any] = {"last_error": before.last_error, "last_error_at": before.last_error_at}
        if state != "closed":
            carried_over |= {"opened_at": before.opened_at, "open_for": before.open_for, "slots": before.slots}
        history = [transition, *before.history][:HISTORY]
        renewed = {"state": state, "generation": before.generation + 1, "history": history}
        self._circuit = Circuit(**carried_over | renewed | changes)
        return transition

    def _continue_from(self, admission: Admission, at: int) -> None:
        circuit = self._circuit
        until = at + milliseconds(admission.wait) if admission.wait is not None else 0
        circuit.forced = admission.forced
        circuit.state = admission.forced or "open"
        circuit.opened_at = at if circuit.state == "open" else 0
        if admission.forced:
            circuit.forced_until = until
        else:
            circuit.open_for = milliseconds(self.policy.open_for)
            circuit.open_until = until if admission.state == "open" else 0

    def _admission(
        self, admitted: bool, wait: int | None, transition: Transition | None, *, probe: int = 0
    ) -> Admission:
        seconds = None if wait is None else wait / 1000
        circuit = self._circuit
        return Admission(
            admitted, circuit.state, circuit.generation, probe, seconds, circuit.forced, transition, source="memory"
        )

    def _now(self) -> int:
        return milliseconds(self._clock())


def _retry_at(now: int, failure: Failure) -> int:
    return now + milliseconds(failure.retry_after)
