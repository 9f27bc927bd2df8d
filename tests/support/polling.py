"""Waiting for a condition that another thread or process will meet, and measuring durations."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], seconds: float = 30.0, every: float = 0.01) -> float:
    """Poll until `condition` is true and return the seconds waited. Fails after `seconds`.

    Unless a test states its own limit, this one only ends a wait that would last for ever: a busy machine needs more
    than ten seconds to index the knowledge base in several processes at once.
    """
    started_at = time.monotonic()
    while not condition():
        assert time.monotonic() - started_at < seconds, f"the condition was not met within {seconds:g} s"
        time.sleep(every)
    return time.monotonic() - started_at


def quickest(measure: Callable[[], float], enough: float, tries: int = 4) -> float:
    """The smallest of some measured durations, in seconds: measure until one is small `enough`, at most `tries` times.

    A busy machine can delay any single one.
    """
    durations = [measure()]
    while durations[-1] > enough and len(durations) < tries:
        durations.append(measure())
    return min(durations)


def seconds_of(action: Callable[[], object]) -> float:
    """The duration of `action`."""
    started_at = time.perf_counter()
    action()
    return time.perf_counter() - started_at
