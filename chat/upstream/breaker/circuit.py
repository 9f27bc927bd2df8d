"""What a breaker remembers.

Both stores keep the same `Circuit`: process memory as this object, Redis as one hash with a field of the same name for
each of these (and `slot:N` for the slots), so that `HGETALL` reads like this page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from chat.upstream.breaker.policy import Policy, milliseconds

State = Literal["closed", "open", "half_open"]
Forced = Literal["", "open", "closed"]
Source = Literal["redis", "memory"]
Cause = Literal[
    "too_many_failures", "open_time_over", "probe_failed", "probes_succeeded", "forced", "force_expired", "reset"
]

# The window slides in this many steps: a call counts for at least 19/20 of the window and never longer than all of it.
# Counting in slots keeps the hash small and a vote cheap whatever the traffic; a list of single calls would not.
SLOTS = 20
HISTORY = 50


class Tally(NamedTuple):
    """The calls that ended within the window, in the whole fleet."""

    calls: int
    failures: int


class Slot(NamedTuple):
    """The calls that ended within one step of the window. `step` counts from 1970; slots are reused in a ring."""

    step: int
    calls: int
    failures: int


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state. `reason` is the operator's where there is a `who`, else the code of the failure, if any.

    A forced state that is set, replaced or expires is a change too, also when the state's name stays the same.
    """

    at: float
    """Unix seconds."""
    from_state: State
    to_state: State
    cause: Cause
    who: str = ""
    reason: str = ""


@dataclass(slots=True)
class Circuit:
    """The memory of one breaker. Times are unix milliseconds, durations milliseconds; 0 is never or nothing."""

    state: State = "closed"
    generation: int = 0
    """Grows with each transition; a result is heard only in the generation that admitted its call."""
    opened_at: int = 0
    open_for: int = 0
    open_until: int = 0
    retry_at: int = 0
    """Before this the upstream asked us not to come back (`Retry-After`)."""
    successes: int = 0
    """Of probes, in this generation."""
    probed: int = 0
    """Probes admitted in this generation; the last one's number."""
    leases: dict[int, int] = field(default_factory=dict)
    """The probes under way: number → when each is given up."""
    last_error: str = ""
    forced: Forced = ""
    forced_by: str = ""
    forced_reason: str = ""
    forced_until: int = 0
    slots: dict[int, Slot] = field(default_factory=dict)
    """By their place in the ring."""
    history: list[Transition] = field(default_factory=list)
    """Newest first."""

    def force_expired(self, now: int) -> bool:
        return bool(self.forced) and 0 < self.forced_until <= now

    def live_leases(self, policy: Policy, now: int) -> dict[int, int]:
        """The probes under way that are not given up yet."""
        lease = milliseconds(policy.probe_lease)
        return {probe: ends for probe, ends in self.leases.items() if pending(ends, lease, now)}

    def tally(self, policy: Policy, now: int) -> Tally:
        current = step_of(policy, now)
        live = [slot for slot in self.slots.values() if current - SLOTS < slot.step <= current]
        return Tally(sum(slot.calls for slot in live), sum(slot.failures for slot in live))


def step_of(policy: Policy, now: int) -> int:
    return int(now / (milliseconds(policy.window) / SLOTS))


def pending(moment: int, limit: int, now: int) -> bool:
    """Whether a moment is still ahead.

    One further ahead than `limit`, the longest it can have been set, was set before the clock went back: it has passed.
    """
    return now < moment <= now + limit


class Failure(NamedTuple):
    """How a call failed: a code from a closed set, and the seconds that the upstream asked us to stay away, if any."""

    code: str
    retry_after: float = 0.0


class Vote(NamedTuple):
    """What a result has done. `tally` counts it in; it is told for failures of plain calls alone, else it is empty."""

    transition: Transition | None = None
    tally: Tally = Tally(0, 0)


@dataclass(frozen=True, slots=True)
class Admission:
    """A store's answer to a call that wants to go ahead."""

    admitted: bool
    state: State
    generation: int
    probe: int
    """The number of the probe that this call is, 0 for a plain call."""
    wait: float | None
    """Seconds until this state may end: open time, a probe's lease, a forced state; None when nobody knows."""
    forced: Forced
    transition: Transition | None
    source: Source
