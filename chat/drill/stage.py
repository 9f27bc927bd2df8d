"""What a drill plays on: two instances of chat-bff, with a Redis, a PostgreSQL and a stand-in AI of their own."""

from __future__ import annotations

import mmap
import os
import secrets
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from ai_service.control import StandIn
from chat.drill.parts import HOST, ROOT, Process, Web, ai_service, free_port, redis_server
from chat.drill.postgres import Postgres

PACE = 150.0  # tokens a second: an answer takes about a second

# A day of operation in some minutes: the times are shorter than in production, the rules are the same.
SHORT_TIMES = {
    "AI_CONNECT_TIMEOUT": "1",
    "AI_READ_TIMEOUT_CHAT": "2",
    "AI_DEADLINE_CHAT": "4.5",
    "BREAKER_WINDOW_SECONDS": "4",
    "BREAKER_SLOW_CALL_SECONDS": "1",
    "BREAKER_OPEN_SECONDS": "2",
    "BREAKER_OPEN_MAX_SECONDS": "3",
    "RUN_GRACE_SECONDS": "2",
}


class Clock:
    """The wrong clock of one instance: see clock/sitecustomize.py."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(struct.pack("d", 0.0))
        self.env = {"PYTHONPATH": str(Path(__file__).with_name("clock")), "DRILL_CLOCK": str(file)}
        with file.open("r+b") as opened:
            self._offset = mmap.mmap(opened.fileno(), 8)

    def shift(self, seconds: float) -> None:
        struct.pack_into("d", self._offset, 0, seconds)


class Stage:
    """A `with` block in which everything runs: one instance with two workers, one with a clock that can be turned."""

    def __enter__(self) -> Self:
        with ExitStack() as parts:
            self.folder = Path(tempfile.mkdtemp(prefix="chat-bff-drill-"))
            parts.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.postgres = Postgres(self.folder)
            parts.callback(self.postgres.stop)
            self.redis = self._running(parts, redis_server(free_port()))
            ai = self._running(parts, ai_service(free_port()))
            self.ai_port = ai.port
            self.ai = StandIn(f"http://{HOST}:{ai.port}")
            self.clock = Clock(self.folder / "clock")
            self.secret = secrets.token_urlsafe(40)
            self._prepare_database()
            self.instances = [
                self._instance(parts, {"WEB_WORKERS": "2"}),
                self._instance(parts, {"WEB_WORKERS": "1", **self.clock.env}),
            ]
            self._parts = parts.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._parts.close()

    @property
    def _redis_url(self) -> str:
        return f"redis://{HOST}:{self.redis.port}/0"

    def _env(self) -> dict[str, str]:
        """The whole environment of an instance: nothing of the operator's own settings, least of all an address."""
        ours = {
            "DEBUG": "0",
            "SECRET_KEY": self.secret,
            "ALLOWED_HOSTS": HOST,
            "DATABASE_URL": self.postgres.address,
            "REDIS_URL": self._redis_url,
            "BREAKER_REDIS_URL": f"{self._redis_url}?client_name=breaker",
            "AI_SERVICE_URL": self.ai.url,
            "AI_SERVICE_PROTOCOL": "openai",
            "AI_SERVICE_API_KEY": "",
            "AI_SERVICE_MODEL": "stand-in",
            "SUPABASE_URL": "",
            "SUPABASE_JWT_SECRET": self.secret,
            "RATE_LIMIT_CHAT": "100000/minute",
            "RATE_LIMIT_DEFAULT": "100000/minute",
            "LOG_LEVEL": "info",
            "LOG_FORMAT": "json",
            "LOG_FILE": "",
            **SHORT_TIMES,
        }
        not_from_files = {f"{name}_FILE": "" for name in ours}  # what a checkout's .env may name
        machine = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return machine | not_from_files | ours

    def _prepare_database(self) -> None:
        for command in (["migrate", "--verbosity=0"], ["load_knowledge", "--verbosity=0"]):
            subprocess.run(  # noqa: S603 our own command
                [sys.executable, "manage.py", *command], cwd=ROOT, env=self._env(), check=True, capture_output=True
            )

    def _instance(self, parts: ExitStack, own: dict[str, str]) -> Web:
        metrics = tempfile.mkdtemp(prefix="metrics-", dir=self.folder)
        log = Path(tempfile.mkstemp(prefix="web-", suffix=".log", dir=self.folder)[1])
        instance = Web(self._env() | {"PROMETHEUS_MULTIPROC_DIR": metrics} | own, log)
        parts.callback(instance.stop, signal.SIGINT)  # at once: what still streams need not end
        return instance

    def kill_a_worker(self) -> None:
        """SIGKILL the busiest one, as the kernel does when memory runs out; gunicorn starts another."""
        import psutil  # type: ignore[import-untyped]  # noqa: PLC0415 a development dependency

        workers = psutil.Process(self.instances[0].child.pid).children()
        max(workers, key=lambda worker: len(worker.net_connections("tcp"))).kill()

    @staticmethod
    def _running(parts: ExitStack, process: Process) -> Process:
        parts.callback(process.stop)
        return process
