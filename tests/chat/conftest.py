from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from tests.chat.session_parts import Behaviour, RawServer, Serve


@pytest.fixture
def serve(settings) -> Iterator[Serve]:
    """Starts servers that do as they are told; the session asks the last one."""
    servers = []

    def start(behave: Behaviour | bytes, tls: ssl.SSLContext | None = None) -> RawServer:
        behaviour = (lambda connection: connection.sendall(behave)) if isinstance(behave, bytes) else behave
        servers.append(RawServer(behaviour, tls))
        settings.AI_SERVICE_URL = servers[-1].address
        return servers[-1]

    yield start
    for server in servers:
        server.close()
