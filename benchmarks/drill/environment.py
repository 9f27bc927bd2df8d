"""The processes of a drill: two instances of chat-bff with their own Redis, PostgreSQL and stand-in AI."""

from __future__ import annotations

import mmap
import os
import resource
import secrets
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from redis import Redis

from ai_service.control import StandIn
from tests.support.postgres import Postgres
from tests.support.processes import (
    HOST,
    ROOT,
    Process,
    WebInstance,
    free_port,
    start_ai_service,
    start_redis,
)

TOKENS_PER_SECOND = 150.0  # an answer takes about a second

# For the soak and the drill's own test, which have no time for the shipped ones; the rules are the same.
SHORT_TIMES = {
    "AI_CONNECT_TIMEOUT": "1",
    "AI_READ_TIMEOUT_CHAT": "2",
    "AI_DEADLINE_CHAT": "4.5",
    "BREAKER_WINDOW_SECONDS": "4",
    "BREAKER_SLOW_CALL_SECONDS": "1",
    "BREAKER_OPEN_SECONDS": "2",
    "BREAKER_OPEN_MAX_SECONDS": "3",
    "UNREAD_RUN_TIMEOUT_SECONDS": "2",
}


SHIPPED: Mapping[str, str] = {}


class Clock:
    """Shifts the wall clock of the processes started with `env`; see clock/sitecustomize.py."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(struct.pack("d", 0.0))
        self.env = {"PYTHONPATH": str(Path(__file__).with_name("clock")), "DRILL_CLOCK": str(file)}
        with file.open("r+b") as opened:
            self._offset = mmap.mmap(opened.fileno(), 8)

    def shift(self, seconds: float) -> None:
        struct.pack_into("d", self._offset, 0, seconds)


class Environment:
    """A `with` block during which all processes run. The first instance has two workers, the second a
    shiftable clock. `settings` replace the shipped ones.
    """

    def __init__(self, settings: Mapping[str, str] = SHIPPED) -> None:
        self._settings = settings

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            self.folder = Path(tempfile.mkdtemp(prefix="chat-bff-drill-"))
            resources.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.postgres = Postgres(self.folder)
            resources.callback(self.postgres.stop)
            self.redis = self._stopped_at_exit(resources, start_redis(free_port()))
            ai = self._stopped_at_exit(resources, start_ai_service(free_port()))
            self.ai_port = ai.port
            self.ai = StandIn(f"http://{HOST}:{ai.port}")
            self.clock = Clock(self.folder / "clock")
            self.secret = secrets.token_urlsafe(40)
            self._prepare_database()
            self._own_settings: list[dict[str, str]] = []
            self.instances = [
                self._start_instance(resources, {"WEB_WORKERS": "2"}),
                self._start_instance(resources, {"WEB_WORKERS": "1", **self.clock.env}),
            ]
            self._resources = resources.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._resources.close()

    @property
    def _redis_url(self) -> str:
        return f"redis://{HOST}:{self.redis.port}/0"

    def env(self, changes: Mapping[str, str] = SHIPPED) -> dict[str, str]:
        """The whole environment of an instance, with these changes. It contains none of the operator's settings."""
        settings = {
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
            "OPENAI_ALLOW_ANONYMOUS": "1",
            "PARALLEL_ANSWERS_PER_CALLER": "100000",
            "PARALLEL_ANSWERS_PER_ADDRESS": "100000",
            "DAILY_ANSWERS_PER_CALLER": "0",
            "DAILY_ANSWERS_PER_ADDRESS": "0",
            "RATE_LIMIT_DEFAULT": "100000/minute",
            "LOG_LEVEL": "info",
            "LOG_FORMAT": "json",
            "LOG_FILE": "",
            **self._settings,
            **changes,
        }
        no_secret_files = {f"{name}_FILE": "" for name in settings}  # overrides a checkout's .env
        machine = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return machine | no_secret_files | settings

    def _prepare_database(self) -> None:
        for command in (["migrate", "--verbosity=0"], ["load_knowledge", "--verbosity=0"]):
            subprocess.run(
                [sys.executable, "manage.py", *command], cwd=ROOT, env=self.env(), check=True, capture_output=True
            )

    def _start_instance(self, resources: ExitStack, settings: dict[str, str]) -> WebInstance:
        metrics = tempfile.mkdtemp(prefix="metrics-", dir=self.folder)
        log = Path(tempfile.mkstemp(prefix="web-", suffix=".log", dir=self.folder)[1])
        own = {"PROMETHEUS_MULTIPROC_DIR": metrics} | settings
        instance = WebInstance(self.env() | own, log)
        self._own_settings.append(own)
        resources.callback(instance.stop, signal.SIGINT)  # without waiting for streams in progress
        return instance

    @property
    def postgres_socket(self) -> str:
        """The path of PostgreSQL's socket."""
        return str(self.folder / "postgres" / ".s.PGSQL.5432")

    @contextmanager
    def changed(self, changes: Mapping[str, str]) -> Iterator[None]:
        """Both instances restart with changed settings, and without them after the block."""
        self._restart(changes)
        yield
        self._restart(SHIPPED)  # not after Ctrl-C

    def _restart(self, changes: Mapping[str, str]) -> None:
        for instance, own in zip(self.instances, self._own_settings, strict=True):
            instance.stop(signal.SIGINT)
            instance.env = self.env(changes) | own | {"PORT": str(instance.port)}
            instance.start()

    def workers(self) -> list[Any]:
        """The workers of all instances, as psutil's processes."""
        import psutil  # type: ignore[import-untyped]  # noqa: PLC0415 a development dependency

        return [worker for instance in self.instances for worker in psutil.Process(instance.child.pid).children()]

    def kill_busiest_worker(self) -> None:
        """Send SIGKILL to it, as the kernel does when memory runs out; gunicorn starts another."""
        workers = [worker for worker in self.workers() if worker.ppid() == self.instances[0].child.pid]
        max(workers, key=lambda worker: len(worker.net_connections("tcp"))).kill()

    @staticmethod
    def limit_file_size(process: Any, limit: int) -> int:
        """Limit the size of the files that a process writes. Returns the limit before."""
        before, hard = process.rlimit(resource.RLIMIT_FSIZE)
        process.rlimit(resource.RLIMIT_FSIZE, (limit, hard))
        return int(before)

    def reset_breakers(self) -> None:
        """Close the circuits, as an operator's `breaker reset` does."""
        with Redis(HOST, self.redis.port) as redis:
            for key in redis.scan_iter("*breaker:*"):
                redis.delete(key)

    def read_history(self, message_ids: Sequence[str]) -> dict[str, str]:
        """The finished messages with these ids: text by message id."""
        query = "SELECT public_id, text FROM chat_message WHERE status <> 'pending'"
        rows: list[tuple[str, str]] = []
        sqlite_file = self.folder / "drill.sqlite3"
        if sqlite_file.exists():
            with closing(sqlite3.connect(sqlite_file)) as database:
                rows += database.execute(query)
        with psycopg.connect(self.postgres.address) as connection:
            rows += connection.execute(f"{query} AND public_id = ANY(%s)", [list(message_ids)])
        return dict(rows)

    @staticmethod
    def _stopped_at_exit(resources: ExitStack, process: Process) -> Process:
        resources.callback(process.stop)
        return process
