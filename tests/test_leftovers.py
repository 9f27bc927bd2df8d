"""A test run leaves nothing behind, whatever ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.polling import eventually
from tests.support.processes import ROOT

RUN = """
import tempfile, time
from pathlib import Path
from tests.support.postgres import Postgres
from tests.support.processes import free_port, start_redis
from tests.support import reaper

folder = Path(tempfile.mkdtemp(prefix="chat-bff-leftovers-"))
reaper.watch_folder(folder)
postgres = Postgres(folder)
redis = start_redis(free_port())
redis.freeze()
print(folder, redis.command[redis.command.index("--dir") + 1], flush=True)
print(postgres.pid, redis.child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_processes_and_folders_end_with_the_process_that_started_them(number):
    with subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True, cwd=ROOT) as run:
        assert run.stdout
        folders = [Path(name) for name in run.stdout.readline().split()]
        servers = [psutil.Process(int(pid)) for pid in run.stdout.readline().split()]
        run.send_signal(number)
        run.wait(30)
    eventually(lambda: not any(server.is_running() for server in servers), 20)
    eventually(lambda: not any(folder.exists() for folder in folders), 20)
