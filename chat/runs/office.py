"""This process' part in the fleet's runs: those it leads, those it mirrors, and the one thread that keeps them."""

from __future__ import annotations

import _thread
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context

from django.conf import settings

from chat.events import Event, Finish, Start
from chat.runs import log as shared_log
from chat.runs.run import Produce, Run
from observability import logs, metrics

log = logs.get_logger(__name__)

PUBLISH_SECONDS = 0.05  # what is said here is read elsewhere this late at most, and a stop noticed
UNREAD_PUBLISH_SECONDS = 1.0  # the same while nobody elsewhere reads: so much may be lost with this process
HEARTBEAT_SECONDS = 0.5  # that nobody reads any more is noticed this late at most
ANNOUNCE_SECONDS = 1.0
KEPT_SECONDS = 60.0  # a run that has ended can be read from memory for so long


class Office:
    """Begins, finds and stops runs; one for each process. Its thread starts with its first run."""

    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Begin with nothing, under a new name."""
        self.process = secrets.token_urlsafe(9)
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._flights: dict[str, Run] = {}
        self._under_way: set[Run] = set()  # led here
        self._landed: deque[tuple[float, Run]] = deque()  # those that have ended, since when
        self._unpublished: set[Run] = set()  # led here, and not wholly in the log
        self._work = threading.Event()
        self._keeper: threading.Thread | None = None

    def lead_or_follow(self, flight: str, produce: Produce, cut_short: Sequence[Event]) -> Run:
        """The run that answers this question: one already under way anywhere in the fleet, else a new one led here.

        `cut_short` is what readers are told when the writer dies in the middle.
        """
        with self._lock:
            run = self._flights.get(flight)
            if run is None:
                mine = self._flights[flight] = Run(secrets.token_urlsafe(18), flight)
        if run is not None:
            run.decided.wait()
            metrics.SINGLE_FLIGHT_FOLLOWERS.inc()
            return run
        self._decide(mine, produce, cut_short)
        return mine

    def find(self, run_id: str, cut_short: Sequence[Event], *, patience: float = 0.0) -> Run | None:
        """A run by its id, here or anywhere in the fleet, under way or ended a short while ago.

        One that has just begun elsewhere is not known yet: it is waited for so many seconds.
        """
        with self._lock:
            if run := self._runs.get(run_id):
                return run
        until = time.monotonic() + patience
        while (leader := shared_log.leader_of(run_id)) is None:
            if time.monotonic() >= until:
                return None
            time.sleep(PUBLISH_SECONDS)
        run = Run(run_id)
        self._register(run)
        self._start(self._mirror, run, leader, None, cut_short)
        return run

    def stop(self, run_id: str) -> bool:
        """End a run for everyone who reads it, wherever it is led. False when there is no such run."""
        with self._lock:
            run = self._runs.get(run_id)
        if run is not None and run.is_led_here:
            was_under_way = not run.has_ended
            run.cancel()
            return was_under_way
        leader = shared_log.leader_of(run_id)
        if leader is None:
            return False
        shared_log.ask_to_stop(leader, run_id)
        return True

    def is_leading(self) -> bool:
        """Whether an answer is being written here."""
        return bool(self._under_way)

    def leave(self, run_id: str, reader: str) -> None:
        """End the reading of one reader, wherever they read. A run that nobody else reads is cancelled."""
        with self._lock:
            run = self._runs.get(run_id)
        if run is not None:
            run.leave(reader)
        shared_log.tell_left(run_id, reader)

    def _decide(self, run: Run, produce: Produce, cut_short: Sequence[Event]) -> None:
        """Lead, unless somebody else in the fleet already does."""
        try:
            holder = shared_log.holder_of(run.flight, self.process, run.id)
            run.is_led_here = holder is None or holder[:2] == (self.process, run.id)
            if holder is not None:
                run.id, run.may_have_kept_answer = holder.run, holder.has_kept_answer
            self._register(run)
        finally:
            run.decided.set()
        if run.is_led_here:
            run.is_to_be_written_by(produce)
            self._start(self._lead, run, produce, cut_short)
        else:
            assert holder is not None
            metrics.SINGLE_FLIGHT_FOLLOWERS.inc()
            self._start(self._mirror, run, holder.process, produce, cut_short)

    def _lead(self, run: Run, produce: Produce, cut_short: Sequence[Event]) -> None:
        """Write the run to its end, whatever happens."""
        try:
            for event in produce(run):
                if isinstance(event, Finish):
                    self._end(run, [event])
                else:
                    run.append([event])
        except Exception:
            if not run.is_cancelled:
                log.exception("Run failed")
        if not run.has_ended:
            self._end(run, [Finish(origin="ai", ending="stopped")] if run.is_cancelled else cut_short)

    def _end(self, run: Run, last: Sequence[Event]) -> None:
        """Say the last words. Whoever asks the same after that begins anew, and finds the answer in the cache."""
        try:
            if run.is_led_here:
                with run.publishing:
                    self._publish([(run, [*run.events[run.published :], *last])])
        finally:
            self._land(run)
            run.append(last)
            self._under_way.discard(run)
            self._work.set()

    def _mirror(self, run: Run, leader: str, produce: Produce | None, cut_short: Sequence[Event]) -> None:
        """Copy another process' run from its log for as long as somebody here reads it."""
        try:
            self._copy(run, leader, produce, cut_short)
        except Exception:  # an entry that we can't read, say of another release
            log.exception("Mirroring a run failed")
            run.break_off(cut_short)
        finally:
            self._land(run)
            if not run.has_ended:
                with self._lock:
                    self._runs.pop(run.id, None)

    def _copy(self, run: Run, leader: str, produce: Produce | None, cut_short: Sequence[Event]) -> None:
        shared_log.ask_for_news(leader, run.id)
        place, announced_at = "0", 0.0
        while not run.has_ended and run.unread_for() < KEPT_SECONDS:
            entries = shared_log.tail(run.id, place)
            for entry in entries or ():
                place = entry.place
                if entry.left:
                    run.leave(entry.left)
                    continue
                known = len(run.events) - entry.first  # above 0: written twice, its first write was not confirmed
                if known < 0:  # the log lost something: better honest than wrong
                    entries = None
                    break
                run.append(entry.events[known:])
            if entries is None or not (entries or shared_log.lives(leader)):
                self._go_on_alone(run, produce, cut_short)
            elif run.is_awaited(settings.RUN_GRACE_SECONDS) and time.monotonic() - announced_at > ANNOUNCE_SECONDS:
                announced_at = time.monotonic()
                shared_log.announce_reader(run.id, seconds=5)

    def _go_on_alone(self, run: Run, produce: Produce | None, cut_short: Sequence[Event]) -> None:
        """The writer is gone. If it had said nothing yet we answer ourselves; else we say that there is no more."""
        if run.has_ended:
            return
        if produce is None or run.has_text:
            run.break_off(cut_short)
            return
        log.warning("Leader of a run died; answering in its place")
        run.is_led_here = run.may_have_kept_answer = True
        run.is_to_be_written_by(produce)
        run.published = len(run.events)
        self._register(run)
        if not run.events:
            self._lead(run, produce, cut_short)
            return
        self._lead(run, lambda run: (event for event in produce(run) if not isinstance(event, Start)), cut_short)

    def _land(self, run: Run) -> None:
        """The next one who asks this question begins anew (and finds the answer in the cache)."""
        with self._lock:
            self._landed.append((time.monotonic(), run))
            if self._flights.get(run.flight) is run:
                del self._flights[run.flight]

    def _register(self, run: Run) -> None:
        with self._lock:
            self._runs[run.id] = run
            if run.is_led_here:
                self._unpublished.add(run)
                self._under_way.add(run)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="runs", daemon=True)
                self._keeper.start()
        self._work.set()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        """In a thread that goes on for whoever asks now: with their correlation id, in their trace.

        A bare one: a Thread's own things would take 3 KB for as long as the answer is being written.
        """
        context = copy_context()
        _thread.start_new_thread(lambda: context.run(work, *arguments), ())

    def _keep(self) -> None:
        """Publish what was said, renew the lease, heed stops, cancel what nobody reads – for all runs at once."""
        next_beat = 0.0
        while True:
            if not self.is_leading():
                self._work.wait(HEARTBEAT_SECONDS if self._runs else None)
            self._work.clear()
            try:
                self._publish_news()
                self._heed_wishes()
                if time.monotonic() >= next_beat:
                    next_beat = time.monotonic() + HEARTBEAT_SECONDS
                    self._beat()
            except Exception:
                log.exception("Keeping the runs failed")
            time.sleep(PUBLISH_SECONDS)

    def _heed_wishes(self) -> None:
        """Of those who read elsewhere, and of those who don't want to any more."""
        for run_id, wish in shared_log.wishes(self.process) if self.is_leading() else ():
            with self._lock:
                run = self._runs.get(run_id)
            if run is None:
                continue
            if wish == shared_log.END:
                run.cancel()
            elif wish == shared_log.READ_AFAR:
                run.is_read_afar = True
            else:
                run.leave(wish)

    def _publish_news(self) -> None:
        """Runs that somebody elsewhere reads at once, the others now and then: each costs Redis a command."""
        with self._lock:
            unpublished = list(self._unpublished)
        rested = time.monotonic() - UNREAD_PUBLISH_SECONDS
        due = [run for run in unpublished if run.is_read_afar or run.published_at <= rested]
        ours = [run for run in due if run.publishing.acquire(blocking=False)]  # the others are just being ended
        try:
            self._publish([(run, new) for run in ours if (new := run.events[run.published :])])
        finally:
            for run in ours:
                run.publishing.release()

    def _publish(self, news: Sequence[tuple[Run, Sequence[Event]]]) -> None:
        if not news or not shared_log.publish(self.process, news):
            return
        for run, new in news:
            run.published += len(new)
            run.published_at = time.monotonic()
            if isinstance(new[-1], Finish):
                run.have_been_written()
                with self._lock:
                    self._unpublished.discard(run)

    def _beat(self) -> None:
        if self.is_leading():
            shared_log.renew(self.process)
        for run in list(self._under_way):
            if self._is_abandoned(run):
                run.cancel()
        with self._lock:
            while self._landed and time.monotonic() - self._landed[0][0] > KEPT_SECONDS:
                _, run = self._landed.popleft()
                self._unpublished.discard(run)
                if self._runs.get(run.id) is run:
                    del self._runs[run.id]

    def _is_abandoned(self, run: Run) -> bool:
        grace = 0 if run.is_left_alone else settings.RUN_GRACE_SECONDS
        return run.unread_for() > grace and not shared_log.is_read_elsewhere(run)
