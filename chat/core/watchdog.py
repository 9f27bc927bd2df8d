"""One thread that checks many timeouts, instead of one timer each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from observability import logs

log = logs.get_logger(__name__)

Item = TypeVar("Item")


class Watchdog(Generic[Item]):
    """Checks its items every `seconds` in one thread, which runs only while there are items.

    Expired items are removed, then passed once to `on_expire()` in the watchdog thread. An item that is removed before
    the first check, as most are, costs next to nothing.
    """

    def __init__(
        self, name: str, seconds: float, is_expired: Callable[[Item], bool], on_expire: Callable[[Item], object]
    ) -> None:
        self._name = name
        self._seconds = seconds
        self._is_expired = is_expired
        self._on_expire = on_expire
        # Reentrant: the garbage collector may close an abandoned stream, and remove its item, while this thread has it.
        self._lock = threading.RLock()
        self._items: set[Item] = set()
        self._thread: threading.Thread | None = None

    def add(self, item: Item) -> None:
        """Check this item from now on."""
        with self._lock:
            self._items.add(item)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def remove(self, item: Item) -> None:
        """Stop checking. After this returns, `is_expired` is not called for the item."""
        with self._lock:
            self._items.discard(item)

    def _run(self) -> None:
        is_done = False
        while not is_done:
            time.sleep(self._seconds)
            with self._lock:
                expired = [item for item in list(self._items) if item in self._items and self._is_due(item)]
                self._items.difference_update(expired)
                is_done = not self._items
                if is_done:
                    self._thread = None
            for item in expired:
                self._expire(item)

    def _is_due(self, item: Item) -> bool:
        """Whether the item has expired. One that can't be checked is dropped: the thread must go on for the others."""
        try:
            return self._is_expired(item)
        except Exception:
            log.exception("Watchdog check failed")
            self._items.discard(item)
            return False

    def _expire(self, item: Item) -> None:
        try:
            self._on_expire(item)
        except Exception:
            log.exception("Watchdog callback failed")
