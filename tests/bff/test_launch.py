"""`make run` from the outside: what is started, what is not, and that nothing stays behind."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from bff.ports import is_taken
from tests.services import HOST, ROOT

EMBEDDED = {"REDIS_URL", "AI_SERVICE_URL", "DATABASE_URL"}


def launch(port: int, output: Path, **env: str) -> subprocess.Popen[bytes]:
    """The command behind `make run`, on its own database, with the parts that a test's environment names left out."""
    mine = {name: value for name, value in os.environ.items() if name not in EMBEDDED}
    with output.open("wb") as sink:
        return subprocess.Popen(
            [sys.executable, "-m", "bff.launch"],
            cwd=ROOT,
            env={**mine, "PORT": str(port), "WEB_WORKERS": "1", **env},
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def three_free_ports() -> int:
    """The first of them; below those that the system gives to outgoing connections."""
    while True:
        first = random.randrange(20_000, 30_000)
        if not any(is_taken(HOST, first + offset) for offset in range(3)):
            return first


@pytest.mark.timeout(180)
def test_one_command_serves_the_product_and_ctrl_c_leaves_nothing(tmp_path):
    port, output = three_free_ports(), tmp_path / "output"
    process = launch(port, output, DATABASE_URL=f"sqlite:///{tmp_path / 'db.sqlite3'}")
    try:
        wait_for(output, f"chat-bff is ready: http://{HOST}:{port}", process)
        answer = requests.post(
            f"http://{HOST}:{port}/api/chat/message", json={"message": "Comment demander l'AEEH ?"}, timeout=30
        ).json()
        assert answer["saved"] is True
        assert answer["sources"]
        assert re.search(r"Admin account made: admin / \S{16}", output.read_text())
    finally:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.wait(20)
    assert process.returncode == 0
    assert len(family) >= 4
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


def test_a_taken_port_gives_one_clear_line(tmp_path):
    with socket.socket() as squatter:
        squatter.bind((HOST, 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        process = launch(port, tmp_path / "output")
        assert process.wait(20) == 1
    assert (tmp_path / "output").read_text().splitlines() == [
        f"Port {port} (web) is taken: stop what listens there, or choose another with PORT=…."
    ]


def wait_for(output: Path, text: str, process: subprocess.Popen[bytes], seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while text not in output.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.2)
