"""The breaker's rules in one process' memory: the fallback while Redis is away.

breaker.lua says the same for Redis; change both or neither. `tests/chat/test_breaker_agreement.py` holds them together.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Literal

from chat.upstream.breaker.circuit import (
    HISTORY,
    SLOTS,
    Admission,
    Cause,
    Circuit,
    Failure,
    Slot,
    State,
    Transition,
    Vote,
    pending,
    step_of,
)
from chat.upstream.breaker.policy import Policy, milliseconds
from chat.upstream.breaker.snapshot import Snapshot


class MemoryStore:
    """One breaker in this process. The lock is held for a few steps of arithmetic, never during a call."""

    def __init__(self, name: str, policy: Policy, clock: Callable[[], float]) -> None:
        self.name = name
        self.policy = policy
        self._clock = clock
        self._circuit = Circuit()
        self._lock = threading.Lock()

    def adopt(self, seen: Admission | None, at: float) -> None:
        """Begin anew, from what Redis answered last at that time (unix seconds): what it held back stays held back."""
        with self._lock:
            generation = self._circuit.generation + 1
            self._circuit = Circuit(generation=generation)
            if seen is not None and (seen.forced or seen.state != "closed"):
                self._continue(seen, milliseconds(at))

    def acquire(self) -> Admission:
        """May a call go ahead? Moves on what time alone moves: the end of the open time, of a forced state."""
        with self._lock:
            now = self._now()
            moved = self._wake(now)
            circuit = self._circuit
            if circuit.forced:
                wait = circuit.forced_until - now if circuit.forced_until else None
                return self._admission(circuit.state == "closed", wait, moved)
            if circuit.state == "closed":
                return self._admission(True, 0, moved)
            if circuit.state == "open":
                return self._admission(False, circuit.open_until - now, moved)
            return self._try_probe(now, moved)

    def record(self, admission: Admission, failure: Failure | None) -> Vote:
        """A call's result, None for success."""
        with self._lock:
            now = self._now()
            if not self._heard(admission, now):
                return Vote()
            if admission.probe:
                return Vote(self._record_probe(admission.probe, now, failure))
            return self._record_call(now, failure)

    def release(self, admission: Admission) -> None:
        """A probe ended without a result: another call may try."""
        with self._lock:
            if self._heard(admission, self._now()):
                self._circuit.leases.pop(admission.probe)

    def force(self, state: Literal["open", "closed"], *, who: str, reason: str, seconds: float | None) -> Transition:
        with self._lock:
            now = self._now()
            return self._move(
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
            return self._move(self._now(), "closed", "reset", who, reason, last_error="")

    def snapshot(self) -> Snapshot:
        with self._lock:
            return Snapshot.of(self.name, self._circuit, self.policy, self._now(), "memory")

    def _wake(self, now: int) -> Transition | None:
        circuit = self._circuit
        if circuit.force_expired(now):
            return self._move(now, "half_open" if circuit.forced == "open" else "closed", "force_expired")
        waits = pending(circuit.open_until, milliseconds(self.policy.open_max), now)
        if circuit.state == "open" and not circuit.forced and not waits:
            return self._move(now, "half_open", "open_time_over")
        return None

    def _try_probe(self, now: int, moved: Transition | None) -> Admission:
        circuit = self._circuit
        circuit.leases = circuit.live_leases(self.policy, now)
        if len(circuit.leases) >= self.policy.probes:
            return self._admission(False, min(circuit.leases.values()) - now, moved)
        circuit.probed += 1
        circuit.leases[circuit.probed] = now + milliseconds(self.policy.probe_lease)
        return self._admission(True, 0, moved, probe=circuit.probed)

    def _heard(self, admission: Admission, now: int) -> bool:
        """Not from an older generation, nor from a probe that was given up."""
        if admission.generation != self._circuit.generation:
            return False
        return not admission.probe or admission.probe in self._circuit.live_leases(self.policy, now)

    def _record_call(self, now: int, failure: Failure | None) -> Vote:
        circuit, policy = self._circuit, self.policy
        self._count(now, failure is not None)
        if failure is None:
            return Vote()
        circuit.last_error = failure.code
        circuit.retry_at = max(circuit.retry_at, _retry_at(now, failure))
        tally = circuit.tally(policy, now)
        enough = tally.failures >= policy.failure_threshold and tally.failures / tally.calls >= policy.failure_rate
        if circuit.forced or not enough:
            return Vote(None, tally)
        open_for = milliseconds(policy.open_for)
        return Vote(self._open(now, "too_many_failures", failure.code, open_for, circuit.retry_at), tally)

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
        return self._move(now, "closed", "probes_succeeded")

    def _count(self, now: int, failed: bool) -> None:
        step = step_of(self.policy, now)
        slot = self._circuit.slots.get(step % SLOTS)
        if slot is None or slot.step != step:
            slot = Slot(step, 0, 0)
        self._circuit.slots[step % SLOTS] = Slot(step, slot.calls + 1, slot.failures + failed)

    def _open(self, now: int, cause: Cause, code: str, open_for: int, retry_at: int) -> Transition:
        until = max(now + open_for, retry_at)
        return self._move(
            now, "open", cause, reason=code, opened_at=now, open_for=open_for, open_until=until, last_error=code
        )

    def _move(
        self, now: int, state: State, cause: Cause, who: str = "", reason: str = "", **changes: Any
    ) -> Transition:
        """A new generation. What is not among the changes starts anew, but what half-open still needs of open."""
        before = self._circuit
        transition = Transition(now / 1000, before.state, state, cause, who, reason)
        kept: dict[str, Any] = {"last_error": before.last_error}
        if state != "closed":
            kept |= {"opened_at": before.opened_at, "open_for": before.open_for, "slots": before.slots}
        history = [transition, *before.history][:HISTORY]
        after = {"state": state, "generation": before.generation + 1, "history": history}
        self._circuit = Circuit(**kept | after | changes)
        return transition

    def _continue(self, seen: Admission, at: int) -> None:
        circuit = self._circuit
        until = at + milliseconds(seen.wait) if seen.wait is not None else 0
        circuit.forced = seen.forced
        circuit.state = seen.forced or "open"
        circuit.opened_at = at if circuit.state == "open" else 0
        if seen.forced:
            circuit.forced_until = until
        else:
            circuit.open_for = milliseconds(self.policy.open_for)
            circuit.open_until = until if seen.state == "open" else 0

    def _admission(self, admitted: bool, wait: int | None, moved: Transition | None, *, probe: int = 0) -> Admission:
        seconds = None if wait is None else wait / 1000
        circuit = self._circuit
        return Admission(
            admitted, circuit.state, circuit.generation, probe, seconds, circuit.forced, moved, source="memory"
        )

    def _now(self) -> int:
        return milliseconds(self._clock())


def _retry_at(now: int, failure: Failure) -> int:
    return now + milliseconds(failure.retry_after)
