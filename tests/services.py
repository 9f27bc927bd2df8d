"""Real parts for the tests: a Redis, a PostgreSQL and the stand-in AI, started before Django reads its settings.

Loaded as a pytest plugin (`-p tests.services`); each test process has its own parts, in its own folder, and takes them
down with it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from chat.drill.parts import HOST, ROOT, Process, ai_service, free_port, redis_server, wait_for_port
from chat.drill.postgres import Postgres

__all__ = ["HOST", "ROOT", "Process", "ai_service", "free_port", "redis_server", "wait_for_port"]

FOLDER = Path(tempfile.mkdtemp(prefix="chat-bff-tests-"))
# Nothing here outlives its tests.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _start() -> None:
    atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)  # first in, last out: after what lives in it has ended
    redis_port, ai_port = free_port(), free_port()
    os.environ.update(
        DEBUG="1",  # without HTTPS; what production sets is tested in a process of its own
        SECRET_KEY="only-for-tests-" + "x" * 50,
        REDIS_URL=f"redis://{HOST}:{redis_port}/0",
        REDIS_TIMEOUT_SECONDS="1",  # a busy machine is no outage
        DATABASE_URL=Postgres(FOLDER, NOT_DURABLE).address,
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
