"""What this process may use of the machine: in a container, fewer cores and less memory than the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# What a worker takes with a thousand streams, and after a document that it has read (docs/performance.md).
WORKER_MB = 256


@dataclass(frozen=True, slots=True)
class Capacity:
    """Reads the process's control groups, of version 1 or 2. Without any, all of the machine counts."""

    root: Path = Path("/sys/fs/cgroup")
    own: Path = Path("/proc/self/cgroup")

    def cores(self) -> int:
        """The cores of the process's affinity, or the whole ones of its groups' quotas, whichever are fewer.

        A share of a core is not counted: a worker more than that would be paused in each period.
        """
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, int(min([cores, *self._core_quotas()])))

    def memory_mb(self) -> int:
        """The memory of the machine, or the limit of its groups, whichever is less; in megabytes."""
        limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
        for folder in self._folders("memory"):
            limits += _numbers(folder / "memory.max") or _numbers(folder / "memory.limit_in_bytes")
        return min(limits) // 2**20

    def workers(self, document_mb: int) -> int:
        """One per core, unless the memory suffices for fewer beside a document that is being read."""
        return max(1, min(self.cores(), (self.memory_mb() - document_mb) // WORKER_MB))

    def readers(self, workers: int, document_mb: int) -> int:
        """The documents that each worker reads at the same time: those that the memory suffices for, at most three."""
        rest = self.memory_mb() - workers * WORKER_MB
        return min(3, max(1, rest // workers // document_mb))

    def _core_quotas(self) -> Iterator[float]:
        for folder in self._folders("cpu"):
            version_1 = _numbers(folder / "cpu.cfs_quota_us") + _numbers(folder / "cpu.cfs_period_us")
            match _numbers(folder / "cpu.max") or version_1:
                case [quota, period] if quota > 0 and period > 0:  # -1: no quota
                    yield quota / period

    def _folders(self, controller: str) -> Iterator[Path]:
        """The groups that may limit what the controller is about: the process's own, and those above it."""
        try:
            lines = self.own.read_text().splitlines()
        except OSError:
            return
        for line in lines:
            controllers, _, group = line.partition(":")[2].partition(":")
            if not group or (controllers and controller not in controllers.split(",")):
                continue
            root = self.root / controller if controllers else self.root  # of version 1; of version 2
            own = root / group.strip("/")
            yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(root))


def most_mb(workers: int, readers: int, document_mb: int) -> int:
    """The memory of an instance whose workers all read as many documents as they may."""
    return workers * (WORKER_MB + readers * document_mb)


def _numbers(file: Path) -> list[int]:
    """The numbers in the file. `max` is no limit; the root group has no such files."""
    try:
        return [int(word) for word in file.read_text().split()]
    except (OSError, ValueError):
        return []
