"""The run broker of a process: starts, finds and stops runs, and maintains them in one background thread."""

from __future__ import annotations

import _thread
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import NamedTuple

from django.conf import settings

from chat.core.events import Event, Finish, Start
from chat.runs import redis_log
from chat.runs.run import Producer, Run
from observability import logs, metrics, unexpected_errors

log = logs.get_logger(__name__)

PUBLISH_SECONDS = 0.05  # delay until other processes see an event, or this one a command
UNREAD_PUBLISH_SECONDS = 1.0  # the same without remote readers; a crash loses at most the events of this time
HEARTBEAT_SECONDS = 0.5  # interval of lease renewals and of checks for unread runs
ANNOUNCE_SECONDS = 1.0  # interval at which a mirror announces its readers
CANCEL_SECONDS = 2.0  # at most, from the cancellation of a run to its end
RETENTION_SECONDS = 60.0  # time for which an ended run stays in memory


class Subscription(NamedTuple):
    """A reader's share in a run."""

    run: Run
    has_started_it: bool

    @property
    def is_leader(self) -> bool:
        """Whether this reader's own producer writes the run."""
        return self.has_started_it and self.run.is_led_here


class RunBroker:
    """One per process. Its maintenance thread starts with its first run.

    `end_events` in the methods below are the events that end a run if its leader is lost.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all runs and take a new process id."""
        self.process_id = secrets.token_urlsafe(9)
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._by_question: dict[str, Run] = {}  # by single-flight key; runs that have not ended
        self._led: set[Run] = set()  # led here, not ended
        self._finished: deque[tuple[float, Run]] = deque()  # ended runs, with the time of their end
        self._unpublished: set[Run] = set()  # led here, not completely in the Redis log
        self._has_work = threading.Event()
        self._maintenance_thread: threading.Thread | None = None

    def subscribe(self, single_flight_key: str, produce: Producer, end_events: Sequence[Event]) -> Subscription:
        """Join the run that answers this question anywhere in the fleet, else start one, led here."""
        while True:
            with self._lock:
                run = self._by_question.get(single_flight_key)
                if run is None:
                    new_run = self._by_question[single_flight_key] = Run(secrets.token_urlsafe(18), single_flight_key)
                    break
            run.role_decided.wait()
            # A cancelled run ends without an answer: start another one after it.
            if run.readers.join() or not run.wait_until_ended(CANCEL_SECONDS):
                metrics.SINGLE_FLIGHT_FOLLOWERS.inc()
                return Subscription(run, has_started_it=False)
        new_run.readers.join()
        self._lead_or_mirror(new_run, produce, end_events)
        return Subscription(new_run, has_started_it=True)

    def find(self, run_id: str, end_events: Sequence[Event]) -> Run | None:
        """A run of any process in the fleet, in progress or recently ended. None if there is none."""
        with self._lock:
            if run := self._runs.get(run_id):
                return run
        leader = redis_log.leader_of(run_id)
        if leader is None:
            return None
        run = Run(run_id)
        self._register(run)
        self._start_thread(self._mirror, run, leader, None, end_events)
        return run

    def stop(self, run_id: str) -> bool:
        """End a run for all its readers, whichever process leads it. False if there is no such run."""
        with self._lock:
            run = self._runs.get(run_id)
        if run is not None and run.is_led_here:
            was_in_progress = not run.has_ended
            run.cancel()
            return was_in_progress
        leader = redis_log.leader_of(run_id)
        if leader is None:
            return False
        redis_log.request_stop(leader, run_id)
        return True

    def is_leading(self) -> bool:
        """Whether this process leads a run in progress."""
        return bool(self._led)

    def unsubscribe(self, run_id: str, reader: str) -> None:
        """End the subscription of one reader in every process. A run without other readers is cancelled."""
        with self._lock:
            run = self._runs.get(run_id)
        if run is not None:
            self._unsubscribe_here(run, reader)
        redis_log.announce_unsubscribe(run_id, reader)

    def _lead_or_mirror(self, run: Run, produce: Producer, end_events: Sequence[Event]) -> None:
        """Lead the run, unless another process answers the same question: then mirror that run under its id."""
        try:
            holder = None
            with unexpected_errors.survived("runs"):  # then as without Redis: the run is this process' own
                holder = redis_log.acquire(run.single_flight_key, self.process_id, run.id)
            run.is_led_here = holder is None or holder[:2] == (self.process_id, run.id)
            if holder is not None:
                run.id, run.may_have_cached_answer = holder.run_id, holder.has_cached_answer
            self._register(run)
        finally:
            run.role_decided.set()
        if run.is_led_here:
            self._start_thread(self._lead, run, produce, end_events)
        else:
            assert holder is not None
            metrics.SINGLE_FLIGHT_FOLLOWERS.inc()
            self._start_thread(self._mirror, run, holder.process_id, produce, end_events)

    def _lead(self, run: Run, produce: Producer, end_events: Sequence[Event]) -> None:
        """Append all events of the producer, and end the run even if the producer fails."""
        try:
            for event in produce(run):
                if isinstance(event, Finish):
                    self._finish(run, [event])
                else:
                    run.append([event])
        except Exception:  # noqa: BLE001 - reported
            if not run.is_cancelled:
                unexpected_errors.report("runs")
        if not run.has_ended:
            self._finish(run, [Finish(origin="ai", ending="stopped")] if run.is_cancelled else end_events)

    def _finish(self, run: Run, last: Sequence[Event]) -> None:
        """Publish and append the last events. From now on the same question hits the cache or starts a new run."""
        try:
            if run.is_led_here:
                with run.publish_lock:
                    self._publish([(run, [*run.events[run.published_count :], *last])])
        finally:
            self._mark_finished(run)
            run.append(last)
            self._led.discard(run)
            self._has_work.set()

    def _mirror(self, run: Run, leader: str, produce: Producer | None, end_events: Sequence[Event]) -> None:
        """Copy another process's run from its log while it has readers here."""
        try:
            self._follow_log(run, leader, produce, end_events)
        except Exception:  # noqa: BLE001 - reported; for example an entry of another release
            unexpected_errors.report("runs")
            run.abort(end_events)
        finally:
            self._mark_finished(run)
            if not run.has_ended:
                with self._lock:
                    self._runs.pop(run.id, None)

    def _follow_log(self, run: Run, leader: str, produce: Producer | None, end_events: Sequence[Event]) -> None:
        """Append the log's events until the run ends. If the leader is lost, take over or abort."""
        redis_log.request_updates(leader, run.id)
        stream_id, announced_at = "0", 0.0
        while not run.has_ended and run.readers.seconds_unread() < RETENTION_SECONDS:
            entries = redis_log.tail(run.id, stream_id)
            for entry in entries or ():
                stream_id = entry.stream_id
                if entry.unsubscribed:
                    run.readers.unsubscribe(entry.unsubscribed)
                    continue
                overlap = len(run.events) - entry.first  # > 0: a publish was repeated because its reply was lost
                if overlap < 0:  # events are missing: end the run instead of showing a text with a gap
                    entries = None
                    break
                run.append(entry.events[overlap:])
            if entries is None:
                self._take_over(run, produce, end_events)
            elif not entries and not redis_log.is_alive(leader):
                leader = self._replace(leader, run, produce, end_events)
            elif (
                run.readers.may_return(settings.UNREAD_RUN_TIMEOUT_SECONDS)
                and time.monotonic() - announced_at > ANNOUNCE_SECONDS
            ):
                announced_at = time.monotonic()
                redis_log.announce_reader(run.id, seconds=5)

    def _replace(self, dead: str, run: Run, produce: Producer | None, end_events: Sequence[Event]) -> str:
        """Let one of the processes that mirror the run lead it in place of the dead one, and return that process."""
        if produce is None or run.has_text:
            self._take_over(run, produce, end_events)
            return dead
        leader = redis_log.take_over(run.id, run.single_flight_key, dead, self.process_id)
        if leader == self.process_id:
            self._take_over(run, produce, end_events)
        else:
            redis_log.request_updates(leader, run.id)
        return leader

    def _take_over(self, run: Run, produce: Producer | None, end_events: Sequence[Event]) -> None:
        """The leader is lost. Lead the run if it has no text yet and this process has a producer; else abort it."""
        if run.has_ended:
            return
        if produce is None or run.has_text:
            run.abort(end_events)
            return
        log.warning("Leader of a run died; answering in its place")
        run.is_led_here = run.may_have_cached_answer = True
        run.published_count = len(run.events)
        self._register(run)
        if not run.events:
            self._lead(run, produce, end_events)
            return
        self._lead(run, lambda run: (event for event in produce(run) if not isinstance(event, Start)), end_events)

    def _mark_finished(self, run: Run) -> None:
        """Release the run's single-flight key in this process, and start its retention time."""
        with self._lock:
            self._finished.append((time.monotonic(), run))
            if self._by_question.get(run.single_flight_key) is run:
                del self._by_question[run.single_flight_key]

    def _register(self, run: Run) -> None:
        with self._lock:
            self._runs[run.id] = run
            if run.is_led_here:
                self._unpublished.add(run)
                self._led.add(run)
            if self._maintenance_thread is None:
                self._maintenance_thread = threading.Thread(target=self._maintain, name="runs", daemon=True)
                self._maintenance_thread.start()
        self._has_work.set()

    def _start_thread(self, work: Callable[..., None], *arguments: object) -> None:
        """Run `work` in a new thread, with the correlation id and trace of the request that started it.

        A bare thread: a `threading.Thread` object takes 3 KB more while the run is in progress.
        """
        context = copy_context()
        _thread.start_new_thread(lambda: context.run(work, *arguments), ())

    def _maintain(self) -> None:
        """The maintenance loop: publish events, apply commands, send heartbeats and expire runs, for all runs."""
        next_heartbeat = 0.0
        while True:
            if not self.is_leading():
                self._has_work.wait(HEARTBEAT_SECONDS if self._runs else None)
            self._has_work.clear()
            try:
                self._publish_due()
                self._apply_commands()
                if time.monotonic() >= next_heartbeat:
                    next_heartbeat = time.monotonic() + HEARTBEAT_SECONDS
                    self._heartbeat()
            except Exception:
                log.exception("Run maintenance failed")
            time.sleep(PUBLISH_SECONDS)

    def _apply_commands(self) -> None:
        """Apply what other processes have requested for the runs led here."""
        for run_id, command in redis_log.take_commands(self.process_id) if self.is_leading() else ():
            with self._lock:
                run = self._runs.get(run_id)
            if run is None:
                continue
            if command == redis_log.STOP:
                run.cancel()
            elif command == redis_log.REMOTE_READER:
                run.has_remote_readers = True
            else:
                self._unsubscribe_here(run, command)

    def _publish_due(self) -> None:
        """Publish runs with remote readers every time, others every UNREAD_PUBLISH_SECONDS: each costs a command."""
        with self._lock:
            unpublished = list(self._unpublished)
        due_since = time.monotonic() - UNREAD_PUBLISH_SECONDS
        due = [run for run in unpublished if run.has_remote_readers or run.published_at <= due_since]
        locked = [run for run in due if run.publish_lock.acquire(blocking=False)]  # a locked run is just ending
        try:
            self._publish([(run, new) for run in locked if (new := run.events[run.published_count :])])
        finally:
            for run in locked:
                run.publish_lock.release()

    def _publish(self, batches: Sequence[tuple[Run, Sequence[Event]]]) -> None:
        if not batches or not redis_log.publish(self.process_id, batches):
            return
        for run, new in batches:
            run.published_count += len(new)
            run.published_at = time.monotonic()
            if isinstance(new[-1], Finish):
                run.clear_final_writes()
                with self._lock:
                    self._unpublished.discard(run)

    def _heartbeat(self) -> None:
        """Renew this process's lease, cancel unread runs and drop those whose retention time is over."""
        if self.is_leading():
            redis_log.renew_lease(self.process_id)
        for run in list(self._led):
            self._cancel_if_unread(run)
        with self._lock:
            while self._finished and time.monotonic() - self._finished[0][0] > RETENTION_SECONDS:
                _, run = self._finished.popleft()
                self._unpublished.discard(run)
                if self._runs.get(run.id) is run:
                    del self._runs[run.id]

    def _unsubscribe_here(self, run: Run, reader: str) -> None:
        run.readers.unsubscribe(reader)
        if run.is_led_here:
            self._cancel_if_unread(run)

    def _cancel_if_unread(self, run: Run) -> None:
        """Cancel a run without readers, here or elsewhere, whose grace time for reconnecting readers is over."""
        grace_seconds = settings.UNREAD_RUN_TIMEOUT_SECONDS
        if (
            run.readers.are_gone(grace_seconds)
            and not redis_log.has_remote_readers(run)
            and run.readers.close_if_gone(grace_seconds)
        ):
            run.cancel()
