"""The ports of the processes that tests start."""

from __future__ import annotations

import socket

from tests.support import processes
from tests.support.processes import HOST, free_port


def test_two_test_processes_never_get_the_same_port(monkeypatch):
    def ports_of(worker: str) -> set[int]:
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        return {free_port() for _ in range(100)}

    here, there = ports_of("gw0"), ports_of("gw1")
    assert len(here) > 10
    assert not here & there


def test_a_port_in_use_is_not_given(monkeypatch):
    monkeypatch.setattr(processes, "SHARES", 1)
    with socket.create_server((HOST, 0)) as used:
        other = free_port()
        monkeypatch.setattr(processes, "PORTS", [used.getsockname()[1], other])
        assert {free_port() for _ in range(20)} == {other}
