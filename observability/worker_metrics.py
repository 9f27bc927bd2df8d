"""Metrics of one worker process: CPU time, memory, and scheduling lag."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from observability import build, metrics

INTERVAL_SECONDS = 1.0


def start() -> None:
    """Measure this process every second until it ends. For gunicorn's `post_worker_init`."""
    metrics.WORKERS.set(1)
    metrics.BUILD_INFO.labels(build.VERSION, build.commit()).set(1)
    threading.Thread(target=_run, name="worker-metrics", daemon=True).start()


def _run() -> None:
    counted = 0.0
    while True:
        due = time.monotonic() + INTERVAL_SECONDS
        time.sleep(INTERVAL_SECONDS)
        # In a gevent worker all greenlets share one thread: while one computes, every stream is blocked for that long.
        metrics.WORKER_LAG.observe(max(0.0, time.monotonic() - due))
        counted = _count_cpu_time(counted)
        _update_memory()


def _count_cpu_time(counted: float) -> float:
    used = time.process_time()
    metrics.WORKERS_CPU.inc(used - counted)
    return used


def _update_memory() -> None:
    with suppress(OSError):  # only Linux has this file
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        metrics.WORKERS_MEMORY.set(pages * os.sysconf("SC_PAGE_SIZE"))
