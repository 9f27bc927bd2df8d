"""A drill's report as a Markdown table and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

from benchmarks.drill.figures import Baseline, Figures, Latency
from benchmarks.drill.objectives import missed_objectives


@dataclass(frozen=True, slots=True)
class Report:
    """The baseline and the figures of each fault. `seconds` is the duration of the drill."""

    baseline: Baseline
    faults: Sequence[Figures]
    seconds: float

    @property
    def missed(self) -> list[str]:
        """The missed objectives, each with the fault's name before it."""
        return [
            f"{figures.fault} at {figures.rate:g}/s: {miss}"
            for figures in self.faults
            for miss in missed_objectives(figures)
        ]

    def as_dict(self) -> dict[str, Any]:
        return {
            "calm": asdict(self.baseline),
            "faults": [asdict(figures) for figures in self.faults],
            "missed": self.missed,
            "seconds": round(self.seconds, 1),
        }

    def as_table(self) -> str:
        """Markdown with aligned columns."""
        cells = [list(COLUMNS), *([column(row) for column in COLUMNS.values()] for row in self.faults)]
        widths = [max(len(row[index]) for row in cells) for index in range(len(COLUMNS))]
        head, *body = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        rule = " | ".join("-" * width for width in widths)
        return "\n".join(f"| {line} |" for line in [head, rule, *body])


def describe_baseline(baseline: Baseline) -> str:
    """The baseline in one line."""
    return (
        f"Without a fault a known question is answered in {baseline.known.p50:.0f} ms (p99 {baseline.known.p99:.0f}), "
        f"a new one in {baseline.new.p50:.0f} ms (p99 {baseline.new.p99:.0f})."
    )


def describe_price(faults: Sequence[Figures]) -> str:
    """The cost of a frozen Redis, in one line; empty when it was not measured."""
    return "".join(
        f"A frozen Redis adds {row.price.first_call:.0f} ms to the first call "
        f"and {row.price.later_calls:.1f} ms to the median of later calls, "
        f"{row.price.unlucky_calls:.1f} ms to their 90th percentile."
        for row in faults
        if row.price
    )


def describe_hostile(faults: Sequence[Figures]) -> str:
    """What one hostile address did to others, in one line; empty when there was none."""
    return "".join(
        f"Beside a hostile visitor others got a known answer in {row.during.known.p50:.0f} ms (p99 "
        f"{row.during.known.p99:.0f}; before {row.usual.known.p50:.0f} and {row.usual.known.p99:.0f}), a new one in "
        f"{row.during.new.p50:.0f} ms (p99 {row.during.new.p99:.0f}; before {row.usual.new.p50:.0f} and "
        f"{row.usual.new.p99:.0f}); it had {row.hostile.calls} calls of the AI, of a budget of {row.hostile.budget}, "
        f"and {len(row.hostile.breaches)} breaches."
        for row in faults
        if row.hostile and row.usual and row.during
    )


def _share(row: Figures) -> str:
    share = 100 * row.answered / row.questions if row.questions else 0
    return f"{share:.4g} % of {row.questions}"


def _added(latency: Latency) -> str:
    return "" if isnan(latency.p50) else f"{latency.p50:+.0f} / {latency.p99:+.0f}"


def _waits(latency: Latency) -> str:
    return "" if isnan(latency.p50) else f"{latency.p50 / 1000:.1f} / {latency.p99 / 1000:.1f}"


def _recovered(row: Figures) -> str:
    if row.recovers_within is None:
        return ""
    return "never" if row.recovered_after is None else _seconds(row.recovered_after)


def _demand(row: Figures) -> str:
    before = row.demand_before_opening
    return f"{before.calls} for {before.questions}" if before else ""


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


COLUMNS: dict[str, Callable[[Figures], str]] = {
    "fault": lambda row: row.fault,
    "questions/s": lambda row: f"{row.rate:g}",
    "answered": _share,
    "sent again": lambda row: str(row.sent_again),
    "known, ms": lambda row: _added(row.known_added),
    "wait, s": lambda row: _waits(row.wait),
    "words, s": lambda row: _waits(row.words),
    "AI calls": lambda row: f"{row.demand.calls} for {row.demand.questions}",
    "until open": _demand,
    "probes": lambda row: "" if row.probes_at_once is None else str(row.probes_at_once),
    "leaked": lambda row: str(row.leaked),
    "garbled": lambda row: str(row.garbled),
    "unsaved": lambda row: str(row.unsaved),
    "saved late": lambda row: str(row.saved_late),
    "lost": lambda row: str(row.lost),
    "outages": lambda row: str(row.outages_logged),
    "opened": lambda row: _seconds(row.opened_after),
    "recovered": _recovered,
}
