"""Starts and stops the processes of a running chat-bff for tests, drills and benchmarks.

Django is not imported: the tests start these processes before they configure its settings.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from bff.dev.services import is_taken, redis_executable
from tests.support import reaper

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent.parent
# Below those that the system gives to outgoing connections. A node of a Redis Cluster takes the one 10,000 higher, too.
PORTS = range(10_000, 20_000)
SHARES = 16


def free_port() -> int:
    """A port where nothing listens, for a process that is about to start.

    Each process of pytest-xdist has ports of its own, so that two that look at the same time never get the same one.
    """
    own = PORTS[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % SHARES :: SHARES]
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = random.choice(own)
            probe.bind((HOST, port))
            return port


def wait_for_port(port: int, timeout: float = 20.0, may_come: Callable[[], bool] = lambda: True) -> None:
    """Return when a process listens on the port.

    Raises TimeoutError after `timeout` seconds, or when nobody will listen any more.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and may_come():
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


class Child(Protocol):
    """What is used of a `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def terminate(self) -> None: ...


class Process:
    """A child process that listens on a port. It is stopped at exit of this process at the latest.

    It leads its own process group: Ctrl-C does not reach it, and its signals reach all of its children. `env` is its
    whole environment (default: this process's), `folder` where it runs; it must listen within `start_timeout` seconds.
    """

    def __init__(
        self,
        *command: str,
        port: int,
        env: Mapping[str, str] | None = None,
        output: Path | None = None,
        folder: Path = ROOT,
        start_timeout: float = 20.0,
    ) -> None:
        self.command, self.port, self.env, self.output = command, port, env, output
        self.folder, self.start_timeout = folder, start_timeout
        atexit.register(self.stop)
        self.start()

    def start(self) -> None:
        self.child = self.spawn()
        reaper.watch_group(self.child.pid)
        try:
            self.wait_until_ready()
        except OSError as error:
            if self.output:
                error.add_note(f"Last output:\n{self.output.read_text()[-2_000:]}")
            raise

    def wait_until_ready(self) -> None:
        wait_for_port(self.port, self.start_timeout, lambda: self.child.poll() is None)

    def spawn(self) -> Child:
        with (self.output or Path(os.devnull)).open("ab") as sink:
            return subprocess.Popen(
                self.command, stdout=sink, stderr=sink, env=self.env, cwd=self.folder, start_new_session=True
            )

    def stop(self, signal_number: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal to the group, and SIGKILL if it does not exit within 10 s."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGCONT)
            os.killpg(self.child.pid, signal_number)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        reaper.forget_group(self.child.pid)

    def stop_gracefully(self) -> None:
        """Send SIGTERM, as a deployment does, and wait until requests in progress have ended."""
        self.child.terminate()
        self.child.wait(60)
        reaper.forget_group(self.child.pid)

    def kill(self) -> None:
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
            while is_taken(HOST, self.port):  # by its children, which end a moment later
                time.sleep(0.01)
        reaper.forget_group(self.child.pid)

    def freeze(self) -> None:
        """Suspend the group until `thaw`; its ports still accept connections."""
        os.killpg(self.child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.child.pid, signal.SIGCONT)


def start_redis(port: int) -> Process:
    """A Redis without persistence.

    Replication writes into a temporary folder, which is removed at exit after the server has stopped.
    """
    folder = tempfile.mkdtemp(prefix="chat-bff-redis-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    reaper.watch_folder(Path(folder))
    options = {"port": str(port), "bind": HOST, "dir": folder, "save": "", "appendonly": "no"}
    return Process(
        redis_executable(),
        *(argument for name, value in options.items() for argument in (f"--{name}", value)),
        port=port,
    )


def start_ai_service(port: int) -> Process:
    """The stand-in AI without a pace."""
    return Process(sys.executable, "-m", "ai_service", "--port", str(port), "--tokens-per-second", "0", port=port)


class WebInstance(Process):
    """An instance of chat-bff as in production: gunicorn with gevent workers. `env` has its settings.

    It runs the source of the checkout in `folder`, with the packages of this one.
    """

    def __init__(self, env: Mapping[str, str], output: Path, folder: Path = ROOT) -> None:
        port = free_port()
        self.log = output
        self.url = f"http://{HOST}:{port}"
        serve = ("-m", "gunicorn", "--config", "bff/server/gunicorn.conf.py", "--bind", f"{HOST}:{port}")
        own_env = {**env, "PORT": str(port)}
        super().__init__(sys.executable, *serve, port=port, env=own_env, output=output, folder=folder)

    def wait_until_ready(self) -> None:
        super().wait_until_ready()
        # gunicorn listens before its workers have loaded the application.
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=60):
            pass
