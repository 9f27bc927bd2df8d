"""Waiting for what happens in another thread or process, and how long things take."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(holds: Callable[[], object], seconds: float = 10.0, every: float = 0.01) -> float:
    """Wait until it holds; the seconds that took. Fails when it does not come true in time."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, "it did not come true in time"
        time.sleep(every)
    return time.monotonic() - began


def seconds_of(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
