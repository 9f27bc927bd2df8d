"""How a reader waits for more."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress

from chat.patrol import Patrol

LOOK_EVERY_SECONDS = 0.5  # a long wait ends this late at most
WATCHED_SECONDS = 1.0  # shorter waits end on time


class Bell:
    """Wakes the one who waits for it; rung before he comes, it has rung for him all the same, and once.

    A bare lock: a Condition makes a new one for each wait, that is for each relayed token. A timer for each would cost
    as much again.
    """

    __slots__ = ("_is_watched", "_latch", "until")

    def __init__(self) -> None:
        self.until = math.inf  # of the wait under way, on the monotonic clock
        self._is_watched = False
        self._latch = threading.Lock()
        self._latch.acquire()

    def ring(self) -> None:
        with suppress(RuntimeError):  # somebody else rings it, too: once is enough
            if self._latch.locked():
                self._latch.release()

    def wait(self, seconds: float) -> bool:
        """Whether it rang in time."""
        if seconds < WATCHED_SECONDS:
            return self._latch.acquire(timeout=seconds)
        self.until = time.monotonic() + seconds
        if not self._is_watched:
            self._is_watched = True
            _watch.begin(self)
        self._latch.acquire()
        self.until = math.inf
        return self._is_watched

    def give_up(self) -> None:
        """End the wait under way: it has not rung in time."""
        self._is_watched = False
        self.ring()

    def put_away(self) -> None:
        """Nobody waits for it any more."""
        _watch.end(self)


_watch = Patrol[Bell]("silences", LOOK_EVERY_SECONDS, lambda bell: time.monotonic() > bell.until, Bell.give_up)
