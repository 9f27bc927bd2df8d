"""How much of a run is in its Redis log, and what is written to Redis with its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from chat.core.events import Event, Finish
from observability.redis_trips import Command

UNREAD_PUBLISH_SECONDS = 1.0  # delay without remote readers; a crash loses at most the events of this time

FinalWrite = Callable[[Finish], Sequence[Command]]  # the Redis commands that go with this end


class Publication:
    """What the process that leads a run has published of it. The publishing thread holds `lock`."""

    __slots__ = (
        "_final_writes",
        "_final_writes_lock",
        "count",
        "entry_to_claim_after",
        "has_had_remote_readers",
        "has_lost_shard",
        "is_ending",
        "lock",
        "tried_at",
    )

    def __init__(self) -> None:
        self.lock = threading.Lock()  # one per run, so that no run waits for another one's Redis trip
        self.count = 0  # events in the log
        self.tried_at = 0.0  # of the last publication, or of the last attempt without a lost shard
        self.has_lost_shard = False  # the shard of a cluster that has the log, or another key of the run, is away
        # Set by a take-over until the run is claimed: the id of the last log entry that this process has read.
        self.entry_to_claim_after = ""
        self.has_had_remote_readers = False  # another process has asked for this run's events; it may have left since
        self.is_ending = False  # the commands that publish the end are made, and accept no further write
        self._final_writes: tuple[FinalWrite, ...] = ()
        self._final_writes_lock = threading.Lock()

    def is_due(self, now: float) -> bool:
        """With remote readers always, else every UNREAD_PUBLISH_SECONDS: each publication costs a command."""
        is_urgent = self.has_had_remote_readers and not self.has_lost_shard
        return is_urgent or self.tried_at <= now - UNREAD_PUBLISH_SECONDS

    def add_final_write(self, write: FinalWrite) -> bool:
        """As `Run.add_final_write`, in the process that leads the run."""
        with self._final_writes_lock:
            if not self.is_ending:
                self._final_writes += (write,)
            return not self.is_ending

    def final_writes(self, finish: Finish) -> Iterator[Command]:
        """The commands that go with this end. `add_final_write` accepts no more from now on."""
        with self._final_writes_lock:
            self.is_ending = True
        for write in self._final_writes:
            yield from write(finish)

    def mark_published(self, new: Sequence[Event]) -> None:
        """These events have been appended to the log."""
        self.count += len(new)
        self.entry_to_claim_after = ""
        self._mark_tried(new, has_lost_shard=False)

    def mark_shard_lost(self, new: Sequence[Event]) -> None:
        """A shard has not executed its commands when these events were published. The others have executed theirs."""
        self._mark_tried(new, has_lost_shard=True)

    def _mark_tried(self, new: Sequence[Event], *, has_lost_shard: bool) -> None:
        self.tried_at, self.has_lost_shard = time.monotonic(), has_lost_shard
        if isinstance(new[-1], Finish):
            self._final_writes = ()  # they are executed; free what they reference, the run is retained for longer
