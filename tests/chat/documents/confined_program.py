"""Attempts forbidden operations from inside the sandbox, as a malicious file might; prints each result as JSON.

`python -m tests.chat.documents.confined_program FOLDER LANDLOCK_VERSION`: FOLDER has a file `secret`; a lower version
of Landlock than the kernel's shows what an older kernel gives.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from chat.documents.sandbox import landlock
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.restrictions import die_with_parent, restrict

CLONE_NEWUSER, CLONE_PARENT, PTRACE_ATTACH, X32 = 0x10000000, 0x8000, 16, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def outcome_of(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "?")
    except BaseException as error:  # noqa: BLE001 - told to the test
        return type(error).__name__
    return "done"


def called(result: int) -> None:
    if result == -1:
        raise OSError(ctypes.get_errno(), "refused")


def fork_many() -> None:
    parent = os.getpid()
    for _ in range(200):
        if os.fork() == 0:
            die_with_parent()
            if os.getppid() == parent:  # else it ended before, and would never wake this process
                signal.pause()
            os._exit(0)


def attempts(folder: Path, secret_fd: int) -> dict[str, Callable[[], object]]:
    secret, parent = folder / "secret", os.getppid()
    opens_socket = "import socket; socket.socket()"
    return {
        "read a file": secret.read_bytes,
        "read the passwords' file": Path("/etc/passwd").read_bytes,
        "list a folder": lambda: list(folder.iterdir()),
        "read the worker's environment": Path(f"/proc/{parent}/environ").read_bytes,
        "open the worker's memory": lambda: os.open(f"/proc/{parent}/mem", os.O_RDWR),
        "write a file": lambda: (folder / "new").write_bytes(b"x"),
        "open a file to write": lambda: os.open(secret, os.O_WRONLY),
        "open a file and empty it": lambda: os.open(secret, os.O_RDONLY | os.O_TRUNC),
        "truncate": lambda: os.truncate(secret, 0),
        "truncate an open file": lambda: os.ftruncate(secret_fd, 0),
        "write by memory": lambda: mmap.mmap(os.open(secret, os.O_RDWR), 1),
        "chmod": lambda: secret.chmod(0o777),
        "chmod of an open file": lambda: os.fchmod(secret_fd, 0o777),
        "rename": lambda: secret.rename(folder / "other"),
        "remove": secret.unlink,
        "make a folder": (folder / "new").mkdir,
        "link": lambda: (folder / "new").symlink_to(secret),
        "set times": lambda: os.utime(secret),
        "signal to the worker": lambda: os.kill(parent, 0),
        "signals by fcntl": lambda: fcntl.fcntl(secret_fd, fcntl.F_SETOWN, parent),
        "which signal by fcntl": lambda: fcntl.fcntl(secret_fd, fcntl.F_SETSIG, signal.SIGKILL),
        "trace the worker": lambda: called(libc.ptrace(PTRACE_ATTACH, parent, 0, 0)),
        "slow the worker": lambda: os.setpriority(os.PRIO_PROCESS, parent, 19),
        "unshare": lambda: called(libc.unshare(CLONE_NEWUSER)),
        "clone": lambda: called(libc.syscall(56, CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)),
        "make a child of the parent": lambda: called(libc.syscall(56, CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)),
        "new session": os.setsid,
        "network": socket.socket,
        "local socket": lambda: socket.socket(socket.AF_UNIX),
        "child's network": lambda: subprocess.run(
            [sys.executable, "-c", opens_socket], stderr=subprocess.DEVNULL, check=True
        ),
        "x32 system call": lambda: called(libc.syscall(X32 | 39)),
        "io_uring": lambda: called(libc.syscall(425, 1, 0)),
        "memory": lambda: bytearray(400 * 1024 * 1024),
        "read the program": Path(landlock.__file__).read_bytes,
        "start a program": lambda: subprocess.run(["true"], check=True),
        "arithmetic": lambda: 1 + 1,
    }


def main() -> None:
    folder, version = Path(sys.argv[1]), int(sys.argv[2])
    tried = attempts(folder, os.open(folder / "secret", os.O_RDONLY))
    known = landlock.version
    landlock.version = lambda: min(version, known())
    restrict(Limits(seconds=20, memory_bytes=300 * 1024 * 1024, pages=1))
    outcomes = {name: outcome_of(attempt) for name, attempt in tried.items()}
    outcomes["fork 200 times"] = outcome_of(fork_many)
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main()
