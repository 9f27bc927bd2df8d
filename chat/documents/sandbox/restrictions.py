"""Confines this process before it opens an untrusted file: limits, capabilities, Landlock, seccomp."""

from __future__ import annotations

import os
import resource
import signal
import sys

from chat.documents.sandbox import landlock, linux, seccomp
from chat.documents.sandbox.limits import Limits

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # <sys/prctl.h>
# Processes and threads that it may start: tesseract with its threads, and as many as others of this user may start
# meanwhile, in this container and beside it, because the kernel counts these as well.
MAX_TASKS = 128


def restrict(limits: Limits) -> None:
    """Limit memory, CPU time and processes; forbid all files but the program's, network and access to other processes;
    have the kernel kill this process when its parent ends.

    Child processes inherit everything but the last. Raises OSError when the kernel refuses a restriction.
    """
    os.nice(5)  # chat answers have priority; a higher value would starve OCR on a busy machine
    seconds = int(limits.seconds) + 1
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    signal.alarm(seconds)
    if sys.platform == "linux":
        linux.leave_root()
        die_with_parent()  # after the change of user, which would undo it
        linux.prctl(PR_SET_NO_NEW_PRIVS, 1)
        linux.drop_capabilities()  # with some of them, no limit holds
        _limit(resource.RLIMIT_NPROC, linux.task_limit_of_user(MAX_TASKS))
        landlock.restrict()
        seccomp.install()


def exit_after(seconds: float) -> None:
    """For `preexec_fn` of a child: set a timer that ends it, because the sandbox cannot send signals."""
    die_with_parent()
    signal.setitimer(signal.ITIMER_REAL, max(0.1, seconds))


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends: sandbox with fork server, tesseract with sandbox."""
    if sys.platform == "linux":
        linux.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))
