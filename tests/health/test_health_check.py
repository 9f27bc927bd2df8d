from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services import HOST, ROOT, Process, free_port, redis_server


def health_check(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "health_check", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **env}, timeout=30, check=False
    )


def report(**env: str) -> tuple[int, dict[str, Any]]:
    """The exit code and what `/readyz` would say, found among the log's lines."""
    done = health_check("--json", **env)
    (said,) = [line for line in map(json.loads, done.stdout.splitlines()) if "dependencies" in line]
    return done.returncode, said


@pytest.fixture
def frozen_redis() -> Iterator[Process]:
    server = redis_server(free_port())
    server.freeze()
    yield server
    server.stop()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Something that takes connections and never says a word."""
    with socket.create_server((HOST, 0)) as listener:
        yield listener.getsockname()[1]


def test_all_is_well():
    code, said = report()
    assert (code, said["status"]) == (0, "healthy"), said
    assert {"supabase", "cache"} <= said["dependencies"].keys()


def test_the_table_is_for_eyes():
    done = health_check()
    assert done.returncode == 0
    assert "supabase" in done.stdout
    assert "healthy" in done.stdout


def test_without_a_database_it_could_not_serve():
    code, said = report(DATABASE_URL=f"postgresql://user:hunter2@{HOST}:{free_port()}/bff")
    assert (code, said["status"]) == (1, "unhealthy")
    assert said["dependencies"]["supabase"]["error"] == "timeout"  # the pool goes on trying for longer than we wait
    assert "hunter2" not in str(said)


def test_a_database_that_hangs_is_a_timeout_and_holds_up_nothing(silent_port):
    code, said = report(DATABASE_URL=f"postgresql://user@{HOST}:{silent_port}/bff")
    assert code == 1
    assert said["dependencies"]["supabase"]["error"] == "timeout"
    assert said["dependencies"]["cache"]["status"] == "healthy"


def test_without_redis_it_serves_with_losses():
    code, said = report(REDIS_URL=f"redis://{HOST}:{free_port()}/0")
    assert (code, said["status"]) == (0, "degraded")
    assert said["dependencies"]["cache"]["error"] == "unreachable"


def test_a_frozen_redis_is_a_timeout(frozen_redis):
    code, said = report(REDIS_URL=f"redis://{HOST}:{frozen_redis.port}/0")
    assert code == 0
    assert said["dependencies"]["cache"]["error"] == "timeout"
    assert said["dependencies"]["cache"]["latency"] < 1000
