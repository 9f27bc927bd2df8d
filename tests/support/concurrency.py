"""Runs the same function in many threads at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def run_concurrently(count: int, action: Callable[[], Result]) -> list[Result]:
    """The results of `action` in `count` threads that start together. Raises the first exception of any thread."""
    barrier = threading.Barrier(count)

    def run() -> Result:
        barrier.wait(10)
        return action()

    with ThreadPoolExecutor(count) as threads:
        return [future.result() for future in [threads.submit(run) for _ in range(count)]]
