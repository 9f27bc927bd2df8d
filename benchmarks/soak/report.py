"""A soak test's report as a Markdown table and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.soak.actions import UNAVAILABLE, ActionResult
from benchmarks.soak.growth import Row
from benchmarks.soak.samples import Sample

AFTER_EFFECT_SECONDS = 6.0  # requests of a fault may end this much later; workers delay their reconnect


@dataclass(frozen=True, slots=True)
class FaultPeriod:
    """A fault and the period in which it was in force, in unix seconds."""

    name: str
    began: float
    ended: float

    @property
    def fails_the_ai(self) -> bool:
        """Such a fault leaves no request unanswered."""
        return self.name.startswith("ai-")

    def affects(self, result: ActionResult) -> bool:
        return result.at + result.duration >= self.began and result.at <= self.ended + AFTER_EFFECT_SECONDS


@dataclass(frozen=True, slots=True)
class Report:
    """The results of a soak; `tells_growth` if it lasted long enough to judge growth."""

    rows: list[Row]
    results: list[ActionResult]
    faults: list[FaultPeriod]
    unfinished: dict[str, float]
    replaced: list[str]
    seconds: float
    tells_growth: bool
    samples: list[Sample] = field(default_factory=list)

    @property
    def unanswered(self) -> list[ActionResult]:
        """Actions without an answer, except those refused with 503 while a service was unavailable."""
        return [result for result in self.results if result.error and not self._is_excused(result)]

    @property
    def missed(self) -> list[str]:
        """One sentence for each missed objective."""
        missed = [row.miss for row in self.rows if row.miss and self.tells_growth]
        missed += [f"{value:g} {name} at rest" for name, value in self.unfinished.items() if value]
        missed += [f"worker {name} was replaced" for name in self.replaced]
        return missed + [f"{number} not answered, {name}" for name, number in self._failures().items()]

    def _failures(self) -> Counter[str]:
        """The number of unanswered actions by kind, active faults and error."""
        failures = (
            (result, [fault.name for fault in self.faults if fault.affects(result)] or ["no fault"])
            for result in self.unanswered
        )
        return Counter(f"{result.action} in {' and '.join(names)}: {result.error}" for result, names in failures)

    def as_dict(self) -> dict[str, Any]:
        return {
            "seconds": round(self.seconds, 1),
            "visits": Counter(result.action for result in self.results),
            "unanswered": len(self.unanswered),
            "putOff": sum(result.error == UNAVAILABLE for result in self.results),
            "tellsGrowth": self.tells_growth,
            "rows": [asdict(row) for row in self.rows],
            "leftOver": self.unfinished,
            "missed": self.missed,
            "samples": [asdict(sample) for sample in self.samples],
        }

    def as_text(self) -> str:
        refused = sum(result.error == UNAVAILABLE for result in self.results)
        lines = [
            "| | first third | second | last | at most | at rest |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *("| " + " | ".join([row.name, *(f"{value:.1f}" for value in row.values)]) + " |" for row in self.rows),
            "",
            f"{len(self.results)} actions in {self.seconds:.0f} s, {len(self.unanswered)} not answered, "
            f"{refused} refused while a service was unavailable. At rest: "
            + ", ".join(f"{value:g} {name}" for name, value in self.unfinished.items())
            + ".",
            *([] if self.tells_growth else ["Too short to tell whether anything grows: that takes five minutes."]),
        ]
        return "\n".join([*lines, *(["", "Missed:"] if self.missed else []), *(f"- {miss}" for miss in self.missed)])

    def _is_excused(self, result: ActionResult) -> bool:
        return result.error == UNAVAILABLE and any(
            fault.affects(result) and not fault.fails_the_ai for fault in self.faults
        )
