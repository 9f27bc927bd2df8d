"""The data of a breaker.

Both stores hold the same `Circuit`: process memory as this object, Redis as one hash with a field of the same name for
each attribute (and `slot:N` for the slots), so that `HGETALL` reads like this class.
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

# The window slides in this many steps: a call counts for at least 19/20 of the window and at most for all of it.
# Counters per step keep the hash small and a result cheap to record, whatever the traffic; a list of calls would not.
SLOTS = 20
HISTORY = 50


class WindowCounts(NamedTuple):
    """The calls that ended within the window, in the whole fleet; and the failures in a row, which may be older."""

    calls: int = 0
    failures: int = 0
    in_row: int = 0


class Streak(NamedTuple):
    """Failures without a success between them. `since` is when the first ended, in unix milliseconds.

    `subjects` are the first different ones, as many as the policy needs to see.
    """

    failures: int = 0
    since: int = 0
    subjects: tuple[str, ...] = ()

    def extended(self, subject: str, now: int, subject_limit: int) -> Streak:
        """This streak with one more failure. A beginning in the future dates from before the clock went back."""
        since = self.since if self.failures and self.since <= now else now
        is_new = subject not in self.subjects and len(self.subjects) < subject_limit
        return Streak(self.failures + 1, since, (*self.subjects, subject) if is_new else self.subjects)


class Slot(NamedTuple):
    """The calls that ended within one step of the window. Steps count from 1970; slots are reused as a ring buffer."""

    step: int
    calls: int
    failures: int


NO_STREAK = Streak()


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state.

    `who` is the operator's name, if an operator made it; `reason` is then the operator's, else the code of the failure,
    if any. Setting, replacing or ending a forced state is a transition, too, even if the state's name stays the same.
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
    """The state of one breaker. Times are unix milliseconds, durations milliseconds; 0 is never or none."""

    state: State = "closed"
    generation: int = 0
    """Grows with each transition; a result counts only in the generation that admitted its call."""
    opened_at: int = 0
    open_for: int = 0
    open_until: int = 0
    retry_at: int = 0
    """The upstream asked for no calls before this time (`Retry-After`)."""
    successes: int = 0
    """Successful probes in this generation."""
    streak: Streak = NO_STREAK
    """The failures since the last success."""
    background_streak: Streak = NO_STREAK
    """The same of background calls. Their success ends this streak alone."""
    probed: int = 0
    """Probes admitted in this generation; also the number of the last one."""
    leases: dict[int, int] = field(default_factory=dict)
    """The running probes: number → time when the probe is given up."""
    last_error: str = ""
    last_error_at: int = 0
    forced: Forced = ""
    forced_by: str = ""
    forced_reason: str = ""
    forced_until: int = 0
    slots: dict[int, Slot] = field(default_factory=dict)
    """By index in the ring buffer."""
    history: list[Transition] = field(default_factory=list)
    """Newest first."""

    def force_expired(self, now: int) -> bool:
        return bool(self.forced) and 0 < self.forced_until <= now

    def live_leases(self, policy: Policy, now: int) -> dict[int, int]:
        """The running probes that are not given up."""
        lease = milliseconds(policy.probe_lease)
        return {probe: ends_at for probe, ends_at in self.leases.items() if is_pending(ends_at, lease, now)}

    def opening_streak(self) -> Streak:
        """Both streaks as one."""
        streaks = [streak for streak in (self.streak, self.background_streak) if streak.failures]
        return Streak(
            sum(streak.failures for streak in streaks),
            min((streak.since for streak in streaks), default=0),
            tuple({subject for streak in streaks for subject in streak.subjects}),
        )

    def window_counts(self, policy: Policy, now: int) -> WindowCounts:
        current = step_at(policy, now)
        live = [slot for slot in self.slots.values() if current - SLOTS < slot.step <= current]
        return WindowCounts(sum(slot.calls for slot in live), sum(slot.failures for slot in live))


def step_at(policy: Policy, now: int) -> int:
    """The number of the window's step at that time, counted from 1970."""
    return int(now / (milliseconds(policy.window) / SLOTS))


def is_pending(moment: int, limit: int, now: int) -> bool:
    """Whether a moment lies ahead.

    `limit` is the longest time ahead it can have been set. A moment further ahead was set before the clock went back,
    and counts as passed.
    """
    return now < moment <= now + limit


class Failure(NamedTuple):
    """How a call failed: a code from a closed set, and the upstream's `Retry-After` in seconds, 0 without one."""

    code: str
    retry_after: float = 0.0


class CallOrigin(NamedTuple):
    """The origin of a call: `subject` is a short key of its question, the same for all attempts.

    The success of a background call does not hide the failures of others.
    """

    subject: str
    is_background: bool = False


class RecordResult(NamedTuple):
    """The changes made by recording a call's result.

    `window_counts` includes the call. It is given only for failures of calls that are no probes, else it is all 0.
    """

    transition: Transition | None = None
    window_counts: WindowCounts = WindowCounts()


@dataclass(frozen=True, slots=True)
class Admission:
    """A store's decision on one call."""

    admitted: bool
    state: State
    generation: int
    probe: int
    """The probe's number, 0 for a call that is no probe."""
    wait: float | None
    """Seconds until this state may end: the open time, a probe's lease or a forced state; None when unknown."""
    forced: Forced
    transition: Transition | None
    source: Source
