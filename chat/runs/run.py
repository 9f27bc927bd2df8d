"""One run in this process: its events, its subscribers, and callbacks for its end and its cancellation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from chat.core.events import STOPPED, Delta, Event, Finish, text_of_event
from chat.core.transcript import Transcript
from chat.runs.event_buffer import EventBuffer
from chat.runs.publication import FinalWrite, Publication
from chat.runs.readers import Readers
from chat.runs.subscriber import Outlet
from observability import unexpected_errors

# Time without events after which `read` yields an empty batch. The first comes early, so that response headers can be
# sent; later ones come just often enough to keep proxies from closing the connection.
FIRST_KEEPALIVE_SECONDS = 0.25
KEEPALIVE_SECONDS = 10.0
# Limits of one batch: a slow reader gets more batches, not larger ones.
MAX_BATCH_EVENTS = 200
MAX_BATCH_CHARACTERS = 8_000
# Longest wait for the mirror of a run that has ended elsewhere: more than a Redis outage plus a dead leader's lease.
MIRROR_TIMEOUT_SECONDS = 6.0
# Most events that a dead leader may have sent to readers and not published. Positions come from clients, so a position
# beyond this is ignored.
MAX_UNPUBLISHED_EVENTS = 1_000
# End callbacks that run one after another: those of one reader. More run at the same time, each in a thread.
FEW_CALLBACKS = 3
MAX_CALLBACK_THREADS = 50

EndCallback = Callable[[Transcript], object]
Producer = Callable[["Run"], Iterator[Event]]


class Run:
    """An append-only list of events with one writer and any number of subscribers, each at its own position.

    `single_flight_key` identifies the question. `is_led_here` tells whether this process produces the events; if not,
    it mirrors another process's run. `role_decided` is set as soon as that and `id` are known. `produce` makes the
    events; None in a process that can only mirror the run, and after its end. `end_events` end the run if its leader is
    lost. A run that `needs_readers` is cancelled when it has none. `may_live_elsewhere` is set once this process has
    ended its mirror, while the leader may go on writing the answer.
    """

    def __init__(
        self,
        run_id: str,
        single_flight_key: str = "",
        produce: Producer | None = None,
        end_events: Sequence[Event] = (),
        *,
        needs_readers: bool = True,
    ) -> None:
        self.id = run_id
        self.single_flight_key = single_flight_key
        self.produce = produce
        self.end_events = end_events
        self.needs_readers = needs_readers
        self.is_led_here = False
        self.may_have_cached_answer = True  # a previous run may have cached an answer to the same question
        self.role_decided = threading.Event()
        self.events = EventBuffer()
        self.readers = Readers()
        self.publication = Publication()
        self.ended_at: float | None = None
        self.is_cancelled = False
        self.may_live_elsewhere = False
        self._max_position = 0  # highest position that any reader has claimed, here or elsewhere
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._cancel_callbacks: list[Callable[[], None]] = []
        self._end_callbacks: dict[object, EndCallback] | None = {}  # None once the run is ending

    @property
    def owner(self) -> str:
        """The cache scope of the one caller whose answer this is; empty for a public answer."""
        scope = self.single_flight_key.partition(":")[0]
        return "" if scope == "public" else scope

    @property
    def has_ended(self) -> bool:
        return self.ended_at is not None

    @property
    def has_text(self) -> bool:
        return self.events.has_text

    @property
    def can_start_over(self) -> bool:
        """Whether this process can write the answer anew: it has a producer, and readers have no text yet."""
        return self.produce is not None and not self.has_text

    def append(self, new: Sequence[Event]) -> None:
        """Add events and wake the readers. Events after a `Finish` are dropped.

        Only the one writer calls this. End callbacks run before readers see the `Finish`.
        """
        if not new or self.has_ended:
            return
        is_end = isinstance(new[-1], Finish)
        if is_end:
            self._run_end_callbacks(Transcript([*self.events.merged(), *new]))
        with self._lock:
            self.events.extend(new)
            if is_end:
                self.ended_at = time.monotonic()
                self._cancel_callbacks.clear()  # they reference the upstream call
                self._ended.set()
        self.readers.wake()

    def push(self, text: str) -> None:
        """Add words, and send them to readers that wait for them. Only the one writer calls this."""
        if self.ended_at is not None:
            return
        with self._lock:
            count = self.events.add_words(text)
        self.readers.offer(text, count)

    def add_before_text(self, new: Sequence[Event]) -> None:
        """Add events unless the text or the end has begun. Any thread may call this, in the leading process."""
        with self.publication.lock, self._lock:  # the end is published before it is appended
            if self.publication.is_ending or self.has_text or self.has_ended:
                return
            self.events.extend(new)
        self.readers.wake()

    def abort(self, *, may_live_elsewhere: bool = False) -> None:
        """End the run with its `end_events`, because its leader or its log is lost.

        A reader that followed the leader may have received events that were never published, and resume here beyond
        the last event. Empty deltas fill that gap, so that this reader gets the end events too.
        """
        self.may_live_elsewhere = may_live_elsewhere and not self.has_ended
        gap = min(max(0, self._max_position - len(self.events)), MAX_UNPUBLISHED_EVENTS)
        self.append([*[Delta("")] * gap, *self.end_events])

    def read(
        self, after: int = 0, reader: str = "", outlet: Outlet | None = None, *, expects_reader: bool = False
    ) -> Iterator[Sequence[Event]]:
        """Subscribe: yield batches of events from position `after` on; an empty batch is a keep-alive.

        Words that are pushed to the `outlet` meanwhile are not in any batch. With `expects_reader` the run has waited
        for this reader since `readers.join`.

        Unsubscribing `reader` ends the iteration at once. The `Finish` is always yielded, even if `after` is at or
        beyond the end.
        """
        self._max_position = max(self._max_position, after)
        position = min(after, len(self.events) - 1) if self.has_ended else after
        # Who takes the answer in one piece sends no headers before its end.
        keepalive_seconds = KEEPALIVE_SECONDS if isinstance(outlet, Transcript) else FIRST_KEEPALIVE_SECONDS
        with self.readers.reading(reader, position, outlet, expects_reader=expects_reader) as subscriber:
            while not (self.has_ended and subscriber.position == len(self.events)):
                if self.has_ended and subscriber.position > len(self.events):
                    subscriber.position = len(self.events) - 1
                if self.readers.has_unsubscribed(reader):
                    yield [STOPPED]
                    return
                if batch := self._batch(subscriber.position):
                    subscriber.position += len(batch)
                    if isinstance(batch[-1], Delta):
                        keepalive_seconds = KEEPALIVE_SECONDS
                    yield batch
                elif not subscriber.wait(keepalive_seconds) or (outlet is not None and outlet.has_unsent):
                    keepalive_seconds = KEEPALIVE_SECONDS
                    yield []

    def has_events_after(self, position: int) -> bool:
        """Whether there are more than `position` events. Waits for the mirror of a run that has ended elsewhere."""
        with self.readers.waiting() as subscriber:
            deadline = time.monotonic() + MIRROR_TIMEOUT_SECONDS
            while len(self.events) <= position and not self.has_ended:
                if not subscriber.wait(max(0, deadline - time.monotonic())):
                    break
        return len(self.events) > position

    def events_so_far(self) -> Sequence[Event]:
        """The events, with adjacent text merged, without counting as a reader.

        Waits FIRST_KEEPALIVE_SECONDS for what another process has not published yet, or for the first event.
        """
        if not self.is_led_here:
            self.wait_until_ended(FIRST_KEEPALIVE_SECONDS)
        with self.readers.waiting() as subscriber:
            if not self.events:
                subscriber.wait(FIRST_KEEPALIVE_SECONDS)
            return self.events.merged()

    def add_final_write(self, write: FinalWrite) -> bool:
        """Add a write to the Redis trip that publishes the end.

        It costs no extra trip and is done before any reader sees the end. Returns False if this process does not lead
        the run, or if the trip's commands have been made already.
        """
        return self.is_led_here and self.publication.add_final_write(write)

    def on_end(self, callback: EndCallback, key: str = "") -> None:
        """Call `callback` with the whole transcript just before readers see the end; immediately if it has ended.

        Of several with the same `key` before the end only the first is called.
        """
        with self._lock:
            if self._end_callbacks is not None:
                self._end_callbacks.setdefault(key or object(), callback)
                return
        self._ended.wait()
        _call(callback, Transcript(self.events.merged()))

    def wait_until_ended(self, seconds: float) -> bool:
        """False if it has not ended after `seconds`."""
        return self._ended.wait(seconds)

    def cancel(self) -> None:
        """Run the cancel callbacks once. They end the upstream call, and with it the run. Any thread may call this."""
        self.readers.close()
        with self._lock:
            self.is_cancelled = True
            callbacks, self._cancel_callbacks = self._cancel_callbacks, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the run is cancelled; immediately if it is already."""
        with self._lock:
            if not self.is_cancelled:
                self._cancel_callbacks.append(callback)
                return
        callback()

    def _run_end_callbacks(self, transcript: Transcript) -> None:
        with self._lock:
            pending, self._end_callbacks = self._end_callbacks or {}, None
        callbacks = list(pending.values())
        if len(callbacks) <= FEW_CALLBACKS:
            for callback in callbacks:
                _call(callback, transcript)
            return
        with ThreadPoolExecutor(min(len(callbacks), MAX_CALLBACK_THREADS)) as pool:
            for callback in callbacks:
                pool.submit(copy_context().run, _call, callback, transcript)

    def _batch(self, position: int) -> Sequence[Event]:
        """The next events, within the limits of one batch."""
        batch = self.events[position : position + MAX_BATCH_EVENTS]
        if len(batch) < 2:
            return batch  # the common case
        characters = 0
        for count, event in enumerate(batch, 1):
            characters += len(text_of_event(event))
            if characters >= MAX_BATCH_CHARACTERS:
                return batch[:count]
        return batch


def _call(callback: EndCallback, transcript: Transcript) -> None:
    with unexpected_errors.survived("history"):  # a callback saves or counts the answer
        callback(transcript)
