"""The desk's first page: what depends on what, what the breakers do, what people got in the last hour. No content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat import hit_rate, minutes
from chat.admin.breaker_cards import all_cards, clock_time
from chat.admin.charts import Chart, stacked
from chat.models import Message

ORIGINS: dict[str, Promise] = {
    "ai": _("the AI"),
    "cache": _("the cache"),
    "stale": _("an older answer"),
    "knowledge": _("an article"),
    "fallback": _("kind words and help lines"),
}
DEPENDENCIES: dict[str, Promise] = {
    "supabase": _("Database"),
    "aiService": _("AI service"),
    "cache": _("Redis"),
}
STATUSES: dict[str, Promise] = {
    "healthy": _("in order"),
    "degraded": _("in order, with losses"),
    "unhealthy": _("away"),
}
REASONS: dict[str, Promise] = {
    "circuit_open": _("the circuit was open"),
    "timeout": _("the AI took too long"),
    "ai_error": _("the AI failed"),
    "ai_rejected": _("the AI refused the question"),
    "overloaded": _("too many calls at a time"),
    "interrupted": _("the answer broke off"),
}
MOST_DEGRADED = 12
DEGRADED_SINCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something that we rest on; `latency` in milliseconds, `error` a code."""

    title: str
    status: str
    status_text: str
    latency: float
    error: str


@dataclass(frozen=True, slots=True)
class Share:
    """How many answers of the last hour came from there."""

    name: str
    title: Promise
    number: int


@dataclass(frozen=True, slots=True)
class LastHour:
    """None of it is known while Redis is away (`is_known`)."""

    is_known: bool
    answers: Chart
    shares: Sequence[Share]
    total: int
    hits: Chart
    hit_rate: float | None
    """In percent; None when nobody asked."""


@dataclass(frozen=True, slots=True)
class DegradedAnswer:
    """One answer that was not the AI's own, or not all of it."""

    at: Any
    correlation_id: str
    reason: str
    origin: Promise | str


def at_a_glance(request: HttpRequest) -> dict[str, Any]:
    """What this person may see; empty for who may see nothing of it."""
    seen: dict[str, Any] = {"as_of": clock_time()}
    if request.user.has_perm("chat.view_circuitbreaker"):
        seen |= {"dependencies": _dependencies(), "breakers": all_cards(), "hour": _last_hour()}
    if request.user.has_perm("chat.view_message"):
        seen["degraded"] = _last_degraded()
        seen["may_search"] = request.user.has_perm("chat.view_conversation")
    return seen


def _dependencies() -> list[Dependency]:
    """As `/readyz` tells them."""
    report = apps.get_app_config("health").report()  # type: ignore[attr-defined]  # asked by name: rooms don't meet
    return [
        Dependency(
            str(DEPENDENCIES.get(name, name)),
            found["status"],
            str(STATUSES[found["status"]]),
            found["latency"],
            found.get("error", ""),
        )
        for name, found in report["dependencies"].items()
    ]


def _last_hour() -> LastHour:
    rows = minutes.last()
    answers = [{name: row.get(f"answer:{name}", 0) for name in ORIGINS} for row in rows]
    shares = [Share(name, title, sum(row[name] for row in answers)) for name, title in ORIGINS.items()]
    rate = hit_rate.of(rows)
    return LastHour(
        is_known=bool(rows),
        answers=stacked(answers, list(ORIGINS)),
        shares=shares,
        total=sum(share.number for share in shares),
        hits=stacked([_hit_share(row) for row in rows], ["hit"], top=1),
        hit_rate=None if rate is None else round(100 * rate),
    )


def _hit_share(row: Mapping[str, int]) -> dict[str, float]:
    return {"hit": row.get("hit", 0) / row["lookup"] if row.get("lookup") else 0}


def _last_degraded() -> list[DegradedAnswer]:
    since = timezone.now() - DEGRADED_SINCE
    rows = Message.objects.filter(degraded__isnull=False, created_at__gte=since).order_by("-created_at")
    columns = rows.values("created_at", "correlation_id", "degraded", "origin")
    return [_degraded(row) for row in columns[:MOST_DEGRADED]]


def _degraded(row: Mapping[str, Any]) -> DegradedAnswer:
    reason, origin = row["degraded"]["reason"], row["origin"]
    why = str(REASONS.get(reason, reason))
    return DegradedAnswer(row["created_at"], row["correlation_id"], why, ORIGINS.get(origin, origin))
