"""Slow clients are nginx' affair (docs/deploy); without it they are a nuisance to nobody else."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest

from tests.server import Server
from tests.services import HOST

pytestmark = pytest.mark.django_db(transaction=True)

HALF_A_HEAD = b"POST /api/chat/message HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_A_BODY = (
    b"POST /api/chat/message HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 4000\r\n\r\n{"message": "'
)


def dripping(server: Server, opening: bytes) -> socket.socket:
    """Somebody who begins a request and does not go on."""
    client = socket.create_connection((HOST, server.port), timeout=10)
    client.sendall(opening)
    return client


def test_slow_clients_keep_nobody_waiting(server, ai):
    with ExitStack() as crowd:
        for number in range(200):
            crowd.enter_context(dripping(server, HALF_A_HEAD if number % 2 else HALF_A_BODY))
        began = time.monotonic()
        replies = [server.ask(f"Question {number} ?") for number in range(5)]
        assert [reply.status_code for reply in replies] == [200] * 5
        assert all(reply.json()["saved"] for reply in replies)
        assert time.monotonic() - began < 20
