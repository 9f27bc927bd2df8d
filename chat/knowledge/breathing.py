"""Long work in small breaths: an index takes a third of a second, and under gevent nobody else would get a turn."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

BREATH_SECONDS = 0.005  # of work between two turns; a turn among busy threads may cost as much, so not after every item


def breathing(items: Iterable[Item]) -> Iterator[Item]:
    """The items, with a turn for all other threads before the first, and every few milliseconds from then on."""
    rested = -math.inf
    for item in items:
        if time.monotonic() - rested > BREATH_SECONDS:
            time.sleep(0)
            rested = time.monotonic()
        yield item
