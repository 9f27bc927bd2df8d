"""Tracks the readers of a run in this process: present, disconnected, unsubscribed, and since when there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chat.runs.subscriber import Outlet, Subscriber


class Readers:
    """All methods may be called from any thread.

    A reader's id is that of the message it receives; the cache warmer, and who reads a document's analysis, have none.
    """

    def __init__(self) -> None:
        # Reentrant: the garbage collector may close an abandoned stream of this run while this thread has it.
        self._lock = threading.RLock()
        self._reading: list[str] = []
        self._unsubscribed: frozenset[str] = frozenset()  # will not come back
        self._disconnected: frozenset[str] = frozenset()  # left before the end; may come back unless unsubscribed
        self._subscribers: tuple[Subscriber, ...] = ()  # replaced, not changed: `wake` and `offer` go through it
        self._is_closed = False
        self._expected = 0  # readers that have joined, and do not read yet
        self._unread_since = time.monotonic()

    def join(self, *, expects_reader: bool) -> bool:
        """Whether the run can be joined; not after `close`: it will end without an answer.

        With `expects_reader` the run waits for one that is about to read; a renewal joins it and does not read.
        """
        with self._lock:
            if expects_reader and not self._is_closed:
                self._expected += 1
                self._unread_since = time.monotonic()
            return not self._is_closed

    def close(self) -> None:
        """Refuse further readers."""
        with self._lock:
            self._is_closed = True

    def close_if_left_for_good(self, grace_seconds: float) -> bool:
        """`close` if the readers have left for good. Atomic: no reader can join between the check and the close."""
        with self._lock:
            if self.have_left_for_good(grace_seconds):
                self._is_closed = True
            return self._is_closed

    def close_if_unread(self, seconds: float) -> bool:
        """`close` if there has been no reader for so long, whether any may return or not. Atomic, too."""
        with self._lock:
            is_unread = self.seconds_without_reader() >= seconds
            self._is_closed |= is_unread
            return is_unread

    def unsubscribe(self, reader: str) -> None:
        """End the iteration of this reader for good."""
        with self._lock:
            self._unsubscribed |= {reader}
            if not self._is_read():
                self._unread_since = time.monotonic()
        self.wake()

    def has_unsubscribed(self, reader: str) -> bool:
        return reader in self._unsubscribed

    def have_left_for_good(self, grace_seconds: float) -> bool:
        """Whether the run has had no reader for `grace_seconds`, or all its readers have unsubscribed."""
        with self._lock:
            if self._is_read():
                return False
            all_unsubscribed = bool(self._unsubscribed) and self._disconnected <= self._unsubscribed
            return (all_unsubscribed and not self._expected) or self.seconds_without_reader() > grace_seconds

    def are_present_or_may_return(self, grace_seconds: float) -> bool:
        """Whether there is a reader, one that has joined, or one disconnected within `grace_seconds`.

        One that has unsubscribed does not return.
        """
        with self._lock:
            if self._is_read() or self._expected:
                return True
            return not self._disconnected <= self._unsubscribed and self.seconds_without_reader() <= grace_seconds

    def seconds_without_reader(self) -> float:
        """Seconds since the last reader stopped, or one joined; 0 while there is one."""
        with self._lock:
            return 0.0 if self._is_read() else time.monotonic() - self._unread_since

    def include_people(self) -> bool:
        """Whether a reader with an id reads now."""
        with self._lock:
            return any(reader and reader not in self._unsubscribed for reader in self._reading)

    def wake(self) -> None:
        """Wake all waiting readers: the run has changed."""
        with self._lock:
            for subscriber in self._subscribers:
                subscriber.wake()

    def offer(self, text: str, count: int) -> None:
        """Give all readers the last of the run's `count` events, which is this text."""
        with self._lock:
            for subscriber in self._subscribers:
                subscriber.offer(text, count)

    @contextmanager
    def waiting(self, position: int = 0, outlet: Outlet | None = None) -> Iterator[Subscriber]:
        """A subscriber that is woken whenever the run changes."""
        subscriber = Subscriber(self._lock, position, outlet)
        with self._lock:
            self._subscribers += (subscriber,)
        try:
            yield subscriber
        finally:
            with self._lock:
                self._subscribers = tuple(each for each in self._subscribers if each is not subscriber)
            subscriber.close()

    @contextmanager
    def reading(
        self, reader: str, position: int, outlet: Outlet | None, *, expects_reader: bool
    ) -> Iterator[Subscriber]:
        """Count a reader during the block, and as disconnected after it if the block is left early.

        With `expects_reader` the run has waited for it since `join`.
        """
        with self._lock:
            self._expected -= expects_reader
            self._reading.append(reader)
        reached_end = False
        try:
            with self.waiting(position, outlet) as subscriber:
                yield subscriber
            reached_end = True
        finally:
            with self._lock:
                self._reading.remove(reader)
                if reader and not reached_end:
                    self._disconnected |= {reader}
                self._unread_since = time.monotonic()

    def _is_read(self) -> bool:
        return any(reader not in self._unsubscribed for reader in self._reading)
