"""`make soak` as a developer runs it, and its criteria for growth."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.soak.actions import MIX, UNAVAILABLE, ActionResult
from benchmarks.soak.growth import Row, rows
from benchmarks.soak.report import FaultPeriod, Report
from benchmarks.soak.samples import Sample
from tests.benchmarks.drill.test_drill import commands_in, env, leftovers
from tests.support.services import ROOT

SOAK = (sys.executable, "-m", "benchmarks.soak", "--seconds", "30")
EDGES = [10, 20, 30, 40]


@pytest.fixture
def folder() -> Iterator[Path]:
    """The temporary folder of a soak. Its path is short: a socket's path has 107 characters at most."""
    with tempfile.TemporaryDirectory(prefix="soak-", dir="/tmp") as name:
        yield Path(name)


@pytest.mark.timeout(300)  # some 60 seconds on a quiet machine
def test_a_short_soak_answers_every_request_and_leaves_nothing_behind(folder):
    completed = subprocess.run(
        [*SOAK, "--json"], check=False, cwd=ROOT, env=env(folder), capture_output=True, text=True, timeout=290
    )
    assert completed.returncode == 0, completed.stderr + completed.stdout
    report = json.loads(completed.stdout)
    assert report["visits"].keys() == MIX.keys()
    assert (report["unanswered"], report["missed"], report["tellsGrowth"]) == (0, [], False)
    assert {row["name"] for row in report["rows"]} >= {"memory of a1, MB", "descriptors of b1", "connections to the AI"}
    assert "Last third" in completed.stderr
    assert leftovers(folder) == []


def test_ctrl_c_stops_all_processes(folder):
    soak = subprocess.Popen(SOAK, cwd=ROOT, env=env(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not any("gunicorn" in command for command in commands_in(folder)):
        assert soak.poll() is None, soak.stderr and soak.stderr.read()
        time.sleep(0.1)
    soak.send_signal(signal.SIGINT)
    output, errors = soak.communicate(timeout=40)
    assert (soak.returncode, output) == (130, "")
    assert errors.endswith("Stopped, with all that it had started.\n")
    assert leftovers(folder) == []


@pytest.mark.parametrize("seconds", ["5", "1e9", "long"])
def test_wrong_arguments_start_nothing(seconds):
    completed = subprocess.run([*SOAK[:-1], seconds], cwd=ROOT, check=False, capture_output=True, timeout=30)
    assert completed.returncode == 2


def test_growth_from_third_to_third_is_reported():
    (row,) = rows(series("memory of b1, MB", lambda at: 130 + at / 4), EDGES, sample(50, "memory of b1, MB", 140))
    assert row.miss == "memory of b1, MB grew from 133.6 to 138.6, at most 136.3"


def test_short_peaks_are_not_growth():
    name = "descriptors of a1"
    (row,) = rows(series(name, lambda at: 300 if at % 5 == 0 else 40 + at % 3), EDGES, sample(50, name, 39))
    assert (row.thirds, row.miss) == ((41.5, 41.5, 41), "")


@pytest.mark.parametrize("thirds", [(25, 36, 36), (25, 25, 36), (25, 36, 25)])
def test_a_single_step_is_not_growth(thirds):
    assert Row("connections to Redis", thirds, rest=36).miss == ""


def test_a_value_that_stays_high_at_rest_is_reported():
    assert "is 30 at rest" in Row("connections to the AI", (20, 20, 20), rest=30).miss
    assert Row("Redis: keys that never end", (0, 1, 2), rest=2).miss


def test_values_missing_during_an_outage_are_ignored():
    name = "connections to PostgreSQL"
    incomplete = [Sample(at, {}) for at in range(10, 40, 2)]
    (row,) = rows([*series(name, lambda at: 12), *incomplete], EDGES, sample(50, name, 12))
    assert row.thirds == (12, 12, 12)


def test_a_503_counts_as_answered_only_while_a_service_is_unavailable():
    results = [ActionResult("history", at, 0.1, UNAVAILABLE) for at in (10, 101, 104, 201)]
    faults = [FaultPeriod("postgres-killed", 100, 102), FaultPeriod("ai-500", 200, 203)]
    report = Report([], [*results, ActionResult("known", 101, 1, "status 500")], faults, {}, [], 600, tells_growth=True)
    assert [result.at for result in report.unanswered] == [10, 201, 101]
    assert report.missed == [
        "1 not answered, history in no fault: unavailable",
        "1 not answered, history in ai-500: unavailable",
        "1 not answered, known in postgres-killed: status 500",
    ]


def test_unfinished_requests_and_replaced_workers_are_reported():
    report = Report([], [], [], {"calls open at the AI": 2, "streams being sent": 0}, ["a2"], 600, tells_growth=True)
    assert report.missed == ["2 calls open at the AI at rest", "worker a2 was replaced"]


def series(name: str, value) -> list[Sample]:
    return [sample(at, name, value(at)) for at in range(40)]


def sample(at: float, name: str, value: float) -> Sample:
    return Sample(at, {name: value})
