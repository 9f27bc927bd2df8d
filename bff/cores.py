"""How many cores this process may use, which in a container are fewer than the machine has."""

from __future__ import annotations

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def usable(cgroups: Path = CGROUPS, own: Path = OWN_CGROUP) -> int:
    """The cores of the process's affinity, or the whole ones of its cgroup's quota (version 2), whichever are fewer.

    A share of a core is not counted: a worker more than that would be paused in each period.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([cores, *_quotas(cgroups, own)])))


def _quotas(cgroups: Path, own: Path) -> list[float]:
    """The quotas, in cores, of the process's group and of those above it. Without cgroups version 2: none."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    group = next((line.removeprefix("0::").strip("/") for line in lines if line.startswith("0::")), None)
    if group is None:
        return []
    folders = [cgroups / group, *(cgroups / group).parents]
    return [quota for folder in folders if folder.is_relative_to(cgroups) and (quota := _quota(folder / "cpu.max"))]


def _quota(file: Path) -> float | None:
    """`max 100000` is no quota; `150000 100000` are one and a half cores. The root group has no such file."""
    try:
        quota, period = file.read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
