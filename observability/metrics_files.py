"""The folder in which several workers count as one (`PROMETHEUS_MULTIPROC_DIR`), over its life.

Each process writes files of its own. One that has ended leaves its counts to `…_ended.db`, so that the files, and the
time it takes to read them, don't grow with each worker that is replaced. The folder belongs to one instance.

prometheus_client decides for memory or files when it is first imported, so this module must not import it.
"""

from __future__ import annotations

import atexit
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def use(directory: str) -> None:
    """Count in files of this folder, made if missing; in memory when it is empty. Call before anything is counted."""
    if directory:
        Path(directory).mkdir(parents=True, exist_ok=True)
        os.environ[_VARIABLE] = directory
        atexit.register(_leave, os.getpid())
    else:
        os.environ.pop(_VARIABLE, None)  # to prometheus_client even an empty one is a folder: the working directory


def clear() -> None:
    """Forget what earlier runs counted. For the server's start, before its first worker."""
    if directory := os.environ.get(_VARIABLE):
        for file in Path(directory).glob("*.db"):
            file.unlink(missing_ok=True)


def mark_process_dead(pid: int) -> None:
    """A process has ended: its gauges go with it, its counts are kept. For gunicorn's `child_exit`."""
    with at_rest() as folder:
        for file in folder.glob(f"*_{pid}.db") if folder else ():
            kind = file.name.partition("_")[0]
            if kind != "gauge":
                _add(file, file.with_name(f"{kind}_ended.db"))
            file.unlink()


@contextmanager
def at_rest() -> Iterator[Path | None]:
    """The folder, while no count moves from file to file: whoever reads in between would miss it or see it twice.

    None when there is none.
    """
    folder = Path(os.environ.get(_VARIABLE) or os.devnull)
    if not folder.is_dir():
        yield None
        return
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _add(file: Path, total: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415 - see above

    counts = MmapedDict(total)  # type: ignore[no-untyped-call]
    for key, value, moment, _ in MmapedDict.read_all_values_from_file(file):  # type: ignore[no-untyped-call]
        counts.write_value(key, counts.read_value(key)[0] + value, moment)  # type: ignore[no-untyped-call]
    counts.close()  # type: ignore[no-untyped-call]


def _leave(pid: int) -> None:
    """A command has no master that notices its end. A fork of it, a worker, has."""
    if os.getpid() == pid:
        mark_process_dead(pid)
