"""What this process gives up before it opens a stranger's file."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys

from chat.document_reader.limits import Limits

# Linux: <sys/prctl.h>, <linux/seccomp.h>, <linux/filter.h>, <linux/audit.h>.
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
SECCOMP_MODE_FILTER = 2
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET = 0, 4  # in struct seccomp_data
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 13  # SECCOMP_RET_ERRNO with EACCES
# Of each architecture its name to the kernel and the calls that open a socket: socket, and io_uring's way around it.
SOCKET_CALLS = {"x86_64": (0xC000003E, (41, 425)), "aarch64": (0xC00000B7, (198, 425))}


def confine(limits: Limits) -> None:
    """Little memory and time, no file written, no network; ended with whoever asked. Children inherit all but that."""
    os.nice(5)  # answers go first; more would starve a scan on a busy machine
    seconds = int(limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(seconds)
    if sys.platform == "linux":
        die_with_parent()
        _give_up_network()


def die_with_parent() -> None:
    """A worker that is killed leaves no reader behind, nor a killed reader its tesseract."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _give_up_network() -> None:
    """Opening a socket fails from here on, for this process and its children, whoever they run as."""
    architecture, calls = SOCKET_CALLS.get(platform.machine(), (0, ()))
    if not calls:
        return
    end = len(calls) + 1
    program = [
        (LOAD_WORD, 0, 0, ARCHITECTURE_OFFSET),
        (JUMP_IF_EQUAL, 0, end, architecture),  # else: refuse everything
        (LOAD_WORD, 0, 0, NUMBER_OFFSET),
        *((JUMP_IF_EQUAL, len(calls) - place, 0, call) for place, call in enumerate(calls)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    instructions = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(instructions))
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header))


def _prctl(option: int, value: int, argument: ctypes.Array[ctypes.c_char] | None = None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    # In a variadic C function a bare 0 may arrive with garbage in its upper half.
    if libc.prctl(option, ctypes.c_ulong(value), argument, ctypes.c_ulong(0), ctypes.c_ulong(0)):
        raise OSError(ctypes.get_errno(), "prctl")
