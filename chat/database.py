"""PostgreSQL as the history uses it: waited for a moment, tried twice, then left alone for a while.

No driver setting bounds the wait for a server that hangs, so work is done by threads (in production greenlets) whose
end is waited for. Answers stream for half a minute and connections are few, so a connection is held for the work alone
– and kept for what comes next in the same moment: a thread and a connection for each piece of work would cost as much
CPU as saving an answer does.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from observability.absence import Absence

WAIT_SECONDS = 1.5
IDLE_SECONDS = 0.5  # for which a thread keeps a connection that nobody needs
OTHERS = 2  # connections of the pool that are left to requests which ask the database themselves
Result = TypeVar("Result")


class DatabaseAway(OperationalError):
    """It doesn't answer, or not in time. What was to be written may still be written later."""


class Database:
    """Runs work against the default database; see above."""

    def __init__(self) -> None:
        self.absence = Absence("supabase", lambda: self._done(_connect))
        self._jobs: queue.SimpleQueue[_Job[Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._hands = self._idle = 0  # threads, and those of them that wait for a job

    def ask(self, work: Callable[[], Result]) -> Result:
        """What `work` returns. Raises DatabaseAway, and whatever else `work` raises."""
        if self.absence.is_on:
            raise DatabaseAway("left alone until it answers again")
        return self._done(work)

    def _done(self, work: Callable[[], Result]) -> Result:
        job = _Job(work)
        self._jobs.put(job)
        self._call_a_hand()
        if not job.done.wait(WAIT_SECONDS):
            error = DatabaseAway("did not answer in time")
            self.absence.begin(error)
            raise error
        if isinstance(job.error, OperationalError | InterfaceError):
            raise DatabaseAway("can't be reached") from job.error
        if job.error is not None:
            raise job.error
        return job.result

    def _call_a_hand(self) -> None:
        """One more, if those who wait are too few for what is to be done, and there may be more."""
        with self._lock:
            if self._idle >= self._jobs.qsize() or self._hands >= max(1, settings.DATABASE_POOL_SIZE - OTHERS):
                return
            self._hands += 1
        threading.Thread(target=self._work, name="database", daemon=True).start()

    def _work(self) -> None:
        try:
            while job := self._next():
                job.run()
        finally:
            connection.close()

    def _next(self) -> _Job[Any] | None:
        """What is to be done next; None when there has been nothing for a while: then this hand is one no more."""
        with self._lock:
            self._idle += 1
        job = _taken(self._jobs, IDLE_SECONDS)
        with self._lock:
            self._idle -= 1
            job = job or _taken(self._jobs, 0)  # it may have come just now, counting on us
            if job is None:
                self._hands -= 1
        return job


def _connect() -> None:
    """Asked for by whoever connects: each thread has a connection of its own, and gives back no other's."""
    connection.ensure_connection()


class _Job(Generic[Result]):
    """A piece of work, and what became of it."""

    result: Result

    def __init__(self, work: Callable[[], Result]) -> None:
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
                connection.close()
            if not isinstance(self.error, OperationalError | InterfaceError):
                break
        self.done.set()


def _taken(jobs: queue.SimpleQueue[_Job[Any]], seconds: float) -> _Job[Any] | None:
    try:
        return jobs.get(timeout=seconds)
    except queue.Empty:
        return None


database = Database()
