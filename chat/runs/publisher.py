"""Publishes to Redis the runs that a process leads."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from chat.core.events import Event, Finish
from chat.runs import redis_log
from chat.runs.run import Run

MAX_ENDS = 50  # in one call: each is a trip of its own, and heartbeats and commands wait meanwhile

Batch = tuple[Run, Sequence[Event]]  # a run, and those of its events that are not published yet


class Publisher:
    """Has the runs that are not completely in the Redis log. All methods may be called from any thread."""

    def __init__(self, process_id: str) -> None:
        self._process_id = process_id
        self._lock = threading.Lock()
        self._unpublished: set[Run] = set()

    @property
    def is_idle(self) -> bool:
        """Whether all runs are published, with their ends."""
        return not self._unpublished

    def add(self, run: Run) -> None:
        """Publish this run, which the process leads from now on."""
        with self._lock:
            self._unpublished.add(run)

    def publish_due(self) -> None:
        """Publish the new events of the runs that are due, in one trip if possible; of ended runs MAX_ENDS at most.

        During an outage it encodes nothing: that would be all events of all runs, time and again.
        """
        now = time.monotonic()
        unexpired = self._unexpired(now)
        if redis_log.is_unavailable():
            return
        due = [run for run in unexpired if run.publication.is_due(now)]
        ended = [run for run in due if run.has_ended][:MAX_ENDS]
        chosen = [*(run for run in due if not run.has_ended), *ended]
        # A run whose lock is taken is publishing its end.
        locked = [run for run in chosen if run.publication.lock.acquire(blocking=False)]
        try:
            batches = [(run, new) for run in locked if (new := run.events[run.publication.count :])]
            # A trip of several runs that fails is repeated run by run. Final writes must not be repeated, and a lost
            # shard must not fail the others: such runs get a trip of their own.
            together: list[Batch] = []
            alone: list[Batch] = []
            for run, new in batches:
                needs_own_trip = run.publication.has_lost_shard or isinstance(new[-1], Finish)
                (alone if needs_own_trip else together).append((run, new))
            self._publish(together)
            for batch in alone:
                self._publish([batch])
        finally:
            for run in locked:
                run.publication.lock.release()

    def publish_end(self, run: Run, last: Sequence[Event]) -> None:
        """Publish the run's last events, and before them what is not published yet."""
        with run.publication.lock:
            self._publish([(run, [*run.events[run.publication.count :], *last])])

    def _unexpired(self, now: float) -> list[Run]:
        """The unpublished runs. Drops those whose end no process waits for any more."""
        with self._lock:
            # An ended run is published until its flight key expires: other processes may still wait for its end.
            expired = now - redis_log.FLIGHT_SECONDS
            self._unpublished -= {run for run in self._unpublished if run.ended_at and run.ended_at < expired}
            return list(self._unpublished)

    def _publish(self, batches: Sequence[Batch]) -> None:
        """Append these events to the logs, in one trip. If a shard of a cluster is away, each run in its own trip."""
        if not batches:
            return
        if redis_log.publish(self._process_id, batches):
            for run, new in batches:
                self._mark_published(run, new)
        elif redis_log.is_unavailable():
            return
        elif len(batches) > 1:
            for batch in batches:
                self._publish([batch])
        else:
            run, new = batches[0]
            run.publication.mark_shard_lost(new)

    def _mark_published(self, run: Run, new: Sequence[Event]) -> None:
        run.publication.mark_published(new)
        if isinstance(new[-1], Finish):
            with self._lock:
                self._unpublished.discard(run)
