"""Ends what this process has started if it can't do so itself: after SIGKILL, or a second Ctrl-C.

Another process reads from a pipe what there is to end. The pipe closes when this process ends, whatever has ended it.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

GRACE_SECONDS = 5.0


def watch_group(pid: int) -> None:
    """End this process group at the end of this process."""
    _tell(group=pid)


def forget_group(pid: int) -> None:
    """The group has ended: its number may be another's soon."""
    _tell(ended=pid)


def watch_folder(folder: Path) -> None:
    """Remove the folder at the end of this process, after all groups have ended."""
    _tell(folder=str(folder))


def _tell(**message: object) -> None:
    sink = _start().stdin
    assert sink
    with suppress(BrokenPipeError):
        sink.write(json.dumps(message).encode() + b"\n")
        sink.flush()


@cache
def _start() -> subprocess.Popen[bytes]:
    # -I -S: nothing of the environment, and it starts in 10 ms. Its own session: Ctrl-C doesn't reach it.
    process = subprocess.Popen([sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, start_new_session=True)
    atexit.register(process.communicate)
    return process


def _read(lines: list[bytes]) -> tuple[set[int], list[str]]:
    """The groups and folders to end and remove."""
    groups: set[int] = set()
    folders: list[str] = []
    for line in lines:
        message = json.loads(line)
        if "folder" in message:
            folders.append(message["folder"])
        elif "group" in message:
            groups.add(message["group"])
        else:
            groups.discard(message["ended"])
    return groups, folders


def _signal(groups: set[int], number: signal.Signals) -> set[int]:
    """Those of the groups that exist."""
    remaining = set()
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, number)
            remaining.add(group)
    return remaining


def _end(groups: set[int]) -> None:
    _signal(groups, signal.SIGCONT)  # frozen ones would not notice
    remaining = _signal(groups, signal.SIGQUIT)  # PostgreSQL ends at once and frees its shared memory
    ends_at = time.monotonic() + GRACE_SECONDS
    while remaining and time.monotonic() < ends_at:
        time.sleep(0.05)
        remaining = _signal(remaining, signal.SIGCONT)
    _signal(remaining, signal.SIGKILL)


if __name__ == "__main__":
    started_groups, own_folders = _read(sys.stdin.buffer.readlines())
    _end(started_groups)
    for own_folder in own_folders:
        shutil.rmtree(own_folder, ignore_errors=True)
