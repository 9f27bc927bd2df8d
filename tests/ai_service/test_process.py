from __future__ import annotations

import re
import signal
import socket

import pytest
import requests

from ai_service.control import StandIn
from tests.ai_service import conftest
from tests.ai_service.client import open_call
from tests.ai_service.conftest import address_of, stop
from tests.support.polling import eventually


@pytest.fixture
def start():
    """Starts stand-ins and kills those left at the end of the test."""
    started = []

    def starting(*options: str):
        started.append(conftest.start(*options))
        return started[-1]

    yield starting
    for process in started:
        process.kill()
        process.communicate()


def test_port_0_picks_a_free_port_and_prints_its_url_in_one_line(start):
    process = start("--port", "0")
    line = process.stdout.readline()
    assert re.fullmatch(r"ai_service listening on http://127\.0\.0\.1:\d+\n", line)
    assert requests.get(f"{line.split()[-1]}/health", timeout=2).ok
    stop(process)


def test_a_port_in_use_is_one_error_line_and_exit_code_1(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start("--port", str(port))
        output, errors = process.communicate(timeout=5)
    assert (process.returncode, output) == (1, "")
    assert errors == f"ai_service can't listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_missing_knowledge_folder_is_an_error_at_start(start):
    process = start("--port", "0", "--knowledge", "/does/not/exist")
    _, errors = process.communicate(timeout=5)
    assert process.returncode == 2
    assert "/does/not/exist is no folder" in errors


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_with_a_call_in_progress(start, how):
    process = start("--port", "0")
    ai = StandIn(address_of(process))
    ai.fail("hang")
    with open_call(ai) as call:
        eventually(lambda: ai.open_calls == 1)
        process.send_signal(how)
        _, errors = process.communicate(timeout=3)
        assert call.recv(1) == b""
    assert (process.returncode, errors) == (0, "")


def test_a_reset_restores_the_pace_of_the_command_line(start):
    process = start("--port", "0", "--tokens-per-second", "7")
    ai = StandIn(address_of(process))
    ai.pace(500)
    ai.reset()
    stats = requests.get(f"{ai.url}/_control/stats", timeout=2).json()
    assert stats["tokens_per_second"] == 7
    stop(process)
