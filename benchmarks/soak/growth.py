"""Detects growth by comparing the medians of the three thirds of the load.

Each third has the same faults in the same order, and a median ignores the short times of an outage. A leak raises the
median from the first third to the second and again to the last. A single step is not growth: a pool keeps the
connections that it opened in a busy moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from benchmarks.soak.samples import Sample


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The allowed increase: the larger of a share of the value before and an absolute amount."""

    share: float
    amount: float

    def above(self, before: float) -> float:
        return before + max(self.share * before, self.amount)


# By the beginning of a row's name; the first match counts.
TOLERANCES = {
    # An allocator grows for minutes: without a leak by 0.5 to 1.8 MB of a worker's 45, by 0.9 to 2.6 MB with four times
    # the actions in the same time, and not at all in 10,000 messages at full speed. A leak of 2 KB per action exceeds
    # this in ten minutes, in the worker that serves half of them.
    "memory": Tolerance(0.02, 2.5),
    # Varies with the requests in progress; a leak of one descriptor per 100 actions exceeds it.
    "descriptors": Tolerance(0.1, 5),
    "threads": Tolerance(0.1, 3),
    "child processes": Tolerance(0, 1),
    # All or none of a pool's connections may be open.
    "connections": Tolerance(0.2, 5),
    "Redis: keys that never end": Tolerance(0, 0),
    "Redis: keys": Tolerance(0.15, 20),
    "Redis: memory": Tolerance(0.1, 1),
    "answers marked pending": Tolerance(0, 5),
}


MIN_STEP = 0.25  # the share of the growth that each of the two steps must have


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the report: the median of each third, and the value at rest."""

    name: str
    thirds: tuple[float, float, float]
    rest: float

    @property
    def allowed(self) -> float:
        """The limit of the last third."""
        return self._tolerance.above(self.thirds[0])

    @property
    def values(self) -> tuple[float, ...]:
        """The cells of the row, from left to right."""
        return (*self.thirds, self.allowed, self.rest)

    @property
    def miss(self) -> str:
        """A sentence if the value grew or stays too high at rest, else empty."""
        if self._grows:
            return f"{self.name} grew from {self.thirds[0]:.4g} to {self.thirds[2]:.4g}, at most {self.allowed:.4g}"
        if self.rest > self._tolerance.above(max(self.thirds)):
            return f"{self.name} is {self.rest:.4g} at rest, and was {self.thirds[2]:.4g} under load"
        return ""

    @property
    def _grows(self) -> bool:
        first, second, last = self.thirds
        step = MIN_STEP * (last - first)
        return last > self.allowed and second - first >= step and last - second >= step

    @property
    def _tolerance(self) -> Tolerance:
        return next(tolerance for name, tolerance in TOLERANCES.items() if self.name.startswith(name))


def rows(samples: Sequence[Sample], edges: Sequence[float], rest: Sample) -> list[Row]:
    """One row for each value of the sample at rest; `edges` are the four times that delimit the thirds."""
    thirds = [[sample.values for sample in samples if began <= sample.at < ended] for began, ended in pairwise(edges)]

    def row(name: str) -> Row:
        first, second, last = (_median(third, name) for third in thirds)
        return Row(name, (first, second, last), rest.values[name])

    return [row(name) for name in rest.values]


def _median(values: Sequence[Mapping[str, float]], name: str) -> float:
    return median([each[name] for each in values if name in each] or [float("nan")])
