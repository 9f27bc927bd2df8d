"""A seccomp filter that denies the system calls that reading a document does not need."""

from __future__ import annotations

import ctypes
import platform
import struct
from collections.abc import Iterator, Sequence

from chat.documents.sandbox import linux

# <linux/seccomp.h>, <linux/filter.h>, <linux/audit.h>.
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LOAD_WORD, JUMP_IF_EQUAL, JUMP_IF_NOT_LESS, JUMP_IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET, ARGUMENTS_OFFSET = 0, 4, 16  # in struct seccomp_data
ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x00050000 | 13, 0x00050000 | 38  # SECCOMP_RET_ERRNO with EACCES, ENOSYS
X32_SYSCALL_BIT = 0x40000000  # x86-64 accepts each call also with this bit set (x32 ABI)

# Bits of the flags of open: WRONLY, RDWR, CREAT, TRUNC, __TMPFILE.
OPEN_TO_WRITE = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20000000
# CLONE_NEWNS to CLONE_NEWNET: a new namespace would bring capabilities back. CLONE_PARENT: a child of the fork server.
REFUSED_CLONES = 0x7E020000 | 0x8000
# F_SETOWN, F_SETSIG, F_SETOWN_EX, F_NOTIFY have the kernel send signals to other processes.
FCNTL_SIGNALS = (8, 10, 15, 1026)

# Numbers above 400 are the same on all architectures.
COMMON_CALLS = (
    424, 438, 440, 448,  # pidfd_send_signal, pidfd_getfd, process_madvise, process_mrelease
    425, 426, 427,  # io_uring: would bypass the filter
    428, 429, 430, 431, 432, 433, 442,  # open_tree, move_mount, fsopen and the like, mount_setattr
    437,  # openat2: its flags are out of the filter's sight
    452, 463, 466,  # fchmodat2, setxattrat, removexattrat
)  # fmt: skip
# By machine: the AUDIT_ARCH constant, the calls refused always, and those refused by an argument.
MACHINES: dict[str, tuple[int, tuple[int, ...], dict[str, tuple[int, ...]]]] = {
    "x86_64": (
        0xC000003E,
        (
            41, 53,  # socket, socketpair
            62, 129, 200, 234, 297,  # kill, rt_sigqueueinfo, tkill, tgkill, rt_tgsigqueueinfo
            101, 310, 311, 312, 302,  # ptrace, process_vm_readv, process_vm_writev, kcmp, prlimit64
            109, 112,  # setpgid, setsid: children must stay in the process group that the parent kills
            141, 142, 144, 203, 251, 314,  # setpriority and the like: of other processes, too
            272, 308, 155, 161, 165, 166,  # unshare, setns, pivot_root, chroot, mount, umount2
            321, 298, 323, 248, 249, 250,  # bpf, perf_event_open, userfaultfd, keys
            90, 91, 268, 92, 93, 94, 260,  # chmod, fchmod, fchmodat, chown, fchown, lchown, fchownat
            76, 77, 85, 82, 83, 84, 86, 87, 88,  # truncate, ftruncate, creat, rename to symlink
            258, 259, 133, 263, 264, 265, 266, 316,  # mkdirat, mknodat, mknod, unlinkat to symlinkat, renameat2
            132, 235, 261, 280, 188, 189, 190, 197, 198, 199,  # times and extended attributes of files
            *COMMON_CALLS,
        ),
        {"open": (2, 1), "openat": (257, 2), "clone": (56, 0), "fcntl": (72, 1)},
    ),
    "aarch64": (
        0xC00000B7,
        (  # in the same order
            198, 199,
            129, 138, 130, 131, 240,
            117, 270, 271, 272, 261,
            154, 157,
            140, 118, 119, 122, 30, 274,
            97, 268, 41, 51, 40, 39,
            280, 241, 282, 217, 218, 219,
            52, 53, 54, 55,
            45, 46,
            34, 33, 35, 36, 37, 38, 276,
            88, 5, 6, 7, 14, 15, 16,
            *COMMON_CALLS,
        ),
        {"openat": (56, 2), "clone": (220, 0), "fcntl": (25, 1)},
    ),
}  # fmt: skip
CLONE3 = 435  # its flags are out of sight: without it, the C library uses `clone`
Instruction = tuple[int, int, int, int]


def install() -> None:
    """Make the refused calls fail with EACCES, in this process and its children. No filter on other machines."""
    if platform.machine() not in MACHINES:
        return
    program = list(_program(*MACHINES[platform.machine()]))
    instructions = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(instructions))
    linux.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header))


def _program(architecture: int, calls: Sequence[int], by_argument: dict[str, tuple[int, ...]]) -> Iterator[Instruction]:
    yield LOAD_WORD, 0, 0, ARCHITECTURE_OFFSET
    yield JUMP_IF_EQUAL, 1, 0, architecture
    yield RETURN, 0, 0, REFUSE
    yield LOAD_WORD, 0, 0, NUMBER_OFFSET
    yield JUMP_IF_NOT_LESS, 0, 1, X32_SYSCALL_BIT
    yield RETURN, 0, 0, REFUSE
    for call in calls:
        yield JUMP_IF_EQUAL, 0, 1, call
        yield RETURN, 0, 0, REFUSE
    yield JUMP_IF_EQUAL, 0, 1, CLONE3
    yield RETURN, 0, 0, UNKNOWN
    for name, (call, argument) in by_argument.items():
        tests = [(JUMP_IF_EQUAL, command) for command in FCNTL_SIGNALS]
        if name != "fcntl":
            tests = [(JUMP_IF_ANY_BIT, REFUSED_CLONES if name == "clone" else OPEN_TO_WRITE)]
        yield JUMP_IF_EQUAL, 0, len(tests) + 3, call
        yield LOAD_WORD, 0, 0, ARGUMENTS_OFFSET + 8 * argument  # the lower half: both machines are little-endian
        for left, (test, value) in zip(range(len(tests), 0, -1), tests, strict=True):
            yield test, left, 0, value
        yield RETURN, 0, 0, ALLOW
        yield RETURN, 0, 0, REFUSE
    yield RETURN, 0, 0, ALLOW
