"""System calls of Linux that Python has no name for."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from contextlib import suppress

# <linux/capability.h>. Root keeps these two, which it needs to open the files of the program.
CAPABILITY_VERSION = 0x20080522
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1 << 1, 1 << 2
PR_SET_KEEPCAPS = 8  # <sys/prctl.h>
FIRST_OWN_USER = 0x70000000  # beyond the users of a system; the process id is added
MAX_TASKS_OF_MACHINE = 1 << 22  # Linux has no more process ids

libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int, argument: ctypes.Array[ctypes.c_char] | None = None) -> None:
    """Raises OSError."""
    # prctl is variadic: a plain int may arrive with garbage in its upper 32 bits.
    if libc.prctl(option, ctypes.c_ulong(value), argument, ctypes.c_ulong(0), ctypes.c_ulong(0)):
        raise OSError(ctypes.get_errno(), "prctl")


def leave_root() -> None:
    """Give a process of root a user of its own, because Linux doesn't count the processes of root.

    It stays root where the system has no such user: in a container with few of them.
    """
    if os.geteuid():
        return
    user = FIRST_OWN_USER + os.getpid()
    prctl(PR_SET_KEEPCAPS, 1)
    with suppress(OSError):
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def drop_capabilities() -> None:
    """Drop the capabilities of root: some give access to every process. Child programs do not regain them."""
    header = struct.pack("Ii", CAPABILITY_VERSION, 0)
    current = ctypes.create_string_buffer(24)
    if libc.capget(header, current):
        raise OSError(ctypes.get_errno(), "capget")
    if not any(current.raw):
        return
    _, permitted = struct.unpack_from("2I", current)  # the effective ones are lost with the user
    retained = permitted & (CAP_DAC_OVERRIDE | CAP_DAC_READ_SEARCH)
    if libc.capset(header, struct.pack("6I", retained, retained, 0, 0, 0, 0)):
        raise OSError(ctypes.get_errno(), "capset")


def task_limit_of_user(room: int) -> int:
    """An RLIMIT_NPROC with which this process can start `room` others, and not many more.

    The kernel counts all tasks of the user, also those in other containers, which no file tells. So higher and higher
    limits are tried; a refused attempt takes microseconds.
    """
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    limit, highest = 16, MAX_TASKS_OF_MACHINE if hard == resource.RLIM_INFINITY else hard
    while limit < highest:
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, hard))
        if _can_fork():
            break
        limit += 16 + limit // 16
    return limit + room


def _can_fork() -> bool:
    try:
        pid = os.fork()
    except BlockingIOError:
        return False
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True
