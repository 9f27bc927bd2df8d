"""How many parallel tries a process makes for requests whose reused connection stays silent.

Either a middlebox has dropped the connection silently, or the service is slow. A client can't distinguish the two, and
a second request to a slow service makes it slower.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chat.upstream.slots import Slots

MAX_AT_A_TIME = 20
PAUSE_SECONDS = 60.0


class ParallelTries:
    """Allows at most MAX_AT_A_TIME tries, and none for PAUSE_SECONDS after a needless one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slots = Slots(MAX_AT_A_TIME)
        self._paused_until = float("-inf")

    @contextmanager
    def begin(self) -> Iterator[bool]:
        """Whether the block may make a try."""
        is_allowed = self._clock() >= self._paused_until and self._slots.take()
        try:
            yield is_allowed
        finally:
            if is_allowed:
                self._slots.release()

    def was_needless(self) -> None:
        """Report a needless try: the silent connection has answered first, so the service is slow."""
        self._paused_until = self._clock() + PAUSE_SECONDS
