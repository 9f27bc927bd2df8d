"""PostgreSQL as the history uses it: waited for a moment, tried twice, then left alone for a while.

No driver setting bounds the wait for a server that hangs, so each piece of work has a thread (in production a greenlet)
whose end is waited for. Answers stream for half a minute and connections are few, so each goes back at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError, connection

from observability import logs

log = logs.get_logger(__name__)

WAIT_SECONDS = 1.5
PAUSE_SECONDS = 5.0
Result = TypeVar("Result")


class DatabaseAway(OperationalError):
    """It doesn't answer, or not in time. What was to be written may still be written later."""


class Database:
    """Runs work against the default database; see above."""

    def __init__(self) -> None:
        self._away_until = 0.0
        self._lock = threading.Lock()

    def ask(self, work: Callable[[], Result]) -> Result:
        """What `work` returns. Raises DatabaseAway, and whatever else `work` raises."""
        if not self._may_ask():
            raise DatabaseAway("left alone after it failed to answer")
        job = _Job(work)
        job.start()
        if not job.done.wait(WAIT_SECONDS):
            if not self._away_until:  # said once, however long it lasts
                log.warning("Database is left alone for a while", dependency="supabase", code="timeout")
            self._away_until = time.monotonic() + PAUSE_SECONDS
            raise DatabaseAway("did not answer in time")
        if isinstance(job.error, OperationalError | InterfaceError):
            raise DatabaseAway("can't be reached") from job.error
        self._away_until = 0.0
        if job.error is not None:
            raise job.error
        return job.result

    def _may_ask(self) -> bool:
        """While it is away, one in PAUSE_SECONDS asks whether it is back; nobody else waits for that."""
        with self._lock:
            now = time.monotonic()
            if now < self._away_until:
                return False
            if self._away_until:
                self._away_until = now + PAUSE_SECONDS
            return True


class _Job(threading.Thread, Generic[Result]):
    result: Result

    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__(name="database", daemon=True)
        self.work = work
        self.error: Exception | None = None
        self.done = threading.Event()

    def run(self) -> None:
        for _ in range(2):  # a connection may have died since it was last used
            try:
                self.result, self.error = self.work(), None
            except Exception as error:  # noqa: BLE001 raised again by whoever waits
                self.error = error
            finally:
                connection.close()
            if not isinstance(self.error, OperationalError | InterfaceError):
                break
        self.done.set()


database = Database()
