"""How a breaker is shown: to operators, the readiness probe and the metrics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chat.upstream.breaker.circuit import Circuit, Source, State, Transition, pending
from chat.upstream.breaker.policy import Policy, milliseconds


@dataclass(frozen=True, slots=True)
class Override:
    """A state that an operator forced: by whom, why, and until when (unix seconds, None: until it is reset)."""

    state: State
    by: str
    reason: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A breaker at one moment. Times are unix seconds, durations seconds, None where there is nothing to say."""

    name: str
    state: State
    generation: int
    failures: int
    """Within the window, as `calls`; both stand still while open."""
    calls: int
    opened_at: float | None
    """When it last opened, None when closed."""
    open_for: float | None
    """How long it stays open by its own policy; an upstream's `Retry-After` may ask for longer."""
    retry_after: float | None
    """Until a call may go ahead: 0.0 when the next may, None when closed or when nobody can tell."""
    next_probe_at: float | None
    last_error: str
    forced: Override | None
    source: Source
    """`memory`: Redis is away, and this is what this process alone has seen."""
    history: tuple[Transition, ...]
    """Newest first."""

    @classmethod
    def of(cls, name: str, circuit: Circuit, policy: Policy, now: int, source: Source) -> Snapshot:
        calls, failures = circuit.tally(policy, now)
        due = _next_probe(circuit, policy, now)
        return cls(
            name=name,
            state=circuit.state,
            generation=circuit.generation,
            failures=failures,
            calls=calls,
            opened_at=_seconds(circuit.opened_at),
            open_for=_seconds(circuit.open_for),
            retry_after=None if due is None else (due - now) / 1000,
            next_probe_at=None if due is None else due / 1000,
            last_error=circuit.last_error,
            forced=_override(circuit, now),
            source=source,
            history=tuple(circuit.history),
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it in plain JSON values."""
        return asdict(self) | {"history": [asdict(transition) for transition in self.history]}


def _next_probe(circuit: Circuit, policy: Policy, now: int) -> int | None:
    if circuit.state == "closed":
        return None
    if circuit.forced and not circuit.force_expired(now):
        return circuit.forced_until or None
    if circuit.state == "open":
        return circuit.open_until if pending(circuit.open_until, milliseconds(policy.open_max), now) else now
    leases = circuit.live_leases(policy, now)
    return min(leases.values()) if len(leases) >= policy.probes else now


def _override(circuit: Circuit, now: int) -> Override | None:
    if not circuit.forced or circuit.force_expired(now):
        return None
    return Override(circuit.forced, circuit.forced_by, circuit.forced_reason, _seconds(circuit.forced_until))


def _seconds(moment: int) -> float | None:
    return moment / 1000 if moment else None
