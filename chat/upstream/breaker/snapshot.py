"""The state of a breaker for operators, the readiness probe and the metrics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chat.upstream.breaker.circuit import Circuit, Source, State, Transition, is_pending
from chat.upstream.breaker.policy import Policy, milliseconds


@dataclass(frozen=True, slots=True)
class Override:
    """A state that an operator forced. `by` is the operator's name, `until` is in unix seconds (None: until reset)."""

    state: State
    by: str
    reason: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A breaker at one moment. Times are unix seconds, durations seconds."""

    name: str
    state: State
    generation: int
    failures: int
    """Within the window, as `calls`; neither changes while open."""
    calls: int
    failures_in_row: int
    """Since the last success; 0 while open."""
    opened_at: float | None
    """When it last opened, None when closed."""
    open_for: float | None
    """How long it stays open by its own policy, None when closed. An upstream's `Retry-After` may prolong it."""
    retry_after: float | None
    """Until a call may be admitted: 0.0 when the next one may, None when closed or unknown."""
    next_probe_at: float | None
    last_error: str
    last_error_at: float | None
    forced: Override | None
    source: Source
    """`memory`: Redis is unavailable, and this is the state of this process alone."""
    history: tuple[Transition, ...]
    """Newest first."""

    @classmethod
    def of(cls, name: str, circuit: Circuit, policy: Policy, now: int, source: Source) -> Snapshot:
        calls, failures, _ = circuit.window_counts(policy, now)
        next_probe_at = _next_probe_at(circuit, policy, now)
        return cls(
            name=name,
            state=circuit.state,
            generation=circuit.generation,
            failures=failures,
            calls=calls,
            failures_in_row=circuit.opening_streak().failures,
            opened_at=_seconds(circuit.opened_at),
            open_for=_seconds(circuit.open_for),
            retry_after=None if next_probe_at is None else (next_probe_at - now) / 1000,
            next_probe_at=None if next_probe_at is None else next_probe_at / 1000,
            last_error=circuit.last_error,
            last_error_at=_seconds(circuit.last_error_at),
            forced=_override(circuit, now),
            source=source,
            history=tuple(circuit.history),
        )

    def as_dict(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return asdict(self) | {"history": [asdict(transition) for transition in self.history]}


def _next_probe_at(circuit: Circuit, policy: Policy, now: int) -> int | None:
    if circuit.state == "closed":
        return None
    if circuit.forced and not circuit.force_expired(now):
        return circuit.forced_until or None
    if circuit.state == "open":
        return circuit.open_until if is_pending(circuit.open_until, milliseconds(policy.open_max), now) else now
    leases = circuit.live_leases(policy, now)
    return min(leases.values()) if len(leases) >= policy.probes else now


def _override(circuit: Circuit, now: int) -> Override | None:
    if not circuit.forced or circuit.force_expired(now):
        return None
    return Override(circuit.forced, circuit.forced_by, circuit.forced_reason, _seconds(circuit.forced_until))


def _seconds(moment: int) -> float | None:
    return moment / 1000 if moment else None
