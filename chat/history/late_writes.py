"""Saves answers late that could not be saved in time, because the database was unavailable or too busy.

The client has received `saved: false` by then. The queue is in this process' memory: an answer is lost if the process
dies, if the queue is full, or after LATE_WRITE_SECONDS. It is also dropped if its conversation has changed meanwhile:
deleted messages must not come back, and an earlier turn must not appear after a later one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError

from chat.storage.answer_cache import LATE_WRITE_SECONDS
from chat.storage.db_executor import DatabaseUnavailable, db_executor
from observability import logs, metrics, unexpected_errors

log = logs.get_logger(__name__)

LIMIT = 500  # answers; each has a few kilobytes
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class LateWrite:
    """`save` returns whether the answer is stored now; on False the write is dropped."""

    save: Callable[[], bool]
    since: float = field(default_factory=time.monotonic)

    @property
    def is_too_old(self) -> bool:
        return time.monotonic() - self.since > LATE_WRITE_SECONDS


class LateWriteQueue:
    """A bounded queue with one thread, which exists while there is something to write."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting: deque[LateWrite] = deque()
        self._is_running = False

    @property
    def can_proceed(self) -> bool:
        """Whether writes are queued and the database is available."""
        return self._is_running and not db_executor.outage.is_active

    def add(self, save: Callable[[], bool]) -> None:
        """Save this as soon as the database answers; it is dropped if the queue is full."""
        with self._lock:
            if len(self._waiting) >= self._limit:
                return
            self._waiting.append(LateWrite(save))
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._run, name="late-writes", daemon=True).start()

    def _run(self) -> None:
        while (write := self._take()) is not None:
            try:
                is_saved = _save(write)
            except DatabaseUnavailable:
                with self._lock:
                    self._waiting.appendleft(write)
                time.sleep(RETRY_SECONDS)
                continue
            if is_saved:
                metrics.SAVED_LATE_MESSAGES.inc()

    def _take(self) -> LateWrite | None:
        """The oldest write. None if there is no more: the thread exits."""
        with self._lock:
            self._is_running = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None


def _save(write: LateWrite) -> bool:
    """Whether the answer is stored now. Raises DatabaseUnavailable."""
    if write.is_too_old:
        return False
    try:
        return db_executor.run(write.save)
    except DatabaseUnavailable:
        raise
    except DatabaseError as error:  # such as the end of its conversation
        log.warning("Message not saved late", code=type(error).__name__)
    except Exception:  # noqa: BLE001 - reported
        unexpected_errors.report("history")
    return False


queue = LateWriteQueue()
