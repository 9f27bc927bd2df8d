"""Whether anything grows: the middle values of the three thirds of the load.

Each third has the same faults in the same order, so all have been through the same; medians don't see the moments in
which something was away. What leaks is more in the second third than in the first, and more again in the last. A pool
that needed more connections once, in a busy moment, keeps them: that is one step, and no growth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from benchmarks.soak.samples import Sample


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much more there may be than before: a share of it, or this much, whichever is more."""

    share: float
    much: float

    def above(self, before: float) -> float:
        return before + max(self.share * before, self.much)


# By what a row's name begins with; the first that fits.
TOLERANCES = {
    # An allocator settles for minutes: where nothing was kept, 0.5 to 1.8 MB of a worker's own 45 were seen, with four
    # times the visits in the same time not much more (0.9 to 2.6), and in 10,000 messages at full speed nothing. Two
    # kilobytes kept of each visit are more in ten minutes, at the worker that serves half of them.
    "memory": Tolerance(0.02, 2.5),
    # Those of people and calls under way come and go; one that is kept of each hundredth visit stands out.
    "descriptors": Tolerance(0.1, 5),
    "threads": Tolerance(0.1, 3),
    "child processes": Tolerance(0, 1),
    # Of what a pool keeps all may be in use, or none.
    "connections": Tolerance(0.2, 5),
    "Redis: keys that never end": Tolerance(0, 0),
    "Redis: keys": Tolerance(0.15, 20),
    "Redis: memory": Tolerance(0.1, 1),
    "answers marked pending": Tolerance(0, 5),
}


EACH_STEP = 0.25  # of all that it grew by, what it must have grown by from one third to the next


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the report: the median of each third, and the value once nobody asks any more."""

    name: str
    thirds: tuple[float, float, float]
    rest: float

    @property
    def allowed(self) -> float:
        """For the last third."""
        return self._tolerance.above(self.thirds[0])

    @property
    def values(self) -> tuple[float, ...]:
        """What stands in the row, from left to right."""
        return (*self.thirds, self.allowed, self.rest)

    @property
    def miss(self) -> str:
        """What grew, in words; empty when nothing did."""
        if self._grows:
            return f"{self.name} grew from {self.thirds[0]:.4g} to {self.thirds[2]:.4g}, at most {self.allowed:.4g}"
        if self.rest > self._tolerance.above(max(self.thirds)):
            return f"{self.name} is {self.rest:.4g} at rest, and was {self.thirds[2]:.4g} under load"
        return ""

    @property
    def _grows(self) -> bool:
        first, second, last = self.thirds
        step = EACH_STEP * (last - first)
        return last > self.allowed and second - first >= step and last - second >= step

    @property
    def _tolerance(self) -> Tolerance:
        return next(found for name, found in TOLERANCES.items() if self.name.startswith(name))


def rows(samples: Sequence[Sample], edges: Sequence[float], rest: Sample) -> list[Row]:
    """Each value that the last sample has; `edges` are the four moments between which the thirds lie."""
    thirds = [[sample.values for sample in samples if began <= sample.at < ended] for began, ended in pairwise(edges)]

    def row(name: str) -> Row:
        first, second, last = (_middle(third, name) for third in thirds)
        return Row(name, (first, second, last), rest.values[name])

    return [row(name) for name in rest.values]


def _middle(values: Sequence[Mapping[str, float]], name: str) -> float:
    return median([each[name] for each in values if name in each] or [float("nan")])
