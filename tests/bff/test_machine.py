"""The cores and the memory that a process may use: the machine's, its affinity and its cgroup's limits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bff import machine
from tests.support.services import ROOT

VERSION_2 = "0::/pod/container\n"
VERSION_1 = "4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n1:name=systemd:/\n0::/\n"
UNLIMITED = "9223372036854771712"  # of version 1


@pytest.fixture
def _eight_cores_and_16_gb(monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 4 * 2**20, "SC_PAGE_SIZE": 4096}.get)


def container(folder: Path, own: str | None, files: dict[str, str]) -> machine.Capacity:
    """The groups of a process whose /proc/self/cgroup is `own`."""
    for name, content in files.items():
        (folder / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup" / name).write_text(f"{content}\n")
    if own is not None:
        (folder / "own").write_text(own)
    return machine.Capacity(folder / "cgroup", folder / "own")


@pytest.mark.usefixtures("_eight_cores_and_16_gb")
@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        (VERSION_2, {}, 8),
        (VERSION_2, {"cpu.max": "max 100000"}, 8),
        (VERSION_2, {"cpu.max": "200000 100000"}, 2),
        (VERSION_2, {"cpu.max": "250000 100000"}, 2),
        (VERSION_2, {"cpu.max": "50000 100000"}, 1),
        (VERSION_2, {"cpu.max": "1600000 100000"}, 8),
        (VERSION_2, {"pod/container/cpu.max": "300000 100000"}, 3),
        (VERSION_2, {"pod/cpu.max": "200000 100000", "pod/container/cpu.max": "max 100000"}, 2),
        (VERSION_2, {"pod/cpu.max": "400000 100000", "pod/container/cpu.max": "100000 100000"}, 1),
        (VERSION_2, {"cpu.max": "nonsense"}, 8),
        (VERSION_2, {"cpu.max": "100000 0"}, 8),
        (VERSION_1, {}, 8),
        (VERSION_1, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        # The container's own group is the root of what it sees, although its path is that of the host.
        (VERSION_1, {"cpu/cpu.cfs_quota_us": "350000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        (VERSION_1, {"cpu/docker/1/cpu.cfs_quota_us": "20000", "cpu/docker/1/cpu.cfs_period_us": "10000"}, 2),
        (VERSION_1, {"cpu/cpu.cfs_quota_us": "100000"}, 8),
        ("", {"cpu.max": "100000 100000"}, 8),
        ("nonsense", {}, 8),
        (None, {}, 8),
    ],
)
def test_the_lowest_quota_of_the_groups_bounds_the_cores(tmp_path, own, files, cores):
    assert container(tmp_path, own, files).cores() == cores


@pytest.mark.usefixtures("_eight_cores_and_16_gb")
@pytest.mark.parametrize(
    ("own", "files", "megabytes"),
    [
        (VERSION_2, {}, 16384),
        (VERSION_2, {"memory.max": "max"}, 16384),
        (VERSION_2, {"pod/container/memory.max": str(2**29)}, 512),
        (VERSION_2, {"pod/memory.max": str(2**30), "pod/container/memory.max": "max"}, 1024),
        (VERSION_1, {"memory/memory.limit_in_bytes": UNLIMITED}, 16384),
        (VERSION_1, {"memory/memory.limit_in_bytes": str(2**30)}, 1024),
        (VERSION_1, {"memory/docker/1/memory.limit_in_bytes": str(2**29)}, 512),
        (None, {}, 16384),
    ],
)
def test_the_lowest_limit_of_the_groups_bounds_the_memory(tmp_path, own, files, megabytes):
    assert container(tmp_path, own, files).memory_mb() == megabytes


@pytest.mark.usefixtures("_eight_cores_and_16_gb")
@pytest.mark.parametrize(
    ("megabytes", "workers", "readers"),
    [(16384, 8, 3), (8192, 8, 1), (4096, 8, 1), (2048, 6, 1), (1024, 2, 1), (600, 1, 1), (128, 1, 1)],
)
def test_workers_and_readers_are_as_many_as_cores_and_memory_suffice_for(tmp_path, megabytes, workers, readers):
    capacity = container(tmp_path, VERSION_2, {"memory.max": str(megabytes * 2**20)})
    assert (capacity.workers(512), capacity.readers(workers, 512)) == (workers, readers)


@pytest.mark.parametrize(
    ("env", "workers"),
    [({}, "1"), ({"WEB_CONCURRENCY": "3"}, "3"), ({"WEB_CONCURRENCY": "3", "WEB_WORKERS": "2"}, "2")],
)
def test_workers_are_as_many_as_usable_cores_unless_told(env, workers):
    one_core = min(os.sched_getaffinity(0))
    inherited = {name: value for name, value in os.environ.items() if name not in {"WEB_WORKERS", "WEB_CONCURRENCY"}}
    code = f"import os; os.sched_setaffinity(0, {{{one_core}}}); from bff import settings; print(settings.WEB_WORKERS)"
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=inherited | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert process.stdout.strip() == workers
