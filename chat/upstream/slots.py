"""A limited number of places, of which one is taken at once or not at all."""

from __future__ import annotations

import threading


class Slots:
    """Any thread may call it. Not a `threading.BoundedSemaphore`: under gevent its release lets all the others run."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._lock = threading.Lock()

    def take(self) -> bool:
        """False if none is free."""
        with self._lock:
            if not self._free:
                return False
            self._free -= 1
            return True

    def release(self) -> None:
        with self._lock:
            self._free += 1
