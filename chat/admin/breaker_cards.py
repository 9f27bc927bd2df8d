"""A breaker as operators read it: every text in their language, the same for the page and for its live updates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.upstream import breakers
from chat.upstream.breaker import Breaker, Override, Policy, Snapshot, State, Transition

TITLES = {"chat": gettext_lazy("Answers to questions"), "analyze": gettext_lazy("Analysis of documents")}
STATES: dict[State, Promise] = {
    "closed": gettext_lazy("Closed"),
    "half_open": gettext_lazy("Half-open"),
    "open": gettext_lazy("Open"),
}
MEANINGS: dict[State, Promise] = {
    "closed": gettext_lazy("Calls go through to the AI."),
    "half_open": gettext_lazy("A few calls try whether the AI is back; the others are refused."),
    "open": gettext_lazy("Calls are refused. People get kept answers, articles and help lines."),
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
class Change:
    """One line of the transition history."""

    at: str
    change: str
    cause: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Card:
    """One breaker. Empty texts have nothing to say; `failing` and `failing_limit` are shares of 1, `next_probe_in` is
    in seconds.
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
    shared: bool
    """Whether the whole fleet sees it so; otherwise Redis is away, and it is what this process alone has seen."""
    version: str
    """Another one means another history."""
    history: tuple[Change, ...]


def all_cards() -> list[Card]:
    return [_card(breakers.get(name)) for name in breakers.NAMES]


def _card(breaker: Breaker) -> Card:
    snapshot = breaker.snapshot()
    failing = snapshot.failures / snapshot.calls if snapshot.calls else 0.0
    return Card(
        name=snapshot.name,
        title=str(TITLES[snapshot.name]),
        state=snapshot.state,
        state_text=str(STATES[snapshot.state]),
        meaning=str(MEANINGS[snapshot.state]),
        forced=_forced(snapshot.forced) if snapshot.forced else "",
        calls=_calls(snapshot, breaker.policy),
        failing=failing,
        failing_text=_percent(failing) if snapshot.calls else "",
        failing_limit=breaker.policy.failure_rate,
        limit=_limit(breaker.policy),
        opened=_moment(snapshot.opened_at) if snapshot.opened_at else "",
        next_probe=_next_probe(snapshot),
        next_probe_in=snapshot.retry_after or None,
        last_error=snapshot.last_error,
        shared=snapshot.source == "redis",
        version=f"{snapshot.source} {snapshot.generation}",
        history=tuple(map(_change, snapshot.history)),
    )


def clock_time() -> str:
    return date_format(timezone.localtime(), "H:i:s")


def _moment(at: float) -> str:
    """Unix seconds as a date and a time of day, in the time zone of the settings."""
    return date_format(timezone.localtime(datetime.fromtimestamp(at, UTC)), "j N Y, H:i:s")


def _forced(forced: Override) -> str:
    until = _("until %(moment)s") % {"moment": _moment(forced.until)} if forced.until else _("until it is reset")
    return _("Forced by %(who)s %(until)s: %(reason)s") % {"who": forced.by, "until": until, "reason": forced.reason}


def _calls(snapshot: Snapshot, policy: Policy) -> str:
    return _("%(failures)d of %(calls)d calls in %(window)s s") % {
        "failures": snapshot.failures,
        "calls": snapshot.calls,
        "window": f"{policy.window:g}",
    }


def _limit(policy: Policy) -> str:
    return _("opens at %(failures)d failures and %(share)s") % {
        "failures": policy.failure_threshold,
        "share": _percent(policy.failure_rate),
    }


def _next_probe(snapshot: Snapshot) -> str:
    if snapshot.state == "closed":
        return ""
    if snapshot.retry_after is None:
        return _("after a reset")
    seconds = math.ceil(snapshot.retry_after)
    return _("in {time}").format(time=f"{seconds // 60}:{seconds % 60:02}") if seconds > 0 else _("with the next call")


def _change(transition: Transition) -> Change:
    return Change(
        at=_moment(transition.at),
        change=f"{STATES[transition.from_state]} → {STATES[transition.to_state]}",
        cause=str(CAUSES[transition.cause]),
        who=transition.who,
        reason=transition.reason,
    )


def _percent(share: float) -> str:
    return _("%(number)d%%") % {"number": round(share * 100)}
