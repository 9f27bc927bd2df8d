"""The folder in which several workers count as one (`PROMETHEUS_MULTIPROC_DIR`), over its life.

prometheus_client decides for memory or files when it is first imported, so this module must not import it.
"""

from __future__ import annotations

import os
from pathlib import Path

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def use(directory: str) -> None:
    """Count in files of this folder, made if missing; in memory when it is empty. Call before anything is counted."""
    if directory:
        Path(directory).mkdir(parents=True, exist_ok=True)
        os.environ[_VARIABLE] = directory
    else:
        os.environ.pop(_VARIABLE, None)  # to prometheus_client even an empty one is a folder: the working directory


def clear() -> None:
    """Forget what earlier runs counted. For the server's start, before its first worker."""
    if directory := os.environ.get(_VARIABLE):
        for file in Path(directory).glob("*.db"):
            file.unlink(missing_ok=True)


def mark_process_dead(pid: int) -> None:
    """A worker has ended: its gauges go with it, its counters stay. For gunicorn's `child_exit`."""
    if os.environ.get(_VARIABLE):
        from prometheus_client import multiprocess  # noqa: PLC0415 - see above

        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
