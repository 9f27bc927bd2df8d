"""A reader's position in a run, and how the reader gets the next events: it is woken, or words are pushed past it."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from threading import RLock
from typing import Protocol

from chat.core.watchdog import Watchdog
from observability import unexpected_errors

CHECK_INTERVAL_SECONDS = 0.5  # a watched wait times out at most this late
MIN_WATCHED_SECONDS = 1.0  # shorter waits time out exactly


class Outlet(Protocol):
    """Sends words to a reader's client while the reader itself waits."""

    @property
    def has_unsent(self) -> bool:
        """Whether a part of pushed words could not be sent: the reader has to do that."""
        ...

    def push(self, text: str) -> bool:
        """Send this text without blocking. False if none of it was sent: the reader then takes it from the run."""
        ...


class Subscriber:
    """One thread waits here; the run's writer wakes it, or pushes words to its outlet.

    A `wake()` before `wait()` is not lost; several collapse into one. The writer holds `readers_lock` while it calls
    `offer`: nothing is pushed to a reader that has woken up.

    A wait ends with the release of a bare lock: a Condition allocates a lock per wait, which is per relayed token, and
    a timer per wait would cost as much again. One watchdog therefore times out all long waits.
    """

    __slots__ = (
        "_is_waiting",
        "_is_watched",
        "_outlet",
        "_readers_lock",
        "_seconds",
        "_wake_lock",
        "deadline",
        "position",
    )

    def __init__(self, readers_lock: RLock, position: int = 0, outlet: Outlet | None = None) -> None:
        self.position = position
        self.deadline = math.inf  # of the current wait if it is watched, on the monotonic clock
        self._seconds = 0.0  # of the last watched wait
        self._is_watched = False
        self._is_waiting = False
        self._outlet = outlet
        self._readers_lock = readers_lock
        self._wake_lock = threading.Lock()  # held but for a moment after `wake`
        self._wake_lock.acquire()

    def wait(self, seconds: float) -> bool:
        """Block until there is something to do; False if nothing happens for `seconds`."""
        self._is_waiting = True
        try:
            if seconds < MIN_WATCHED_SECONDS:
                return self._wake_lock.acquire(timeout=seconds)
            return self._wait_watched(seconds)
        finally:
            with self._readers_lock:
                self._is_waiting = False

    def _wait_watched(self, seconds: float) -> bool:
        self._seconds = seconds
        self.deadline = time.monotonic() + seconds
        if not self._is_watched:
            self._is_watched = True
            _watchdog.add(self)
        self._wake_lock.acquire()
        self.deadline = math.inf
        return self._is_watched

    def wake(self) -> None:
        with suppress(RuntimeError):  # another thread released it first
            if self._wake_lock.locked():
                self._wake_lock.release()

    def offer(self, text: str, count: int) -> None:
        """Take the last of the run's `count` events, which is this text: push it, or wake the reader."""
        outlet = self._outlet
        if outlet is not None and self._is_waiting and self.position == count - 1:
            try:
                if outlet.push(text):
                    self.position = count
                    if self.deadline != math.inf:  # words are no silence: the time of the wait begins anew
                        self.deadline = time.monotonic() + self._seconds
                    if not outlet.has_unsent:
                        return
            except Exception:  # noqa: BLE001 - reported: a fault of one reader is no fault of the run
                unexpected_errors.report("encoder")
                self._outlet = None
        self.wake()

    def is_overdue(self) -> bool:
        """Whether the time of a watched wait is over."""
        return time.monotonic() > self.deadline

    def time_out(self) -> None:
        """End the current wait with False."""
        self._is_watched = False
        self.wake()

    def close(self) -> None:
        """Stop watching it: no thread waits any more."""
        _watchdog.remove(self)


_watchdog = Watchdog[Subscriber]("subscribers", CHECK_INTERVAL_SECONDS, Subscriber.is_overdue, Subscriber.time_out)
