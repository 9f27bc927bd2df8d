"""Breakers as texts in the operator's language, shared by the page and its live updates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.upstream import breaker_registry
from chat.upstream.breaker import Breaker, Override, Policy, Snapshot, State, Transition

OPERATIONS = {"chat": gettext_lazy("Answers to questions"), "analyze": gettext_lazy("Analysis of documents")}
STATES: dict[State, Promise] = {
    "closed": gettext_lazy("Closed"),
    "half_open": gettext_lazy("Half-open"),
    "open": gettext_lazy("Open"),
}
MEANINGS: dict[State, Promise] = {
    "closed": gettext_lazy("Calls go through to the AI."),
    "half_open": gettext_lazy("A few calls try whether the AI is back; the others are refused."),
    "open": gettext_lazy(
        "Calls are refused. The second AI answers, if there is one; "
        "else people get kept answers, articles and help lines."
    ),
}
CAUSES = {
    "too_many_failures": gettext_lazy("too many failures"),
    "open_time_over": gettext_lazy("its open time is over"),
    "probe_failed": gettext_lazy("a probe failed"),
    "probes_succeeded": gettext_lazy("the probes succeeded"),
    "forced": gettext_lazy("forced"),
    "force_expired": gettext_lazy("the forced state is over"),
    "reset": gettext_lazy("reset"),
}


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """One row of the transition history."""

    at: str
    change: str
    cause: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class BreakerRow:
    """One breaker. A text that doesn't apply is empty; `failing` and `failing_limit` are fractions from 0 to 1;
    `next_probe_in` is in seconds.
    """

    name: str
    title: str
    state: State
    state_text: str
    meaning: str
    forced: str
    calls: str
    failing: float
    failing_text: str
    failing_limit: float
    limit: str
    opened: str
    next_probe: str
    next_probe_in: float | None
    last_error: str
    last_error_at: str
    shared: bool
    """Whether this is the fleet's shared state. Otherwise Redis is unavailable and this is the process's own state."""
    version: str
    """Changes whenever the history changes."""
    history: tuple[TransitionRow, ...]


def title_of(name: str) -> str:
    """A description of the calls that the breaker of that name guards."""
    operation, _at, role = name.partition("@")
    return f"{OPERATIONS[operation]} – {_('second AI')}" if role else str(OPERATIONS[operation])


def all_breakers() -> list[BreakerRow]:
    return [_breaker_row(breaker_registry.get(name)) for name in breaker_registry.names()]


def _breaker_row(breaker: Breaker) -> BreakerRow:
    snapshot = breaker.snapshot()
    failing = snapshot.failures / snapshot.calls if snapshot.calls else 0.0
    return BreakerRow(
        name=snapshot.name,
        title=title_of(snapshot.name),
        state=snapshot.state,
        state_text=str(STATES[snapshot.state]),
        meaning=str(MEANINGS[snapshot.state]),
        forced=_forced(snapshot.forced) if snapshot.forced else "",
        calls=_calls(snapshot, breaker.policy),
        failing=failing,
        failing_text=_percent(failing) if snapshot.calls else "",
        failing_limit=breaker.policy.failure_rate,
        limit=_limit(breaker.policy),
        opened=_date_and_time(snapshot.opened_at) if snapshot.opened_at else "",
        next_probe=_next_probe(snapshot),
        next_probe_in=snapshot.retry_after or None,
        last_error=snapshot.last_error,
        last_error_at=_date_and_time(snapshot.last_error_at) if snapshot.last_error_at else "",
        shared=snapshot.source == "redis",
        version=f"{snapshot.source} {snapshot.generation}",
        history=tuple(map(_transition_row, snapshot.history)),
    )


def clock_time(timestamp: float | None = None, *, seconds: bool = False) -> str:
    """Unix seconds, or now, as a time of day in `settings.TIME_ZONE`."""
    moment = None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    return date_format(timezone.localtime(moment), "H:i:s" if seconds else "H:i")


def _date_and_time(timestamp: float) -> str:
    """Format Unix seconds as date and time in `settings.TIME_ZONE`."""
    return date_format(timezone.localtime(datetime.fromtimestamp(timestamp, UTC)), "j N Y, H:i:s")


def _forced(forced: Override) -> str:
    until = _("until %(moment)s") % {"moment": _date_and_time(forced.until)} if forced.until else _("until it is reset")
    return _("Forced by %(who)s %(until)s: %(reason)s") % {"who": forced.by, "until": until, "reason": forced.reason}


def _calls(snapshot: Snapshot, policy: Policy) -> str:
    return _("%(failures)d of %(calls)d calls in %(window)s s") % {
        "failures": snapshot.failures,
        "calls": snapshot.calls,
        "window": f"{policy.window:g}",
    }


def _limit(policy: Policy) -> str:
    return _("opens at %(failures)d failures in a row, or at %(share)s of %(calls)d calls") % {
        "failures": policy.failure_threshold,
        "share": _percent(policy.failure_rate),
        "calls": policy.min_calls,
    }


def _next_probe(snapshot: Snapshot) -> str:
    if snapshot.state == "closed":
        return ""
    if snapshot.retry_after is None:
        return _("after a reset")
    seconds = math.ceil(snapshot.retry_after)
    return _("in {time}").format(time=f"{seconds // 60}:{seconds % 60:02}") if seconds > 0 else _("with the next call")


def _transition_row(transition: Transition) -> TransitionRow:
    return TransitionRow(
        at=_date_and_time(transition.at),
        change=f"{STATES[transition.from_state]} → {STATES[transition.to_state]}",
        cause=str(CAUSES[transition.cause]),
        who=transition.who,
        reason=transition.reason,
    )


def _percent(share: float) -> str:
    return _("%(number)d%%") % {"number": round(share * 100)}
