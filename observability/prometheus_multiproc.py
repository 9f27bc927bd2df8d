"""The folder in which the metrics of several workers are added up (`PROMETHEUS_MULTIPROC_DIR`).

Each process writes its own files. When a process ends, its counters and histograms are merged into `…_ended.db`, so
that neither the number of files nor the time to read them grows with each replaced worker. The folder belongs to one
instance.

prometheus_client chooses between memory and files when it is first imported, so this module must not import it at the
top.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def configure(directory: str) -> None:
    """Store metrics in files of this folder, which exists; in memory if `directory` is empty.

    Call before prometheus_client is first imported.
    """
    if directory:
        os.environ[_VARIABLE] = directory
        atexit.register(_merge_at_exit, os.getpid())
    else:
        os.environ.pop(_VARIABLE, None)  # prometheus_client takes an empty value for the working directory


def configure_temporary() -> None:
    """Store metrics in a new folder, deleted at the end of this process; where one is configured, that stays."""
    if not os.environ.get(_VARIABLE):
        directory = tempfile.mkdtemp(prefix="chat-bff-metrics-")
        atexit.register(_delete_at_exit, os.getpid(), directory)
        configure(directory)


def clear() -> None:
    """Delete the metrics of earlier runs. Call at server start, before the first worker."""
    if directory := os.environ.get(_VARIABLE):
        for file in Path(directory).glob("*.db"):
            file.unlink(missing_ok=True)


def mark_process_dead(pid: int) -> None:
    """Drop the gauges of a process that has ended and keep its counts. For gunicorn's `child_exit`."""
    with locked() as folder:
        for file in folder.glob(f"*_{pid}.db") if folder else ():
            kind = file.name.partition("_")[0]
            if kind != "gauge" and file.stat().st_size:  # empty: it died before it had written
                _merge(file, file.with_name(f"{kind}_ended.db"))
            file.unlink()


@contextmanager
def locked() -> Iterator[Path | None]:
    """The folder, or None if there is none. Inside the block no other process merges files.

    A reader without the lock would miss the counts being merged or count them twice.
    """
    folder = Path(os.environ.get(_VARIABLE) or os.devnull)
    if not folder.is_dir():
        yield None
        return
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _merge(file: Path, total: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415 - see the module's docstring

    counts = MmapedDict(total)  # type: ignore[no-untyped-call]
    for key, value, moment, _ in MmapedDict.read_all_values_from_file(file):  # type: ignore[no-untyped-call]
        counts.write_value(key, counts.read_value(key)[0] + value, moment)  # type: ignore[no-untyped-call]
    counts.close()  # type: ignore[no-untyped-call]


def _merge_at_exit(pid: int) -> None:
    """For management commands. A forked worker inherits this handler, but gunicorn's `child_exit` handles workers."""
    if os.getpid() == pid:
        mark_process_dead(pid)


def _delete_at_exit(pid: int, directory: str) -> None:
    if os.getpid() == pid:
        shutil.rmtree(directory, ignore_errors=True)
