"""PostgreSQL as the history uses it: waited for a moment, tried twice, then left alone for a while.

No driver setting bounds the wait for a server that hangs, so each piece of work has a thread (in production a greenlet)
whose end is waited for. Answers stream for half a minute and connections are few, so each goes back at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError, connection

from observability.absence import Absence

WAIT_SECONDS = 1.5
Result = TypeVar("Result")


class DatabaseAway(OperationalError):
    """It doesn't answer, or not in time. What was to be written may still be written later."""


class Database:
    """Runs work against the default database; see above."""

    def __init__(self) -> None:
        self.absence = Absence("supabase", lambda: self._done(connection.ensure_connection))

    def ask(self, work: Callable[[], Result]) -> Result:
        """What `work` returns. Raises DatabaseAway, and whatever else `work` raises."""
        if self.absence.is_on:
            raise DatabaseAway("left alone until it answers again")
        return self._done(work)

    def _done(self, work: Callable[[], Result]) -> Result:
        job = _Job(work)
        job.start()
        if not job.done.wait(WAIT_SECONDS):
            error = DatabaseAway("did not answer in time")
            self.absence.begin(error)
            raise error
        if isinstance(job.error, OperationalError | InterfaceError):
            raise DatabaseAway("can't be reached") from job.error
        if job.error is not None:
            raise job.error
        return job.result


class _Job(threading.Thread, Generic[Result]):
    result: Result

    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__(name="database", daemon=True)
        self.work = work
        self.context = copy_context()  # of whoever asks: their correlation id, their trace
        self.error: Exception | None = None
        self.done = threading.Event()

    def run(self) -> None:
        for _ in range(2):  # a connection may have died since it was last used
            try:
                self.result, self.error = self.context.run(self.work), None
            except Exception as error:  # noqa: BLE001 raised again by whoever waits
                self.error = error
            finally:
                connection.close()
            if not isinstance(self.error, OperationalError | InterfaceError):
                break
        self.done.set()


database = Database()
