"""What a soak says at its end: a table for people, JSON for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.soak.growth import Row
from benchmarks.soak.samples import Sample
from benchmarks.soak.visits import PUT_OFF, Visit

AFTERMATH_SECONDS = 6.0  # what was asked in a fault may be told so only then, and processes wait before they try again


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault and when it was in force."""

    name: str
    began: float
    ended: float

    @property
    def is_of_the_ai(self) -> bool:
        """Then everybody is answered all the same."""
        return self.name.startswith("ai-")

    def is_felt_by(self, visit: Visit) -> bool:
        return visit.at + visit.took >= self.began and visit.at <= self.ended + AFTERMATH_SECONDS


@dataclass(frozen=True, slots=True)
class Report:
    """What a soak found; whether it lasted long enough to tell what grows."""

    rows: list[Row]
    visits: list[Visit]
    faults: list[Struck]
    left_over: dict[str, float]
    replaced: list[str]
    seconds: float
    tells_growth: bool
    samples: list[Sample] = field(default_factory=list)

    @property
    def unanswered(self) -> list[Visit]:
        """Those who got nothing; who is told to come back while something is away has got what there is."""
        return [visit for visit in self.visits if visit.trouble and not self._is_excused(visit)]

    @property
    def missed(self) -> list[str]:
        """What must not be, in words."""
        missed = [row.miss for row in self.rows if row.miss and self.tells_growth]
        missed += [f"{value:g} {what} at rest" for what, value in self.left_over.items() if value]
        missed += [f"worker {name} was replaced" for name in self.replaced]
        return missed + [f"{number} not answered, {what}" for what, number in self._troubles().items()]

    def _troubles(self) -> Counter[str]:
        """How many of those who got nothing came at what door, and what was away then."""
        away = (
            (visit, [fault.name for fault in self.faults if fault.is_felt_by(visit)] or ["peace"])
            for visit in self.unanswered
        )
        return Counter(f"{visit.what} in {' and '.join(names)}: {visit.trouble}" for visit, names in away)

    def as_dict(self) -> dict[str, Any]:
        return {
            "seconds": round(self.seconds, 1),
            "visits": Counter(visit.what for visit in self.visits),
            "unanswered": len(self.unanswered),
            "putOff": sum(visit.trouble == PUT_OFF for visit in self.visits),
            "tellsGrowth": self.tells_growth,
            "rows": [asdict(row) for row in self.rows],
            "leftOver": self.left_over,
            "missed": self.missed,
            "samples": [asdict(sample) for sample in self.samples],
        }

    def as_text(self) -> str:
        put_off = sum(visit.trouble == PUT_OFF for visit in self.visits)
        said = [
            "| | first third | second | last | at most | at rest |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *("| " + " | ".join([row.name, *(f"{value:.1f}" for value in row.values)]) + " |" for row in self.rows),
            "",
            f"{len(self.visits)} visits in {self.seconds:.0f} s, {len(self.unanswered)} not answered, {put_off} told "
            "to come back while something was away. At rest: "
            + ", ".join(f"{value:g} {what}" for what, value in self.left_over.items())
            + ".",
            *([] if self.tells_growth else ["Too short to tell whether anything grows: that takes five minutes."]),
        ]
        return "\n".join([*said, *(["", "Missed:"] if self.missed else []), *(f"- {miss}" for miss in self.missed)])

    def _is_excused(self, visit: Visit) -> bool:
        return visit.trouble == PUT_OFF and any(
            fault.is_felt_by(visit) and not fault.is_of_the_ai for fault in self.faults
        )
