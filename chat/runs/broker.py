"""The run broker of a process: starts, finds and stops runs, and maintains them in one background thread."""

from __future__ import annotations

import _thread
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from typing import NamedTuple

from django.conf import settings

from chat.core.events import STOPPED, Event, Finish, Start
from chat.runs import mirror, redis_log
from chat.runs.publisher import Publisher
from chat.runs.redis_log import LogReader
from chat.runs.run import Producer, Run
from chat.runs.subscriber import Outlet
from observability import logs, metrics, unexpected_errors

log = logs.get_logger(__name__)

PUBLISH_SECONDS = 0.05  # delay until other processes see an event, or this one a command
HEARTBEAT_SECONDS = 0.5  # interval of lease renewals and of checks for unread runs
RETENTION_SECONDS = 60.0  # time for which an ended run stays in memory


class Subscription(NamedTuple):
    """A reader's share in a run.

    `has_started_it`: this process had no run of the question yet, and this one has the reader's own producer.
    `expects_reader`: the run waits for the reader until it begins to read. It does not wait for one that resumes, and a
    renewal has none.
    """

    run: Run
    has_started_it: bool
    expects_reader: bool

    @property
    def is_leader(self) -> bool:
        """Whether this reader's own producer writes the run."""
        return self.has_started_it and self.run.is_led_here

    def read(self, after: int = 0, reader: str = "", outlet: Outlet | None = None) -> Iterator[Sequence[Event]]:
        """The reader's events, as `Run.read`."""
        return self.run.read(after, reader, outlet, expects_reader=self.expects_reader)


class RunBroker:
    """One per process. Its maintenance thread starts with its first run."""

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
        self._publisher = Publisher(self.process_id)
        self._has_work = threading.Event()
        self._maintenance_thread: threading.Thread | None = None

    def subscribe(
        self,
        single_flight_key: str,
        produce: Producer,
        end_events: Sequence[Event],
        *,
        expects_reader: bool = True,
    ) -> Subscription:
        """Join the run that answers this question anywhere in the fleet, else start one, led here.

        Without `expects_reader` the caller is not going to read it, and the run that it starts is not cancelled when it
        has no readers.
        """
        new_run = Run(secrets.token_urlsafe(18), single_flight_key, produce, end_events, needs_readers=expects_reader)
        while True:
            with self._lock:
                run = self._by_question.setdefault(single_flight_key, new_run)
            if run is new_run:
                break
            run.role_decided.wait()
            was_unread = run.readers.seconds_without_reader() > 0
            if run.readers.join(expects_reader=expects_reader):
                metrics.SINGLE_FLIGHT_FOLLOWERS.inc()
                if was_unread and expects_reader and not run.is_led_here:
                    redis_log.announce_reader(run.id)  # before its leader cancels it for want of readers
                return Subscription(run, has_started_it=False, expects_reader=expects_reader)
            self._release_question(run)  # it is being cancelled
        new_run.readers.join(expects_reader=expects_reader)
        self._lead_or_mirror(new_run)
        return Subscription(new_run, has_started_it=True, expects_reader=expects_reader)

    def find(self, run_id: str, end_events: Sequence[Event]) -> Run | None:
        """A run of any process in the fleet, in progress or recently ended. None if there is none."""
        with self._lock:
            if run := self._runs.get(run_id):
                return run
        leader = redis_log.leader_of(run_id)
        if leader is None:
            return None
        run = Run(run_id, end_events=end_events)
        self._register(run)
        self._start_thread(self._mirror, run, leader)
        return run

    def stop(self, run_id: str) -> bool:
        """End a run for all its readers, whichever process leads it. False if there is no such run."""
        with self._lock:
            run = self._runs.get(run_id)
        if run is not None and run.is_led_here:
            was_in_progress = not run.has_ended
            self._cancel(run)
            return was_in_progress
        leader = redis_log.leader_of(run_id)
        if leader is None:
            return False
        if run is not None:
            self._forget_question(run)
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

    def _lead_or_mirror(self, run: Run) -> None:
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
            self._start_thread(self._lead, run)
        else:
            assert holder is not None
            metrics.SINGLE_FLIGHT_FOLLOWERS.inc()
            self._start_thread(self._mirror, run, holder.process_id)

    def _lead(self, run: Run) -> None:
        """Append all events of the producer, and end the run even if the producer fails.

        A run that has begun, with a leader that was lost for instance, does not begin again.
        """
        self._publisher.add(run)
        try:
            assert run.produce is not None
            for event in run.produce(run):
                if isinstance(event, Start) and run.events:
                    continue
                if isinstance(event, Finish):
                    self._finish(run, [event])
                else:
                    run.append([event])
        except Exception:  # noqa: BLE001 - reported
            if not run.is_cancelled:
                unexpected_errors.report("runs")
        if not run.has_ended:
            self._finish(run, [STOPPED] if run.is_cancelled else run.end_events)

    def _finish(self, run: Run, last: Sequence[Event]) -> None:
        """Publish and append the last events. From now on the same question hits the cache or starts a new run."""
        try:
            self._publisher.publish_end(run, last)
        finally:
            self._mark_finished(run)
            run.append(last)
            self._led.discard(run)
            self._has_work.set()

    def _mirror(self, run: Run, leader: str) -> None:
        """Copy another process's run from its log. If its leader is lost, take over or abort it."""
        run_log = LogReader(run.id, leader)
        try:
            if mirror.follow(run, run_log, self.process_id):
                self._lead_or_abort(run, run_log)
        except Exception:  # noqa: BLE001 - reported; for example an entry of another release
            unexpected_errors.report("runs")
            self._abort(run, run_log)
        finally:
            self._mark_finished(run)
            if not run.has_ended:
                self._drop(run)

    def _lead_or_abort(self, run: Run, run_log: LogReader) -> None:
        """Lead the run if it can start over, else abort it."""
        if not run.can_start_over:
            self._abort(run, run_log)
            return
        log.warning("Leader of a run died; answering in its place")
        run.is_led_here = run.may_have_cached_answer = True
        run.publication.count, run.publication.entry_to_claim_after = len(run.events), run_log.stream_id
        self._register(run)
        self._lead(run)

    def _abort(self, run: Run, run_log: LogReader) -> None:
        """End a mirror whose leader or log is lost. Whoever looks for the run from now on gets another mirror."""
        self._drop(run)
        run.abort(may_live_elsewhere=redis_log.is_alive(run_log.leader))

    def _mark_finished(self, run: Run) -> None:
        """Release the run's single-flight key in this process, and its producer; start its retention time."""
        run.produce = None
        self._forget_question(run)
        with self._lock:
            self._finished.append((time.monotonic(), run))

    def _drop(self, run: Run) -> None:
        """Find this run no more; another mirror of the same run may have taken its place."""
        with self._lock:
            if self._runs.get(run.id) is run:
                del self._runs[run.id]

    def _register(self, run: Run) -> None:
        with self._lock:
            self._runs[run.id] = run
            if run.is_led_here:
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
        """The maintenance loop: send heartbeats, expire runs, publish events and apply commands, for all runs."""
        next_heartbeat = 0.0
        while True:
            if not self.is_leading():
                self._has_work.wait(HEARTBEAT_SECONDS if self._runs or not self._publisher.is_idle else None)
            self._has_work.clear()
            if time.monotonic() >= next_heartbeat:
                next_heartbeat = time.monotonic() + HEARTBEAT_SECONDS
                with unexpected_errors.survived("runs"):
                    self._heartbeat()
            with unexpected_errors.survived("runs"):
                self._publisher.publish_due()
            with unexpected_errors.survived("runs"):
                self._apply_commands()
            time.sleep(PUBLISH_SECONDS)

    def _apply_commands(self) -> None:
        """Apply what other processes have requested for the runs led here."""
        for run_id, command in redis_log.take_commands(self.process_id) if self.is_leading() else ():
            with self._lock:
                run = self._runs.get(run_id)
            if run is None:
                continue
            if command == redis_log.STOP:
                self._cancel(run)
            elif command == redis_log.REMOTE_READER:
                run.publication.has_had_remote_readers = True
            else:
                self._unsubscribe_here(run, command)

    def _heartbeat(self) -> None:
        """Renew this process's lease, cancel unread runs and drop those whose retention time is over."""
        if self.is_leading():
            redis_log.renew_lease(self.process_id)
        for run in list(self._led):
            self._cancel_if_unread(run)
        with self._lock:
            while self._finished and time.monotonic() - self._finished[0][0] > RETENTION_SECONDS:
                _, run = self._finished.popleft()
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
            run.needs_readers
            and run.readers.have_left_for_good(grace_seconds)
            and not redis_log.has_remote_readers(run)
            and run.readers.close_if_left_for_good(grace_seconds)
        ):
            self._cancel(run)

    def _cancel(self, run: Run) -> None:
        """Cancel a run that is led here. A caller who asks its question from now on gets another run, unless their
        process mirrors this one.
        """
        run.readers.close()  # before the release: no reader joins between the two
        self._release_question(run)
        run.cancel()

    def _release_question(self, run: Run) -> None:
        """Let the question of a run that is led here start another one, here and in the fleet."""
        redis_log.release(run, self.process_id)
        self._forget_question(run)

    def _forget_question(self, run: Run) -> None:
        with self._lock:
            if self._by_question.get(run.single_flight_key) is run:
                del self._by_question[run.single_flight_key]
