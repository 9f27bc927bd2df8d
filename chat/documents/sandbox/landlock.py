"""Landlock: the files that a process may read. All others are closed to it, and writing to any."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from chat.documents.sandbox.linux import libc

# System call numbers, the same on all architectures; <linux/landlock.h>.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
CREATE_RULESET_VERSION, RULE_PATH_BENEATH = 1, 1
EXECUTE, READ_FILE, READ_DIR = 1 << 0, 1 << 2, 1 << 3
# The rights over files that each version of Landlock knows: truncation from 3 on, ioctl on devices from 5 on.
FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
NETWORK_RIGHTS, NETWORK_FROM = 0b11, 4  # bind and connect
SCOPES, SCOPES_FROM = 0b11, 6  # abstract sockets and signals

PROGRAM = Path(__file__).parents[3]
PACKAGES = ("chat", "observability")  # not the folder they are in, where `.env` may be
SYSTEM = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/dev/urandom", "/sys/devices/system/cpu", "/proc/cpuinfo",
)  # fmt: skip


def version() -> int:
    """The version that the kernel has; 0 or less for none."""
    request = (CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(CREATE_RULESET_VERSION))
    return int(libc.syscall(*request))


def restrict() -> None:
    """Where the kernel has Landlock, allow this process to read the program and the libraries, and nothing else.

    It also closes /proc/<worker>/environ and /proc/<worker>/mem. Raises OSError.
    """
    available = version()
    if available < 1:
        return
    rights = FILE_RIGHTS[min(available, max(FILE_RIGHTS))]
    # struct landlock_ruleset_attr: files, network, scopes. Older kernels accept zeros in fields they don't know.
    network = NETWORK_RIGHTS if available >= NETWORK_FROM else 0
    attributes = struct.pack("QQQ", rights, network, SCOPES if available >= SCOPES_FROM else 0)
    ruleset = libc.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock")
    for path in _readable():
        _allow(ruleset, path)
    if libc.syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0)):
        raise OSError(ctypes.get_errno(), "landlock")
    os.close(ruleset)


def _readable() -> Iterator[str]:
    """Python and its packages, this program, the system's libraries, tesseract and its models."""
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(os.__file__).parent)}
    yield from (str(PROGRAM / package) for package in PACKAGES)
    yield from SYSTEM
    yield os.environ.get("TESSDATA_PREFIX", "")
    yield shutil.which("tesseract") or ""


def _allow(ruleset: int, path: str) -> None:
    if not path or not Path(path).exists():
        return
    rights = EXECUTE | READ_FILE | (READ_DIR if Path(path).is_dir() else 0)
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("=Qi", rights, opened)
    if libc.syscall(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(RULE_PATH_BENEATH), rule, ctypes.c_uint(0)):
        raise OSError(ctypes.get_errno(), "landlock")
    os.close(opened)
