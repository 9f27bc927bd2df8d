"""A reader's position in a run, and how the reader gets the next events: it is woken, or words are pushed past it."""

from __future__ import annotations

from threading import RLock
from typing import Protocol

from chat.runs.wakeup import Wakeup
from observability import unexpected_errors


class Outlet(Protocol):
    """Sends words to a reader's client while the reader itself waits."""

    @property
    def has_rest(self) -> bool:
        """Whether a part of pushed words could not be sent: the reader has to do that."""
        ...

    def push(self, text: str) -> bool:
        """Send this text without blocking. False if none of it was sent: the reader then takes it from the run."""
        ...


class Subscriber:
    """One thread waits here; the run's writer wakes it, or pushes words to its outlet.

    The writer holds `lock` while it calls `offer`: nothing is pushed to a reader that has woken up.
    """

    __slots__ = ("_is_waiting", "_lock", "_outlet", "_wakeup", "position")

    def __init__(self, lock: RLock, position: int = 0, outlet: Outlet | None = None) -> None:
        self.position = position
        self._lock = lock
        self._outlet = outlet
        self._wakeup = Wakeup()
        self._is_waiting = False

    def wait(self, seconds: float) -> bool:
        """Block until there is something to do; False if nothing happens for `seconds`."""
        self._is_waiting = True
        try:
            return self._wakeup.wait(seconds)
        finally:
            with self._lock:
                self._is_waiting = False

    def wake(self) -> None:
        self._wakeup.set()

    def offer(self, text: str, count: int) -> None:
        """Take the last of the run's `count` events, which is this text: push it, or wake the reader."""
        outlet = self._outlet
        if outlet is not None and self._is_waiting and self.position == count - 1:
            try:
                if outlet.push(text):
                    self.position = count
                    self._wakeup.postpone()
                    if not outlet.has_rest:
                        return
            except Exception:  # noqa: BLE001 - reported: a fault of one reader is no fault of the run
                unexpected_errors.report("encoder")
                self._outlet = None
        self._wakeup.set()

    def close(self) -> None:
        self._wakeup.close()
