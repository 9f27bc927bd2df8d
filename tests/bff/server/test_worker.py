"""A worker that finishes."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from gevent import monkey; monkey.patch_all()
import logging, os, socket
from gunicorn.config import Config
from bff.server import worker

worker.draining.has_background_work = lambda: False

listener = socket.create_server(("127.0.0.1", 0))
finishing = worker.Worker(1, 0, [listener], None, 30, Config(), logging.getLogger())
finishing.servers = [finishing._open(listener)]
with socket.create_connection(listener.getsockname()):
    worker._close(finishing.servers[0])
    print(finishing._is_busy(), flush=True)
    os._exit(0)
"""


def test_a_connection_that_was_just_accepted_keeps_the_worker_busy():
    """Its greenlet has not begun: the process would exit, and reset it with the request that it has."""
    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "True\n"
