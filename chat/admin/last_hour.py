"""The last hour on the admin's first page: people's answers by origin, the cache, budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.admin.ai_hour import AIHour, ai_hour
from chat.admin.breaker_presenters import clock_time
from chat.admin.charts import Chart, stacked
from chat.storage import budgets, fleet_counters

ORIGINS: dict[str, Promise] = {
    "ai": _("the AI"),
    "cache": _("the cache"),
    "stale": _("an older answer"),
    "knowledge": _("an article"),
    "fallback": _("fallback text and help lines"),
}
BUDGETS: dict[str, Promise] = {
    "caller": _("a person's or a program's"),
    "address": _("an address'"),
    "tokens": _("the tokens of all"),
}
PERIOD_MINUTES = 10


@dataclass(frozen=True, slots=True)
class OriginCount:
    """The number of answers of the last hour with this origin."""

    name: str
    title: Promise
    number: int


@dataclass(frozen=True, slots=True)
class Period:
    """Ten minutes of the last hour in numbers, the text alternative of the charts: answers, and failed calls."""

    times: str
    numbers: Sequence[int]
    total: int
    failed: int


@dataclass(frozen=True, slots=True)
class LastHour:
    """Counts of the last hour. All are empty unless `is_known`, which is False while Redis is unavailable."""

    is_known: bool
    answers: Chart
    origins: Sequence[OriginCount]
    total: int
    warm_ups: int
    periods: Sequence[Period]
    hits: Chart
    hit_rate: float | None
    """In percent; None without any lookup."""
    over_budget: Sequence[OriginCount]
    """Answers that the AI was not asked for, by the budget that was used up; those without any are left out."""
    tokens: int | None
    """The tokens that today's calls cost; None without a budget."""
    tokens_limit: int
    slow_redis: int
    """How often saving the counters, once a second at most, took Redis more than 50 ms."""
    ai: AIHour


def last_hour() -> LastHour:
    minutes = fleet_counters.last_minutes()
    times, rows = list(map(clock_time, minutes)), list(minutes.values())
    answers = [{name: row.get(f"answer:{name}", 0) for name in ORIGINS} for row in rows]
    origins = [OriginCount(name, title, sum(row[name] for row in answers)) for name, title in ORIGINS.items()]
    rate, ai = fleet_counters.hit_rate_of(rows), ai_hour(rows, times)
    return LastHour(
        is_known=bool(rows),
        answers=stacked(
            dict(zip(times, answers, strict=True)), list(ORIGINS), lambda name, n: f"{ORIGINS[name]} : {n:g}"
        ),
        origins=origins,
        total=sum(origin.number for origin in origins),
        warm_ups=sum(row.get("warm_up", 0) for row in rows),
        periods=_periods(times, answers, ai.failed_by_minute),
        hits=stacked(dict(zip(times, map(_hit_share, rows), strict=True)), ["hit"], lambda _, n: f"{n:.0%}", top=1),
        hit_rate=None if rate is None else round(100 * rate),
        over_budget=[
            OriginCount(name, title, number)
            for name, title in BUDGETS.items()
            if (number := sum(row.get(f"over_budget:{name}", 0) for row in rows))
        ],
        tokens=budgets.tokens_spent() if settings.DAILY_TOKENS_TOTAL else None,
        tokens_limit=settings.DAILY_TOKENS_TOTAL,
        slow_redis=sum(row.get("slow_redis", 0) for row in rows),
        ai=ai,
    )


def _periods(times: Sequence[str], answers: Sequence[Mapping[str, int]], failed: Sequence[int]) -> list[Period]:
    periods = []
    for first in range(0, len(times), PERIOD_MINUTES):
        rows = answers[first : first + PERIOD_MINUTES]
        numbers = [sum(row[name] for row in rows) for name in ORIGINS]
        last = times[min(first + PERIOD_MINUTES, len(times)) - 1]
        failures = sum(failed[first : first + PERIOD_MINUTES])
        periods.append(Period(f"{times[first]}–{last}", numbers, sum(numbers), failures))
    return periods


def _hit_share(row: Mapping[str, int]) -> dict[str, float]:
    return {"hit": row.get("hit", 0) / row["lookup"] if row.get("lookup") else 0}
