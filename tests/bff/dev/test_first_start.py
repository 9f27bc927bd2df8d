"""`make` on a bare checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests.support.services import ROOT


def test_an_environment_that_was_left_without_pip_is_made_anew(tmp_path):
    """So Debian leaves it without its package python3-venv: with a Python, and nothing else."""
    for name in ("Makefile", "requirements-run.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "tests" / "clients").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "clients" / "package-lock.json", tmp_path / "tests" / "clients")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=tmp_path, check=True)
    (tmp_path / ".venv" / "left").touch()
    command = ["make", "-n", "run", f"PYTHON={sys.executable}"]
    steps = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
    (creation,) = [step for step in steps.splitlines() if "-m venv" in step]
    subprocess.run(creation, cwd=tmp_path, shell=True, timeout=100, check=True)
    assert (tmp_path / ".venv" / "bin" / "pip").exists()
    assert not (tmp_path / ".venv" / "left").exists()
