"""Workers are killed, restarted, late or without disk space, or a clock is wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks.drill.environment import Environment
from benchmarks.drill.faults.base import DrillContext, Fault
from tests.support.processes import ROOT

CLOCK_SHIFT = 3600.0  # seconds
KILLED_WORKERS, KILL_INTERVAL_SECONDS = 3, 2.5
BUSY_SECONDS, CALM_SECONDS = 0.3, 0.7


@contextmanager
def _worker_killed(context: DrillContext) -> Iterator[None]:
    for _ in range(KILLED_WORKERS):
        context.environment.kill_busiest_worker()
        time.sleep(KILL_INTERVAL_SECONDS)
    yield


@contextmanager
def _rolling_restart(context: DrillContext) -> Iterator[None]:
    for instance in context.environment.instances:
        instance.stop_gracefully()
        with context.clients.avoiding(instance.url):
            instance.start()
    yield


@contextmanager
def _clock_jump(context: DrillContext) -> Iterator[None]:
    context.environment.ai.fail("error")
    context.environment.clock.shift(CLOCK_SHIFT)
    yield
    context.environment.clock.shift(0)
    context.environment.ai.heal()


@contextmanager
def _busy_workers(context: DrillContext) -> Iterator[None]:
    """A stopped process is, to itself, one whose event loop is busy."""
    workers, finished = context.environment.workers(), threading.Event()

    def block() -> None:
        while not finished.wait(CALM_SECONDS):
            for number in (signal.SIGSTOP, signal.SIGCONT):
                for worker in workers:
                    worker.send_signal(number)
                if number == signal.SIGSTOP:
                    time.sleep(BUSY_SECONDS)

    thread = threading.Thread(target=block, name="busy-workers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()


@contextmanager
def _with_files(environment: Environment) -> Iterator[Mapping[str, str]]:
    """The history in SQLite, the log in a file."""
    settings = {
        "DATABASE_URL": f"sqlite:///{environment.folder / 'drill.sqlite3'}",
        "LOG_FILE": str(environment.folder / "drill.log"),
    }
    for command in (["migrate", "--verbosity=0"], ["load_knowledge", "--verbosity=0"]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environment.env(settings),
            check=True,
            capture_output=True,
        )
    yield settings


@contextmanager
def _disk_full(context: DrillContext) -> Iterator[None]:
    """No file can grow: each write of a process fails, as on a full disk."""
    workers = context.environment.workers()
    limits = [context.environment.limit_file_size(worker, 0) for worker in workers]
    try:
        yield
    finally:
        for worker, limit in zip(workers, limits, strict=True):
            context.environment.limit_file_size(worker, limit)


FAULTS = (
    Fault(
        "worker-killed",
        "the busier of an instance's two workers gets SIGKILL, three times",
        _worker_killed,
        is_momentary=True,
    ),
    Fault(
        "worker-busy", "each worker's event loop is busy for 300 ms in every second", _busy_workers, is_only_slow=True
    ),
    Fault("rolling-restart", "both instances restart, one after the other", _rolling_restart, is_momentary=True),
    Fault("clock-jump", "the AI answers 500, and one instance's clock jumps an hour", _clock_jump, fails_the_ai=True),
    Fault("disk-full", "no file can grow: the log, and the history in SQLite", _disk_full, settings=_with_files),
)
