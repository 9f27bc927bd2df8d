"""Whether anything grows: the middle value of the first third of the load against that of the last one.

Each third has the same faults in the same order, so both have been through the same; medians don't see the moments
in which something was away. A slope would: it leans on the ends of a series, and faults stand where they stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.soak.samples import Sample


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much more the last third may have: a share of the first, or this much, whichever is more."""

    share: float
    much: float


# By what a row's name begins with; the first that fits.
TOLERANCES = {
    # An allocator settles for minutes: where nothing was kept, 0.5 to 1.5 MB of 135 were seen. Two kilobytes kept of
    # each visit are more in ten minutes, at the worker that serves half of them; a longer soak sees less.
    "memory": Tolerance(0.02, 1.5),
    # Those of people and calls under way come and go; one that is kept of each hundredth visit stands out.
    "descriptors": Tolerance(0.1, 5),
    "threads": Tolerance(0.1, 3),
    "child processes": Tolerance(0, 1),
    # Pools keep what the busiest moment needed, and the third third may have had that.
    "connections": Tolerance(0.2, 5),
    "Redis: keys that never end": Tolerance(0, 0),
    "Redis: keys": Tolerance(0.15, 20),
    "Redis: memory": Tolerance(0.1, 1),
    "answers marked pending": Tolerance(0, 5),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the report: medians under load, and the value once nobody asks any more."""

    name: str
    first: float
    last: float
    rest: float

    @property
    def allowed(self) -> float:
        tolerance = next(found for name, found in TOLERANCES.items() if self.name.startswith(name))
        return self.first + max(tolerance.share * self.first, tolerance.much)

    @property
    def miss(self) -> str:
        """What grew, in words; empty when nothing did."""
        if self.last > self.allowed:
            return f"{self.name} grew from {self.first:.4g} to {self.last:.4g}, at most {self.allowed:.4g}"
        if self.rest > self.allowed:
            return f"{self.name} is {self.rest:.4g} at rest, and was {self.first:.4g} under load"
        return ""


def rows(samples: Sequence[Sample], thirds: Sequence[float], rest: Sample) -> list[Row]:
    """Each value that the last sample has; `thirds` are the four moments between which they lie."""
    first = [sample.values for sample in samples if thirds[0] <= sample.at < thirds[1]]
    last = [sample.values for sample in samples if thirds[2] <= sample.at < thirds[3]]
    return [Row(name, _middle(first, name), _middle(last, name), value) for name, value in rest.values.items()]


def _middle(values: Sequence[Mapping[str, float]], name: str) -> float:
    return median([each[name] for each in values if name in each] or [float("nan")])
