"""A separate stand-in for these tests, so that its ledger counts their calls only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ai_service.control import StandIn

ROOT = Path(__file__).resolve().parent.parent.parent


def start(*options: str) -> subprocess.Popen[str]:
    """Start a stand-in; its first output line ends with its URL."""
    command = [sys.executable, "-m", "ai_service", *options]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().split()[-1]


def stop(process: subprocess.Popen[str]) -> str:
    """Stop it with SIGTERM. Returns its stderr."""
    process.terminate()
    _, errors = process.communicate(timeout=5)
    assert process.returncode == 0
    return errors


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    process = start("--port", "0", "--tokens-per-second", "0")
    yield address_of(process)
    errors = stop(process)
    assert "Traceback" not in errors


@pytest.fixture
def ai(address: str) -> Iterator[StandIn]:
    stand_in = StandIn(address)
    stand_in.reset()
    yield stand_in
    stand_in.reset()


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session
