from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator

import pytest

from tests.chat.session_parts import Behaviour, RawServer, Serve
from tests.missing import missing


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


def _tesseract_is_here() -> bool:
    program = shutil.which("tesseract")
    return bool(program) and b"fra" in subprocess.check_output([program, "--list-langs"])


@pytest.fixture
def tesseract(settings) -> None:
    """Words in pictures can be read; CI must be able to. The machine may be busy: the time is not what is tested."""
    settings.DOCUMENT_SECONDS = 60.0
    if not _tesseract_is_here():
        missing("tesseract is not installed with French (Debian's package tesseract-ocr-fra)")
