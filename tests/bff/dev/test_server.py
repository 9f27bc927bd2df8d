"""`make run`: which processes it starts, and that it stops all of them."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from ai_service.control import StandIn
from bff.dev.services import ai_service_port, is_taken
from tests.support.polling import eventually
from tests.support.services import HOST, ROOT, free_port

EMBEDDED = {"REDIS_URL", "AI_SERVICE_URL", "DATABASE_URL"}


def launch(port: int, output: Path, **env: str) -> subprocess.Popen[bytes]:
    """Start the command of `make run`, without the addresses of services that the test environment sets."""
    inherited = {name: value for name, value in os.environ.items() if name not in EMBEDDED}
    with output.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "bff.dev.server"],
            cwd=ROOT,
            env={**inherited, "PORT": str(port), "WEB_WORKERS": "1", **env},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@contextmanager
def running(port: int, output: Path, **env: str) -> Iterator[str]:
    """The address of `make run`, from when it is ready until all of its processes have ended."""
    process = launch(port, output, **env)
    try:
        wait_for(output, "chat-bff is ready", process)
        yield f"http://{HOST}:{port}"
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.wait(20)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def manage(*arguments: str) -> str:
    """The output of a command, in a shell that knows nothing of the instance that runs in this checkout."""
    told = {*EMBEDDED, "BREAKER_REDIS_URL", "DEBUG", "PORT", "SECRET_KEY"}
    env = {name: value for name, value in os.environ.items() if name not in told}
    return subprocess.check_output([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, text=True)


def three_free_ports() -> int:
    """The first of three consecutive ports, below the range for outgoing connections."""
    while True:
        first = random.randrange(30_000, 32_700)
        if not any(is_taken(HOST, first + offset) for offset in range(3)):
            return first


@dataclass(frozen=True)
class FirstStart:
    """What `make run` did on an empty database, until Ctrl-C."""

    port: int
    database: str
    answer: dict[str, Any]
    asked: int  # the stand-in, by the time it is ready
    breakers: str
    output: str
    children: list[psutil.Process]
    alive: list[psutil.Process]
    exit_code: int


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> FirstStart:
    folder = tmp_path_factory.mktemp("first")
    port, output, database = three_free_ports(), folder / "output", f"sqlite:///{folder / 'db.sqlite3'}"
    process = launch(port, output, DATABASE_URL=database)
    try:
        wait_for(output, f"chat-bff is ready: http://{HOST}:{port}", process)
        asked = StandIn(f"http://{HOST}:{ai_service_port(port)}").calls
        answer = requests.post(
            f"http://{HOST}:{port}/api/chat/message", json={"message": "Comment demander l'AEEH ?"}, timeout=30
        ).json()
        breakers = manage("breaker", "list")
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.wait(20)
    _, alive = psutil.wait_procs(children, timeout=5)
    return FirstStart(port, database, answer, asked, breakers, output.read_text(), children, alive, process.returncode)


@pytest.mark.timeout(180)
def test_make_run_serves_the_product_and_ctrl_c_stops_all_processes(first_start):
    assert first_start.answer["saved"] is True
    assert first_start.answer["sources"]
    assert re.search(r"Admin account created: admin / \S{16}", first_start.output)
    assert re.search(r"^chat +closed", first_start.breakers, re.MULTILINE)
    assert first_start.exit_code == 0
    assert "DeprecationWarning" not in first_start.output
    assert len(first_start.children) >= 4
    assert first_start.alive == []


@pytest.mark.timeout(180)
def test_a_second_start_asks_the_stand_in_nothing(first_start, tmp_path):
    assert first_start.asked > 100
    with running(first_start.port, tmp_path / "output", DATABASE_URL=first_start.database):
        assert StandIn(f"http://{HOST}:{ai_service_port(first_start.port)}").calls == 0


@contextmanager
def port_without_replies() -> Iterator[int]:
    """A port that accepts connections and never sends a byte."""
    with socket.create_server((HOST, 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def closed_port() -> Iterator[int]:
    yield free_port()


@contextmanager
def port_that_refuses_everything() -> Iterator[int]:
    """An HTTP service that answers 401 to each request, as to a wrong key."""
    with HTTPServer((HOST, 0), Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class Refusal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(401)

    def do_POST(self) -> None:
        self.send_error(401)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("ai_port", "warm"), [(closed_port, "0"), (port_without_replies, "1"), (port_that_refuses_everything, "1")]
)
def test_the_page_is_served_although_the_ai_does_not_answer(tmp_path, ai_port, warm):
    with ai_port() as unavailable:
        env = {
            "AI_SERVICE_URL": f"http://{HOST}:{unavailable}/v1",
            "AI_DEADLINE_CHAT": "2",
            "WARM_ON_START": warm,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        }
        started_at = time.monotonic()
        with running(three_free_ports(), tmp_path / "output", **env) as url:
            assert time.monotonic() - started_at < 60
            assert requests.get(url, timeout=10).status_code == 200
            answer = requests.post(f"{url}/api/chat/message", json={"message": "Comment demander l'AEEH ?"}, timeout=30)
            assert answer.status_code == 200
            assert answer.json()["origin"] == "knowledge"
    assert "Traceback" not in (tmp_path / "output").read_text()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("warm", "asks"), [("0", False), ("1", True)])
def test_another_ai_service_is_asked_ahead_of_time_on_request_only(tmp_path, ai, warm, asks):
    env = {
        "AI_SERVICE_URL": f"{ai.url}/v1",
        "WARM_ON_START": warm,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
    }
    with running(three_free_ports(), tmp_path / "output", **env):
        if asks:
            eventually(lambda: ai.calls > 100, seconds=30)
        else:
            time.sleep(1)  # there is no event to wait for: the process must stay quiet
            assert ai.calls == 0


def test_a_port_in_use_is_reported_in_one_line(tmp_path):
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        port = listener.getsockname()[1]
        process = launch(port, tmp_path / "output")
        assert process.wait(20) == 1
    assert (tmp_path / "output").read_text().splitlines() == [
        f"Port {port} (web) is in use: stop the process there, or choose another with PORT=…."
    ]


def wait_for(output: Path, text: str, process: subprocess.Popen[bytes], seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while text not in output.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.2)
