"""A worker that finishes or dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.polling import eventually
from tests.support.server import Server

SETUP = """
from gevent import monkey; monkey.patch_all()
from bff.server import gevent_poll; gevent_poll.install()
import logging, os, socket
from gunicorn.config import Config
from bff.server import worker

worker.draining.has_background_work = lambda: False

listener = socket.create_server(("127.0.0.1", 0))
finishing = worker.Worker(1, 0, [listener], None, 30, Config(), logging.getLogger())
"""

JUST_ACCEPTED = """
finishing.servers = [finishing._open(listener)]
with socket.create_connection(listener.getsockname()):
    worker._close(finishing.servers[0])
    print(finishing._is_busy(), flush=True)
    os._exit(0)
"""

REQUEST_ARRIVED = """
import select
asking, silent = socket.socketpair(), socket.socketpair()
asking[1].send(b"GET / HTTP/1.1\\r\\n\\r\\n")
for server_side, _ in (asking, silent):
    finishing.connections[server_side] = worker.Connection(server_side, idle_since=float("-inf"))
finishing._is_busy()
for server_side, _ in (asking, silent):
    poll = select.poll()
    poll.register(server_side, select.POLLRDHUP)
    print("closed" if poll.poll(0) else "open")
"""


def output_of(program: str) -> list[str]:
    """The lines that the program prints. It begins with a worker that finishes."""
    command = [sys.executable, "-c", SETUP + program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return ended.stdout.splitlines()


def test_a_connection_that_was_just_accepted_keeps_the_worker_busy():
    """Its greenlet has not begun: the process would exit, and reset it with the request that it has."""
    assert output_of(JUST_ACCEPTED) == ["True"]


def test_a_connection_whose_next_request_has_arrived_stays_open_for_reading():
    """Closed, it would look as if the client had left, and the answer would be cancelled."""
    assert output_of(REQUEST_ARRIVED) == ["open", "closed"]


@pytest.mark.django_db(transaction=True)
def test_an_instance_outlives_an_error_in_adding_up_the_metrics_of_a_dead_worker(ai, tmp_path: Path):
    server = Server(workers=2, PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    try:
        arbiter = psutil.Process(server.process.child.pid)
        (tmp_path / "lock").unlink(missing_ok=True)
        (tmp_path / "lock").mkdir()  # which nobody can open for writing
        dead = arbiter.children()[0]
        dead.kill()
        eventually(lambda: any('"Unexpected error"' in line and "IsADirectory" in line for line in server.lines()), 10)
        eventually(lambda: len(arbiter.children()) == 2 and dead not in arbiter.children(), 10)
        assert server.get("/healthz").status_code == 200
    finally:
        server.stop()
