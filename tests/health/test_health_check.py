from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.commands import manage
from tests.support.services import HOST, Process, free_port, start_redis


def run_health_check(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return manage("health_check", *arguments, env={**os.environ, **env})


def json_report(**env: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the report."""
    completed = run_health_check("--json", **env)
    return completed.returncode, json.loads(completed.stdout)


@pytest.fixture
def frozen_redis() -> Iterator[Process]:
    server = start_redis(free_port())
    server.freeze()
    yield server
    server.stop()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts connections and never answers."""
    with socket.create_server((HOST, 0)) as listener:
        yield listener.getsockname()[1]


def test_healthy_dependencies_exit_with_0():
    code, report = json_report()
    assert (code, report["status"]) == (0, "healthy"), report
    assert {"supabase", "cache"} <= report["dependencies"].keys()


def test_the_default_output_is_a_table():
    completed = run_health_check()
    assert completed.returncode == 0
    assert "supabase" in completed.stdout
    assert "healthy" in completed.stdout


def test_an_unreachable_database_is_unhealthy_and_exits_with_1():
    code, report = json_report(DATABASE_URL=f"postgresql://user:hunter2@{HOST}:{free_port()}/bff")
    assert (code, report["status"]) == (1, "unhealthy")
    assert report["dependencies"]["supabase"]["error"] == "timeout"  # the pool retries longer than the probe waits
    assert "hunter2" not in str(report)


def test_a_database_that_hangs_is_a_timeout_and_does_not_delay_other_probes(silent_port):
    code, report = json_report(DATABASE_URL=f"postgresql://user@{HOST}:{silent_port}/bff")
    assert code == 1
    assert report["dependencies"]["supabase"]["error"] == "timeout"
    assert report["dependencies"]["cache"]["status"] == "healthy"


def test_an_unreachable_redis_is_degraded_and_exits_with_0():
    code, report = json_report(REDIS_URL=f"redis://{HOST}:{free_port()}/0")
    assert (code, report["status"]) == (0, "degraded")
    assert report["dependencies"]["cache"]["error"] == "unreachable"


def test_a_frozen_redis_is_a_timeout(frozen_redis):
    code, report = json_report(REDIS_URL=f"redis://{HOST}:{frozen_redis.port}/0")
    assert code == 0
    assert report["dependencies"]["cache"]["error"] == "timeout"
    assert report["dependencies"]["cache"]["latency"] < 1000
