"""What a drill prints: a table for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chat.drill.figures import Baseline, Figures, Latency, misses


@dataclass(frozen=True, slots=True)
class Report:
    """One drill: how fast answers came in peace, and what each fault did."""

    calm: Baseline
    rows: Sequence[Figures]
    seconds: float

    @property
    def missed(self) -> list[str]:
        """Each objective that was missed, with the fault's name before it."""
        return [f"{row.fault}: {miss}" for row in self.rows for miss in misses(row)]

    def as_dict(self) -> dict[str, Any]:
        return {
            "calm": asdict(self.calm),
            "faults": [asdict(row) for row in self.rows],
            "missed": self.missed,
            "seconds": round(self.seconds, 1),
        }

    def as_table(self) -> str:
        """Markdown, aligned so that it reads as it is."""
        cells = [list(COLUMNS), *([column(row) for column in COLUMNS.values()] for row in self.rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(COLUMNS))]
        head, *body = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        rule = " | ".join("-" * width for width in widths)
        return "\n".join(f"| {line} |" for line in [head, rule, *body])


def latencies(calm: Baseline) -> str:
    """The baseline in one line."""
    return (
        f"In peace a known question is answered in {calm.known.p50:.0f} ms (p99 {calm.known.p99:.0f}), "
        f"a new one in {calm.new.p50:.0f} ms (p99 {calm.new.p99:.0f})."
    )


def price_of_freezing(rows: Sequence[Figures]) -> str:
    """What a frozen Redis costs, in one line; empty when that was not measured."""
    return "".join(
        f"A frozen Redis adds {row.price.first_call:.0f} ms to the first call that meets it "
        f"and {row.price.later_calls:.1f} ms to the middle one of those after, "
        f"{row.price.unlucky_calls:.1f} ms to their 90th percentile."
        for row in rows
        if row.price
    )


def _share(row: Figures) -> str:
    share = 100 * row.answered / row.questions if row.questions else 0
    return f"{share:.4g} % of {row.questions}"


def _added(latency: Latency) -> str:
    return f"{latency.p50:+.0f} / {latency.p99:+.0f}"


def _demand(row: Figures) -> str:
    before = row.demand_before_opening
    return f"{before.calls} for {before.questions}" if before else ""


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


COLUMNS: dict[str, Callable[[Figures], str]] = {
    "fault": lambda row: row.fault,
    "answered": _share,
    "sent again": lambda row: str(row.sent_again),
    "known, ms": lambda row: _added(row.known_added),
    "new, ms": lambda row: _added(row.new_added),
    "AI calls": lambda row: f"{row.demand.calls} for {row.demand.questions}",
    "until open": _demand,
    "probes": lambda row: "" if row.probes_at_once is None else str(row.probes_at_once),
    "leaked": lambda row: str(row.leaked),
    "garbled": lambda row: str(row.garbled),
    "unsaved": lambda row: str(row.unsaved),
    "lost": lambda row: str(row.lost),
    "opened": lambda row: _seconds(row.opened_after),
    "recovered": lambda row: "never" if row.recovered_after is None else _seconds(row.recovered_after),
}
