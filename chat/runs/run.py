"""The events of one answer as this process knows them, and those who wait for more."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from redis import Redis

from chat.events import Delta, Event, Finish, words_of
from chat.runs.bell import Bell
from chat.runs.said import Said
from chat.transcripts import Transcript
from observability import logs

log = logs.get_logger(__name__)

# Readers hear of a silence: soon before the first words, so that they can send their headers, then just often enough to
# keep proxies from hanging up.
FIRST_SILENCE_SECONDS = 0.25
SILENCE_SECONDS = 10.0
# What is told at once: a reader who lags behind is told more often, not more.
BATCH_EVENTS = 200
BATCH_CHARACTERS = 8_000
# What a writer who is gone may have said beyond what was written down. Readers tell us where they are; who claims to be
# further than that is not believed.
LOST_EVENTS = 1_000

OnEnd = Callable[[Transcript], object]
Write = Callable[[Redis], object]
Produce = Callable[["Run"], Iterator[Event]]


class Run:
    """A growing list of events: one writer, any number of readers, each from where it likes.

    `flight` is the key of the question that it answers, `is_led_here` whether this process writes it (else it mirrors
    another's). `decided` is set as soon as both that and the id are known.
    """

    def __init__(self, run_id: str, flight: str = "") -> None:
        self.id = run_id
        self.flight = flight
        self.is_led_here = False
        self.may_have_kept_answer = True  # an answer to the same question, from a run before this one
        self._writer: weakref.ref[Produce] | None = None
        self.decided = threading.Event()
        self.events = Said()
        self.ended_at: float | None = None
        self.is_cancelled = False
        self.published = 0  # how many events the log in Redis has
        self.published_at = 0.0
        self.publishing = threading.Lock()  # each run's own: a hundred that end must not wait for one another's trips
        self.is_read_afar = False  # whether somebody on another instance waits for what is published
        self._furthest = 0  # how many events some reader has heard, here or elsewhere
        self._readers = 0
        self._left: frozenset[str] = frozenset()  # readers who went on purpose
        # Readers who went before the end: they may come back, unless they left too.
        self._vanished: frozenset[str] = frozenset()
        self._unread_since = time.monotonic()
        self._mutex = threading.Lock()
        self._bells: list[Bell] = []  # of those who wait for more
        self._over = threading.Event()
        self._closers: list[Callable[[], None]] = []
        self._on_end: list[OnEnd] | None = []  # None once it is ending
        self.finish: Finish | None = None  # once its leader is about to tell it
        self._last_writes: list[Write] = []

    @property
    def owner(self) -> str:
        """The scope of the one caller whose answer this is; empty for one that anybody may be given."""
        scope = self.flight.partition(":")[0]
        return "" if scope == "public" else scope

    @property
    def has_ended(self) -> bool:
        return self.ended_at is not None

    @property
    def has_text(self) -> bool:
        return any(isinstance(event, Delta) for event in self.events)

    def is_to_be_written_by(self, produce: Produce) -> None:
        """Remembered, and not kept: it holds the question, and its run is kept for longer than anybody asks."""
        self._writer = weakref.ref(produce)

    def is_written_by(self, produce: Produce) -> bool:
        """Whether this is what was chosen to write it."""
        return self._writer is not None and self._writer() is produce

    def append(self, new: Sequence[Event]) -> None:
        """Say more. What follows a `Finish` is dropped: an answer ends once.

        Called by its one writer only. Everyone who registered with `on_end` is called before readers see the end.
        """
        if not new or self.has_ended:
            return
        is_last = isinstance(new[-1], Finish)
        if is_last:
            self._call_on_end(Transcript([*self.events, *new]))
        with self._mutex:
            self.events.extend(new)
            if is_last:
                self.ended_at = time.monotonic()
                self._closers.clear()  # they hold on to the call that the answer came by
                self._over.set()
            self._ring()

    def break_off(self, last: Sequence[Event]) -> None:
        """End it with these words, for a writer who is gone.

        Some readers may have heard more from that writer than was ever written down: these words come after that.
        """
        unknown = min(max(0, self._furthest - len(self.events)), LOST_EVENTS)
        self.append([*[Delta("")] * unknown, *last])

    def read(self, after: int = 0, reader: str = "") -> Iterator[Sequence[Event]]:
        """All that was said since event number `after`, then all that comes; an empty batch means silence.

        Whoever reads under the name of a `reader` that leaves is told the end at once. When all is over the end is told
        in any case, also to those who claim to know it.
        """
        self._furthest = max(self._furthest, after)
        position, patience = min(after, len(self.events) - 1) if self.has_ended else after, FIRST_SILENCE_SECONDS
        with self._presence(reader), self._bell() as bell:
            while not (self.has_ended and position == len(self.events)):
                if self.has_ended and position > len(self.events):
                    position = len(self.events) - 1
                if reader in self._left:
                    yield [Finish("ai", ending="stopped")]
                    return
                if batch := self._batch(position):
                    position += len(batch)
                    if isinstance(batch[-1], Delta):
                        patience = SILENCE_SECONDS
                    yield batch
                elif not bell.wait(patience):
                    patience = SILENCE_SECONDS
                    yield []

    def goes_beyond(self, position: int) -> bool:
        """Whether more than so many events were said; waited for a moment when no more are known yet."""
        with self._bell() as bell:
            until = time.monotonic() + FIRST_SILENCE_SECONDS
            while len(self.events) <= position and not self.has_ended:
                if not bell.wait(max(0, until - time.monotonic())):
                    break
        return len(self.events) > position

    def said(self) -> Sequence[Event]:
        """What has been said, without counting as a reader; waited for a moment when nothing is known of it yet."""
        with self._bell() as bell:
            if not self.events:
                bell.wait(FIRST_SILENCE_SECONDS)
            return self.events[:]

    def write_with_end(self, write: Write) -> bool:
        """Have this done on the pipeline that tells the fleet of the end: written before anybody reads that, and for no
        trip of its own. False when that pipeline is not ours, or has been sent.
        """
        with self._mutex:
            if self.is_led_here and self.finish is None:
                self._last_writes.append(write)
                return True
        return False

    def last_writes(self, finish: Finish) -> Sequence[Write]:
        """What is to be written with this end. From here on no more is taken."""
        with self._mutex:
            self.finish = finish
            return self._last_writes

    def have_been_written(self) -> None:
        """They hold on to what they write, and the run is kept for longer."""
        self._last_writes.clear()

    def on_end(self, call: OnEnd) -> None:
        """Call this with the whole transcript just before the end is read; at once when it is over already."""
        with self._mutex:
            if self._on_end is not None:
                self._on_end.append(call)
                return
        self._over.wait()
        call(Transcript(self.events))

    def unread_for(self) -> float:
        """Seconds for which nobody on this instance has been reading."""
        return 0.0 if self._readers else time.monotonic() - self._unread_since

    def leave(self, reader: str) -> None:
        """End the reading of this reader; the others go on."""
        with self._mutex:
            self._left |= {reader}
            self._ring()

    @property
    def is_left_alone(self) -> bool:
        """Whether somebody stopped reading on purpose and nobody else on this instance reads or may come back."""
        return bool(self._left) and not self._readers and self._vanished <= self._left

    def is_awaited(self, grace_seconds: float) -> bool:
        """Whether anybody on this instance reads it, or lost it so short a while ago that they may come back."""
        return bool(self._readers) or (not self._vanished <= self._left and self.unread_for() <= grace_seconds)

    def cancel(self) -> None:
        """End it for all its readers and free what it holds upstream; from any thread, once."""
        with self._mutex:
            self.is_cancelled = True
            closers, self._closers = self._closers, []
        for close in closers:
            close()

    def on_cancel(self, close: Callable[[], None]) -> None:
        """Call `close` when the run is cancelled; at once when it is already."""
        with self._mutex:
            if not self.is_cancelled:
                self._closers.append(close)
                return
        close()

    def _call_on_end(self, transcript: Transcript) -> None:
        with self._mutex:
            calls, self._on_end = self._on_end or [], None
        for call in calls:
            try:
                call(transcript)
            except Exception:
                log.exception("A listener to a run's end failed")

    def _batch(self, position: int) -> Sequence[Event]:
        """What comes next, no more than a reader may hold who takes his time."""
        batch = self.events[position : position + BATCH_EVENTS]
        if len(batch) < 2:
            return batch  # nearly always
        characters = 0
        for number, event in enumerate(batch, 1):
            characters += len(words_of(event))
            if characters >= BATCH_CHARACTERS:
                return batch[:number]
        return batch

    def _ring(self) -> None:
        for bell in self._bells:
            bell.ring()

    @contextmanager
    def _bell(self) -> Iterator[Bell]:
        """Rings whenever there is something new."""
        bell = Bell()
        with self._mutex:
            self._bells.append(bell)
        try:
            yield bell
        finally:
            with self._mutex:
                self._bells.remove(bell)
            bell.put_away()

    @contextmanager
    def _presence(self, reader: str) -> Iterator[None]:
        with self._mutex:
            self._readers += 1
        has_heard_the_end = False
        try:
            yield
            has_heard_the_end = True
        finally:
            with self._mutex:
                if reader and not has_heard_the_end:
                    self._vanished |= {reader}
                self._readers -= 1
                self._unread_since = time.monotonic()
