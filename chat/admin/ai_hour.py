"""How the AI did in the last hour: what people waited, what calls failed of, and tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.admin.charts import Chart, stacked
from chat.storage import ai_statistics

TIMES: dict[ai_statistics.Time, Promise] = {
    "first_words": gettext_lazy("First words"),
    "whole": gettext_lazy("Whole answer"),
}
MAX_CODES = 5  # has as many colours; other codes are counted together


@dataclass(frozen=True, slots=True)
class Wait:
    """What people waited for an answer that no cache had; texts such as `1.2 s`, empty without any."""

    title: Promise
    p50: str
    p95: str


@dataclass(frozen=True, slots=True)
class FailureCount:
    """The failed calls of one code. `name` is its series in the chart."""

    name: str
    code: str
    number: int


@dataclass(frozen=True, slots=True)
class AIHour:
    waits: Sequence[Wait]
    failures: Sequence[FailureCount]
    """The most frequent first."""
    failed: int
    failed_by_minute: Sequence[int]
    chart: Chart
    tokens: str


def ai_hour(rows: Sequence[Mapping[str, int]], times: Sequence[str]) -> AIHour:
    by_minute = [ai_statistics.failures(row) for row in rows]
    total = sum(by_minute, Counter[str]())
    names = {code: f"failure-{index}" for index, (code, _number) in enumerate(total.most_common(MAX_CODES), 1)}
    counts = [FailureCount(name, code, total[code]) for code, name in names.items()]
    if others := total.total() - sum(count.number for count in counts):
        counts.append(FailureCount("failure-others", _("others"), others))
    codes = {count.name: count.code for count in counts}
    columns = dict(zip(times, (_by_series(minute, names) for minute in by_minute), strict=True))
    return AIHour(
        waits=[_wait(rows, time) for time in TIMES],
        failures=counts,
        failed=total.total(),
        chart=stacked(columns, list(codes), lambda name, number: f"{codes[name]} : {number:g}"),
        failed_by_minute=[minute.total() for minute in by_minute],
        tokens=number_format(ai_statistics.tokens(rows), force_grouping=True),
    )


def _wait(rows: Sequence[Mapping[str, int]], time: ai_statistics.Time) -> Wait:
    p50, p95 = (ai_statistics.quantile(rows, time, share) for share in (0.5, 0.95))
    return Wait(TIMES[time], _seconds(p50), _seconds(p95))


def _by_series(failures: Mapping[str, int], names: Mapping[str, str]) -> Counter[str]:
    series: Counter[str] = Counter()
    for code, number in failures.items():
        series[names.get(code, "failure-others")] += number
    return series


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{number_format(seconds, 1 if seconds >= 1 else 2)} s"
