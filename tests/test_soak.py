"""`make soak`, as a developer runs it, and what it takes for growth."""

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

from benchmarks.soak.growth import Row, rows
from benchmarks.soak.report import Report, Struck
from benchmarks.soak.samples import Sample
from benchmarks.soak.visits import DAY, PUT_OFF, Visit
from tests.chat.test_drill import commands_in, env, remains
from tests.services import ROOT

SOAK = (sys.executable, "-m", "benchmarks.soak", "--seconds", "30")
EDGES = [10, 20, 30, 40]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a soak puts what it makes; short, for a socket's path may have 107 characters at most."""
    with tempfile.TemporaryDirectory(prefix="soak-", dir="/tmp") as name:
        yield Path(name)


@pytest.mark.timeout(240)  # some 60 seconds on a quiet machine
def test_in_a_short_soak_everybody_is_answered_and_nothing_is_left_over(folder):
    done = subprocess.run(
        [*SOAK, "--json"], check=False, cwd=ROOT, env=env(folder), capture_output=True, text=True, timeout=230
    )
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads(done.stdout)
    assert report["visits"].keys() == DAY.keys()
    assert (report["unanswered"], report["missed"], report["tellsGrowth"]) == (0, [], False)
    assert {row["name"] for row in report["rows"]} >= {"memory of a1, MB", "descriptors of b1", "connections to the AI"}
    assert "Last third" in done.stderr
    assert remains(folder) == []


def test_ctrl_c_takes_down_all_that_was_started(folder):
    soak = subprocess.Popen(SOAK, cwd=ROOT, env=env(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not any("gunicorn" in command for command in commands_in(folder)):
        assert soak.poll() is None, soak.stderr.read()
        time.sleep(0.1)
    soak.send_signal(signal.SIGINT)
    table, said = soak.communicate(timeout=40)
    assert (soak.returncode, table) == (130, "")
    assert said.endswith("Stopped, with all that it had started.\n")
    assert remains(folder) == []


@pytest.mark.parametrize("seconds", ["5", "1e9", "long"])
def test_wrong_arguments_start_nothing(seconds):
    done = subprocess.run([*SOAK[:-1], seconds], cwd=ROOT, check=False, capture_output=True, timeout=30)
    assert done.returncode == 2


def test_what_grows_from_third_to_third_is_told():
    (row,) = rows(series("memory of b1, MB", lambda at: 130 + at / 4), EDGES, sample(50, "memory of b1, MB", 140))
    assert row.miss == "memory of b1, MB grew from 133.6 to 138.6, at most 136.3"


def test_what_jumps_up_and_down_does_not_grow():
    name = "descriptors of a1"
    (row,) = rows(series(name, lambda at: 300 if at % 5 == 0 else 40 + at % 3), EDGES, sample(50, name, 39))
    assert (row.thirds, row.miss) == ((41.5, 41.5, 41), "")


@pytest.mark.parametrize("thirds", [(25, 36, 36), (25, 25, 36), (25, 36, 25)])
def test_a_pool_that_needed_more_once_does_not_grow(thirds):
    assert Row("connections to Redis", thirds, rest=36).miss == ""


def test_what_stays_when_nobody_asks_any_more_is_told():
    assert "is 30 at rest" in Row("connections to the AI", (20, 20, 20), rest=30).miss
    assert Row("Redis: keys that never end", (0, 1, 2), rest=2).miss


def test_what_could_not_be_asked_in_an_outage_is_left_out():
    name = "connections to PostgreSQL"
    lacking = [Sample(at, {}) for at in range(10, 40, 2)]
    (row,) = rows([*series(name, lambda at: 12), *lacking], EDGES, sample(50, name, 12))
    assert row.thirds == (12, 12, 12)


def test_whoever_is_put_off_was_answered_only_while_something_was_away():
    visits = [Visit("history", at, 0.1, PUT_OFF) for at in (10, 101, 104, 201)]
    faults = [Struck("postgres-killed", 100, 102), Struck("ai-500", 200, 203)]
    report = Report([], [*visits, Visit("known", 101, 1, "status 500")], faults, {}, [], 600, tells_growth=True)
    assert [visit.at for visit in report.unanswered] == [10, 201, 101]
    assert report.missed == [
        "1 not answered, history in peace: put off",
        "1 not answered, history in ai-500: put off",
        "1 not answered, known in postgres-killed: status 500",
    ]


def test_what_is_under_way_when_nobody_asks_and_who_died_is_told():
    report = Report([], [], [], {"calls open at the AI": 2, "streams being sent": 0}, ["a2"], 600, tells_growth=True)
    assert report.missed == ["2 calls open at the AI at rest", "worker a2 was replaced"]


def series(name: str, value) -> list[Sample]:
    return [sample(at, name, value(at)) for at in range(40)]


def sample(at: float, name: str, value: float) -> Sample:
    return Sample(at, {name: value})
