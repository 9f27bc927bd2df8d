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

# Linux: <sys/prctl.h>, <linux/seccomp.h>, <linux/filter.h>, <linux/audit.h>, <linux/landlock.h>.
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
SECCOMP_MODE_FILTER = 2
LOAD_WORD, JUMP_IF_EQUAL, JUMP_IF_NOT_LESS, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET = 0, 4  # in struct seccomp_data
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 13  # SECCOMP_RET_ERRNO with EACCES
OTHER_NUMBERS = 0x40000000  # from here on x86-64 knows every call a second time, as x32's
# Of each architecture its name to the kernel, and the calls that are refused; those above 400 are the same on all.
COMMON_CALLS = (
    425,  # io_uring_setup: a way around every other number here
    424, 438, 440,  # pidfd_send_signal, pidfd_getfd, process_madvise
)  # fmt: skip
REFUSED_CALLS = {
    "x86_64": (
        0xC000003E,
        (
            41,  # socket
            62, 129, 200, 234, 297,  # kill, rt_sigqueueinfo, tkill, tgkill, rt_tgsigqueueinfo
            101, 310, 311, 302,  # ptrace, process_vm_readv, process_vm_writev, prlimit64
            109, 112,  # setpgid, setsid: what is started here is killed with the reader's session
            *COMMON_CALLS,
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 129, 138, 130, 131, 240, 117, 270, 271, 261, 154, 157, *COMMON_CALLS),  # in the same order
    ),
}  # fmt: skip
# The same numbers on all architectures.
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446
LANDLOCK_GIVE_VERSION = 1
MAKE_OR_REMOVE_FILES = 0b1_1111_1111_0000  # LANDLOCK_ACCESS_FS_REMOVE_DIR to _MAKE_SYM
SOCKETS_AND_SIGNALS = 0b11  # LANDLOCK_SCOPE_*, from version 6 on
# <linux/capability.h>: root may keep what opens its own program's files.
CAPABILITY_VERSION = 0x20080522
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1 << 1, 1 << 2


def confine(limits: Limits) -> None:
    """Little memory and time, no file written, no network, no hold on other processes; ended with whoever asked.

    Children inherit all but that.
    """
    os.nice(5)  # answers go first; more would starve a scan on a busy machine
    seconds = int(limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(seconds)
    if sys.platform == "linux":
        die_with_parent()
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        _give_up_capabilities()
        _enter_domain()
        _give_up_calls()


def end_after(seconds: float) -> None:
    """For a child, before it becomes a program: it ends by itself, for a reader may send no signal."""
    die_with_parent()
    signal.setitimer(signal.ITIMER_REAL, max(0.1, seconds))


def die_with_parent() -> None:
    """A worker that is killed leaves no reader behind, nor a killed reader its tesseract."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _give_up_capabilities() -> None:
    """Root's, if it is root: some of them look into every process. Programs that are started don't get them back."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("Ii", CAPABILITY_VERSION, 0)
    held = ctypes.create_string_buffer(24)
    if libc.capget(header, held):
        raise OSError(ctypes.get_errno(), "capget")
    if not any(held.raw):
        return
    effective, permitted = struct.unpack_from("2I", held)
    kept = CAP_DAC_OVERRIDE | CAP_DAC_READ_SEARCH
    if libc.capset(header, struct.pack("6I", effective & kept, permitted & kept, 0, 0, 0, 0)):
        raise OSError(ctypes.get_errno(), "capset")


def _enter_domain() -> None:
    """Landlock, where the kernel has it: no file is made or removed, and processes outside can't be looked into.

    It is what keeps /proc/<worker>/environ and /proc/<worker>/mem closed to a process of the same user.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(LANDLOCK_GIVE_VERSION))
    if version < 1:
        return
    # struct landlock_ruleset_attr: files, network, scopes; an older kernel takes zeros for what it doesn't know.
    rules = struct.pack("QQQ", MAKE_OR_REMOVE_FILES, 0, SOCKETS_AND_SIGNALS if version >= 6 else 0)
    domain = libc.syscall(LANDLOCK_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), ctypes.c_uint(0))
    if domain < 0 or libc.syscall(LANDLOCK_RESTRICT_SELF, ctypes.c_int(domain), ctypes.c_uint(0)):
        raise OSError(ctypes.get_errno(), "landlock")
    os.close(domain)


def _give_up_calls() -> None:
    """Opening a socket, or reaching for another process, fails from here on, for this process and its children."""
    architecture, calls = REFUSED_CALLS.get(platform.machine(), (0, ()))
    if not calls:
        return
    end = len(calls) + 1
    program = [
        (LOAD_WORD, 0, 0, ARCHITECTURE_OFFSET),
        (JUMP_IF_EQUAL, 0, end + 2, architecture),  # else: refuse everything
        (LOAD_WORD, 0, 0, NUMBER_OFFSET),
        (JUMP_IF_NOT_LESS, end, 0, OTHER_NUMBERS),
        *((JUMP_IF_EQUAL, len(calls) - place, 0, call) for place, call in enumerate(calls)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    instructions = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(instructions))
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header))


def _prctl(option: int, value: int, argument: ctypes.Array[ctypes.c_char] | None = None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    # In a variadic C function a bare 0 may arrive with garbage in its upper half.
    if libc.prctl(option, ctypes.c_ulong(value), argument, ctypes.c_ulong(0), ctypes.c_ulong(0)):
        raise OSError(ctypes.get_errno(), "prctl")
