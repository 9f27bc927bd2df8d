"""Threads that do the same thing at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def at_once(count: int, action: Callable[[], Result]) -> list[Result]:
    """What so many threads got from it. Raises what one of them raised."""
    barrier = threading.Barrier(count)

    def act() -> Result:
        barrier.wait(10)
        return action()

    with ThreadPoolExecutor(count) as threads:
        return [each.result() for each in [threads.submit(act) for _ in range(count)]]
