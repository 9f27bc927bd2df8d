"""Long loops that let other threads run.

Building an index takes a third of a second of CPU. Under gevent, nothing else in the worker would run meanwhile.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

SLICE_SECONDS = 0.005  # of work between two yields; a yield among busy threads may take as long


def cooperative(items: Iterable[Item]) -> Iterator[Item]:
    """Iterate, and yield to other threads before the first item and then every SLICE_SECONDS."""
    yielded_at = -math.inf
    for item in items:
        if time.monotonic() - yielded_at > SLICE_SECONDS:
            time.sleep(0)
            yielded_at = time.monotonic()
        yield item
