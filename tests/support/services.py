"""Starts Redis, PostgreSQL and the stand-in AI for the tests, before Django reads its settings.

Loaded as a pytest plugin (`-p tests.support.services`). Each test process has its own services in its own folder, and
stops them at exit.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.support import reaper, xdist
from tests.support.postgres import Postgres
from tests.support.processes import HOST, ROOT, Process, free_port, start_ai_service, start_redis, wait_for_port

__all__ = ["HOST", "ROOT", "Process", "free_port", "new_folder", "start_ai_service", "start_redis", "wait_for_port"]

FOLDER = Path(tempfile.mkdtemp(prefix="chat-bff-tests-"))
NOWHERE = f"postgresql://nobody@{HOST}:1/none"
# The data is removed with the folder: durability would only cost time.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def new_folder(name: str) -> Path:
    """A folder that is removed at exit.

    Unlike those of `tmp_path` it stays open to the user that PostgreSQL runs as: any other run of pytest that starts
    meanwhile closes them.
    """
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=FOLDER))


def _start() -> None:
    redis_port, ai_port = free_port(), free_port()
    os.environ.update(
        DEBUG="1",  # without HTTPS; production settings are tested in their own process
        SECRET_KEY="only-for-tests-" + "x" * 50,
        REDIS_URL=f"redis://{HOST}:{redis_port}/0",
        REDIS_TIMEOUT_SECONDS="1",  # the default of 100 ms reports an outage on a busy machine
        DATABASE_URL=NOWHERE,
        AI_SERVICE_URL=f"http://{HOST}:{ai_port}",
        AI_SERVICE_MODEL="stand-in",
        LOG_LEVEL="debug",
        LOG_FORMAT="json",
        RATE_LIMIT_CHAT="100000/minute",
        OPENAI_ALLOW_ANONYMOUS="1",
        PARALLEL_ANSWERS_PER_CALLER="100000",
        PARALLEL_ANSWERS_PER_ADDRESS="100000",
        DAILY_ANSWERS_PER_CALLER="0",
        DAILY_ANSWERS_PER_ADDRESS="0",
        RATE_LIMIT_DEFAULT="100000/minute",
    )
    reaper.watch_folder(FOLDER)
    # Registered before PostgreSQL's own end, so run after it.
    atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
    if not xdist.is_controller():
        os.environ["DATABASE_URL"] = Postgres(FOLDER, NOT_DURABLE).address
        start_redis(redis_port)
        start_ai_service(ai_port)


_start()
