from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.fake_upstream import Handler, RawServer, Serve
from tests.support.requirements import skip_or_fail


@pytest.fixture
def serve(settings) -> Iterator[Serve]:
    """Starts servers with the given handler or response; AI_SERVICE_URL is the address of the last one."""
    servers = []

    def start(handler: Handler | bytes, tls: ssl.SSLContext | None = None) -> RawServer:
        handle = (lambda connection: connection.sendall(handler)) if isinstance(handler, bytes) else handler
        servers.append(RawServer(handle, tls))
        settings.AI_SERVICE_URL = servers[-1].address
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def _has_tesseract() -> bool:
    program = shutil.which("tesseract")
    return program is not None and b"fra" in subprocess.check_output([program, "--list-langs"])


@pytest.fixture
def tesseract(settings) -> None:
    """Requires tesseract with French; CI fails without it. The timeout is long, because the machine may be busy."""
    settings.DOCUMENT_TIMEOUT_SECONDS = 60.0
    if not _has_tesseract():
        skip_or_fail("tesseract is not installed with French (Debian's package tesseract-ocr-fra)")
