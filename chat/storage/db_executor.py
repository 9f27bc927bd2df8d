"""Runs database work with a bounded wait, one retry, and an outage state that skips the database while it is down.

No driver setting bounds the wait for a server that hangs. Worker threads (greenlets in production) therefore run the
work, and the caller waits for the result in short steps, of which it counts the number, not the time: a pause of this
process lengthens one step only. While the database completes other jobs, the caller waits longer. A request does not
hold a connection while its answer streams (up to 30 s): connections are few. A worker keeps its thread and connection
for IDLE_SECONDS, because creating both for each job costs as much CPU as saving an answer.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connection
from psycopg.errors import ReadOnlySqlTransaction

from observability.outage import Outage

STEP_SECONDS = 0.1
SILENT_STEPS = 15  # without a completed job: the database is unavailable
LONGEST_STEPS = 30  # for one job, while the database completes others
IDLE_SECONDS = 0.5  # after this time without a job a worker closes its connection and exits
RESERVED_CONNECTIONS = 2  # of the pool, for requests that use the ORM directly
Result = TypeVar("Result")


class DatabaseUnavailable(OperationalError):
    """The database does not answer, not in time, or takes no writes. A write that had begun may be committed later."""


class DatabaseExecutor:
    """Runs work against the default database; see the module docstring."""

    def __init__(self) -> None:
        self.outage = Outage("supabase", lambda: self._run(_look))
        self._jobs: queue.SimpleQueue[_Job[Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._workers = self._idle = 0  # threads, and how many of them wait for a job
        self._answers = 0  # jobs that the database has answered

    def run(self, work: Callable[[], Result], *, even_if_late: bool = False) -> Result:
        """The result of `work`. Raises DatabaseUnavailable, and any other exception of `work`.

        `even_if_late`: work that is queued when its caller gives it up is done all the same.
        """
        if self.outage.is_active:
            raise DatabaseUnavailable("skipped until the database answers again")
        return self._run(work, even_if_late=even_if_late)

    def _run(self, work: Callable[[], Result], *, even_if_late: bool = False) -> Result:
        job = _Job(work)
        self._jobs.put(job)
        self._start_worker()
        try:
            self._wait(job)
        except DatabaseUnavailable:
            job.is_abandoned = not even_if_late
            raise
        if job.has_no_answer:
            raise DatabaseUnavailable("can't be reached, or takes no writes") from job.error
        if job.error is not None:
            raise job.error
        return job.result

    def _wait(self, job: _Job[Any]) -> None:
        """Return when the job is done. Raises DatabaseUnavailable if that takes too long."""
        answers, silent_steps = self._answers, 0
        for _ in range(LONGEST_STEPS):
            if job.done.wait(STEP_SECONDS):
                return
            silent_steps = silent_steps + 1 if answers == self._answers else 0
            answers = self._answers
            if silent_steps >= SILENT_STEPS:
                error = DatabaseUnavailable("did not answer in time")
                self.outage.suspect(error)
                raise error
        raise DatabaseUnavailable("has too much to do")

    def _start_worker(self) -> None:
        """Start one more worker if fewer are idle than jobs are queued and the pool has a connection for it."""
        with self._lock:
            if self._idle >= self._jobs.qsize() or self._workers >= max(
                1, settings.DATABASE_POOL_SIZE - RESERVED_CONNECTIONS
            ):
                return
            self._workers += 1
        threading.Thread(target=self._work, name="database", daemon=True).start()

    def _work(self) -> None:
        try:
            while self._connect() and (job := self._next_job()):
                if job.is_abandoned:
                    continue
                began = time.perf_counter()
                job.run()
                if not job.has_no_answer:
                    self._answers += 1
                    self.outage.observe(time.perf_counter() - began)
                job.done.set()
        finally:
            connection.close()

    def _connect(self) -> bool:
        """Connect before taking a job, so that the job does not wait while another worker could do it.

        False if that failed and there is another worker. The only one takes a job, which gets the error.
        """
        try:
            connection.ensure_connection()
        except Exception:  # noqa: BLE001 the job raises it again
            with self._lock:
                if self._workers > 1:
                    self._workers -= 1
                    return False
        return True

    def _next_job(self) -> _Job[Any] | None:
        """The next job. None after IDLE_SECONDS without one: the worker thread exits."""
        with self._lock:
            self._idle += 1
        job = _get_job(self._jobs, IDLE_SECONDS)
        with self._lock:
            self._idle -= 1
            # A job queued since the timeout started no worker, because this one was still counted as idle.
            job = job or _get_job(self._jobs, 0)
            if job is None:
                self._workers -= 1
        return job


def _look() -> None:
    """Ask for an answer: a connection that is open says nothing about its server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


class _Job(Generic[Result]):
    """A queued callable and its outcome: `result` or `error`, valid once `done` is set.

    One that its caller has given up and takes as not done, `is_abandoned`, is neither begun nor repeated.
    """

    result: Result

    def __init__(self, work: Callable[[], Result]) -> None:
        self.work = work
        self.context = copy_context()  # the caller's correlation id and trace
        self.error: Exception | None = None
        self.done = threading.Event()
        self.is_abandoned = False

    def run(self) -> None:
        for _ in range(2):  # the first attempt may find a dead connection, or one to a server that is a standby now
            try:
                self.result, self.error = self.context.run(self.work), None
            except Exception as error:  # noqa: BLE001 the waiting caller raises it again
                self.error = error
                if is_read_only(error) and connection.connection is not None:
                    connection.connection.close()  # the pool would give it to the next job
                connection.close()
            if not self.has_no_answer or self.is_abandoned:
                break

    @property
    def has_no_answer(self) -> bool:
        """Whether the database could not be reached, broke off, or takes no writes."""
        return isinstance(self.error, OperationalError | InterfaceError) or is_read_only(self.error)


def is_read_only(error: BaseException | None) -> bool:
    """Whether PostgreSQL refused a write: it is a standby, or was made read-only, as Supabase does with a full disk."""
    return isinstance(error, InternalError) and isinstance(error.__cause__, ReadOnlySqlTransaction)


def _get_job(jobs: queue.SimpleQueue[_Job[Any]], seconds: float) -> _Job[Any] | None:
    try:
        return jobs.get(timeout=seconds)
    except queue.Empty:
        return None


db_executor = DatabaseExecutor()
