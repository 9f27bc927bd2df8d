"""How a worker itself is: its processor time, its memory, and how long what wants to run in it has to wait."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from observability import metrics

PULSE_SECONDS = 1.0


def begin() -> None:
    """Measure this process from now on, for as long as it lives. For a worker, once it serves."""
    metrics.WORKERS.set(1)
    threading.Thread(target=_beat, name="vitals", daemon=True).start()


def _beat() -> None:
    counted = 0.0
    while True:
        due = time.monotonic() + PULSE_SECONDS
        time.sleep(PULSE_SECONDS)
        # In a gevent worker all share one thread: while one computes, every stream stands still for so long.
        metrics.WORKER_LAG.observe(max(0.0, time.monotonic() - due))
        counted = _count_processor_time(counted)
        _show_memory()


def _count_processor_time(counted: float) -> float:
    used = time.process_time()
    metrics.WORKERS_CPU.inc(used - counted)
    return used


def _show_memory() -> None:
    with suppress(OSError):  # only Linux has this file
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        metrics.WORKERS_MEMORY.set(pages * os.sysconf("SC_PAGE_SIZE"))
