"""Delay of `/healthz` of one worker while each hostile file and text is read."""

from __future__ import annotations

import threading
import time

import requests

from tests.chat.documents import hostile_files
from tests.support.server import Server

PAUSE_SECONDS = 0.01  # between two requests for /healthz


def measure() -> None:
    """Print the longest delay beside each, the worst first."""
    documents = {name: make() for name, (make, _) in hostile_files.FILES.items()}
    documents |= {f"text of {name}": text.encode() for name, text in hostile_files.TEXTS.items()}
    server = Server(workers=1, DEBUG="0", LOG_LEVEL="error", ALLOWED_HOSTS="*")
    try:
        delays = {name: _delays_beside(server, data) for name, data in documents.items()}
    finally:
        server.stop()
    print("| read | `/healthz` asked | longest delay |\n| --- | --- | --- |")
    for name, found in sorted(delays.items(), key=lambda item: -max(item[1])):
        print(f"| {name} | {len(found)} times | {max(found) * 1000:.0f} ms |")


def _delays_beside(server: Server, data: bytes) -> list[float]:
    """The seconds of each request for /healthz until the document is answered."""
    reader = threading.Thread(target=_send, args=(server, data))
    reader.start()
    delays = []
    with requests.Session() as session:
        while reader.is_alive() or not delays:
            began = time.perf_counter()
            assert session.get(f"{server.url}/healthz", timeout=60).ok
            delays.append(time.perf_counter() - began)
            time.sleep(PAUSE_SECONDS)
    return delays


def _send(server: Server, data: bytes) -> None:
    headers = {"X-Forwarded-Proto": "https"}
    files = {"file": ("a", data)}
    requests.post(f"{server.url}/api/chat/analyze-document", files=files, headers=headers, timeout=90)
