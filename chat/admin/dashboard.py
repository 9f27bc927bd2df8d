"""The admin's first page: dependencies, breakers, the last hour, degraded answers, knowledge to check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat import knowledge
from chat.admin.breaker_presenters import all_breakers, clock_time
from chat.admin.last_hour import ORIGINS, last_hour
from chat.models import Message
from chat.storage import provenance
from observability.outage import SLOW_SECONDS

DEPENDENCIES: dict[str, Promise] = {
    "supabase": _("Database"),
    "aiService": _("AI service"),
    "cache": _("Redis"),
}
STATUSES: dict[str, Promise] = {
    "healthy": _("in order"),
    "degraded": _("in order, with losses"),
    "unhealthy": _("unavailable"),
}
REASONS: dict[str, Promise] = {
    "circuit_open": _("the circuit was open"),
    "timeout": _("the AI took too long"),
    "ai_error": _("the AI failed"),
    "ai_rejected": _("the AI refused the question"),
    "ai_misconfigured": _("the AI refused our settings"),
    "overloaded": _("too many calls at a time"),
    "over_budget": _("a daily budget was used up"),
    "interrupted": _("the answer broke off"),
    "internal": _("an error of this program"),
}
KINDS: dict[str, Promise] = {
    "chat": _("a question"),
    "document": _("a document"),
    "openai": _("a program's question"),
}
# The section of docs/runbook.md about each dependency.
RUNBOOK_SECTIONS = {
    "supabase": "postgresql-is-unavailable",
    "aiService": "the-breaker-is-open",
    "cache": "redis-is-unavailable",
}
MAX_DEGRADED = 12
DEGRADED_PERIOD = timedelta(days=1)
DUE_PERIOD = timedelta(days=30)  # knowledge entries whose facts are to be checked within this time


@dataclass(frozen=True, slots=True)
class Dependency:
    """A dependency's status. `latency` is in milliseconds; `error` is a code and `runbook` an address, or empty."""

    title: str
    status: str
    status_text: str
    latency: float
    error: str
    runbook: str
    is_slow: bool


@dataclass(frozen=True, slots=True)
class DegradedAnswer:
    """An answer that came from a fallback or was interrupted. `kind` is what was asked, `logs` an address or empty."""

    at: datetime
    kind: Promise | str
    correlation_id: str
    reason: str
    origin: Promise | str
    logs: str


def overview(request: HttpRequest) -> dict[str, Any]:
    """The sections that the user's permissions allow; without any permission only `as_of`."""
    links = {"grafana": settings.GRAFANA_URL, "breaker_runbook": _runbook("the-breaker-is-open")}
    sections: dict[str, Any] = {"as_of": clock_time(seconds=True), **links}
    if request.user.has_perm("chat.view_circuitbreaker"):
        sections |= {"dependencies": _dependencies(), "breakers": all_breakers(), "hour": last_hour()}
    if request.user.has_perm("chat.view_message"):
        sections["degraded"] = _last_degraded()
        sections["can_search"] = request.user.has_perm("chat.view_conversation")
    if request.user.has_perm("chat.view_knowledgeentry"):
        sections["due"] = knowledge.due(timezone.localdate() + DUE_PERIOD)
    return sections


def _dependencies() -> list[Dependency]:
    """The same report as `/readyz`."""
    report = apps.get_app_config("health").report()  # type: ignore[attr-defined]  # chat doesn't import health
    return [
        Dependency(
            str(DEPENDENCIES.get(name, name)),
            found["status"],
            str(STATUSES[found["status"]]),
            found["latency"],
            found.get("error", ""),
            _runbook(RUNBOOK_SECTIONS[name]) if found["status"] != "healthy" else "",
            is_slow=found["latency"] > 1000 * SLOW_SECONDS,
        )
        for name, found in report["dependencies"].items()
    ]


def _last_degraded() -> list[DegradedAnswer]:
    since = timezone.now() - DEGRADED_PERIOD
    rows = Message.objects.filter(degraded__isnull=False, created_at__gte=since).order_by("-created_at")
    columns = rows.values("created_at", "correlation_id", "degraded", "origin")
    saved = [
        _degraded(row["created_at"], "chat", row["degraded"]["reason"], row["correlation_id"], row["origin"])
        for row in columns[:MAX_DEGRADED]
        if row["degraded"]
    ]
    unsaved = [
        _degraded(datetime.fromisoformat(row["at"]), row["door"], row["degraded"], row["correlationId"], row["origin"])
        for row in provenance.last_degraded()
    ]
    recent = [answer for answer in saved + unsaved if answer.at >= since]
    return sorted(recent, key=lambda answer: answer.at, reverse=True)[:MAX_DEGRADED]


def _degraded(at: datetime, kind: str, reason: str, correlation_id: str, origin: str) -> DegradedAnswer:
    return DegradedAnswer(
        at,
        KINDS.get(kind, kind),
        correlation_id,
        str(REASONS.get(reason, reason)),
        ORIGINS.get(origin, origin),
        logs=settings.LOGS_URL.replace("{id}", quote(correlation_id)) if correlation_id else "",
    )


def _runbook(section: str) -> str:
    return f"{settings.RUNBOOK_URL}#{section}" if settings.RUNBOOK_URL else ""
