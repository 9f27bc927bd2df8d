"""How a reader waits for more."""

from __future__ import annotations

import threading


class Bell:
    """Wakes the one who waits for it; rung before he comes, it has rung for him all the same, and once.

    A bare lock: a Condition makes a new one for each wait, that is for each relayed token.
    """

    __slots__ = ("_latch",)

    def __init__(self) -> None:
        self._latch = threading.Lock()
        self._latch.acquire()

    def ring(self) -> None:
        """By one thread at a time."""
        if self._latch.locked():
            self._latch.release()

    def wait(self, seconds: float) -> bool:
        """Whether it rang in time."""
        return self._latch.acquire(timeout=seconds)
