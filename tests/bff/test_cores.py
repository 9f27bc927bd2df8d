"""The cores that a process may use: its affinity and its cgroup's quota."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bff import cores
from tests.support.services import ROOT


@pytest.fixture
def _eight_cores(monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))


@pytest.mark.usefixtures("_eight_cores")
@pytest.mark.parametrize(
    ("quotas", "usable"),
    [
        ({}, 8),
        ({"": "max 100000"}, 8),
        ({"": "200000 100000"}, 2),
        ({"": "250000 100000"}, 2),
        ({"": "50000 100000"}, 1),
        ({"": "1600000 100000"}, 8),
        ({"pod/container": "300000 100000"}, 3),
        ({"pod": "200000 100000", "pod/container": "max 100000"}, 2),
        ({"pod": "400000 100000", "pod/container": "100000 100000"}, 1),
        ({"": "nonsense"}, 8),
        ({"": "100000 0"}, 8),
    ],
)
def test_the_lowest_quota_of_the_groups_bounds_the_cores(tmp_path, quotas, usable):
    for group, quota in quotas.items():
        (tmp_path / "cgroup" / group).mkdir(parents=True, exist_ok=True)
        (tmp_path / "cgroup" / group / "cpu.max").write_text(f"{quota}\n")
    own = tmp_path / "own"
    own.write_text("0::/pod/container\n")
    assert cores.usable(tmp_path / "cgroup", own) == usable


@pytest.mark.usefixtures("_eight_cores")
@pytest.mark.parametrize("own", ["12:cpu,cpuacct:/docker/1\n", "", None])
def test_without_version_2_of_cgroups_the_affinity_counts(tmp_path, own):
    file = tmp_path / "own"
    if own is not None:
        file.write_text(own)
    assert cores.usable(tmp_path, file) == 8


def test_workers_are_as_many_as_usable_cores():
    one_core = min(os.sched_getaffinity(0))
    env = {name: value for name, value in os.environ.items() if name != "WEB_WORKERS"}
    code = f"import os; os.sched_setaffinity(0, {{{one_core}}}); from bff import settings; print(settings.WEB_WORKERS)"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert process.stdout.strip() == "1"
