"""Wakes the thread of a subscriber when its run has new events."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress

from chat.core.watchdog import Watchdog

CHECK_INTERVAL_SECONDS = 0.5  # a watched wait times out at most this late
MIN_WATCHED_SECONDS = 1.0  # shorter waits time out exactly


class Wakeup:
    """An auto-reset event for one waiting thread.

    A `set()` before `wait()` is not lost; several collapse into one. It uses a bare lock: a Condition allocates a lock
    per wait, which is per relayed token, and a timer per wait would cost as much again. One watchdog therefore times
    out all long waits.
    """

    __slots__ = ("_is_watched", "_lock", "_seconds", "deadline")

    def __init__(self) -> None:
        self.deadline = math.inf  # of the current wait, on the monotonic clock
        self._seconds = 0.0  # of the last watched wait
        self._is_watched = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        with suppress(RuntimeError):  # another thread released it first
            if self._lock.locked():
                self._lock.release()

    def wait(self, seconds: float) -> bool:
        """Block until `set()`, for at most `seconds`; False on timeout."""
        if seconds < MIN_WATCHED_SECONDS:
            return self._lock.acquire(timeout=seconds)
        self._seconds = seconds
        self.deadline = time.monotonic() + seconds
        if not self._is_watched:
            self._is_watched = True
            _watchdog.add(self)
        self._lock.acquire()
        self.deadline = math.inf
        return self._is_watched

    def postpone(self) -> None:
        """Begin the time of the current wait anew, if it is a watched one."""
        if self.deadline != math.inf:
            self.deadline = time.monotonic() + self._seconds

    def time_out(self) -> None:
        """End the current wait with False."""
        self._is_watched = False
        self.set()

    def close(self) -> None:
        """Stop watching it: no thread waits any more."""
        _watchdog.remove(self)


_watchdog = Watchdog[Wakeup](
    "run-wakeups", CHECK_INTERVAL_SECONDS, lambda wakeup: time.monotonic() > wakeup.deadline, Wakeup.time_out
)
