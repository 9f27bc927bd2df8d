"""Bodies sent in chunks, without a length: some clients and proxies send every body so."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from tests.support.server import Server

pytestmark = pytest.mark.django_db(transaction=True)


def in_chunks(body: bytes, size: int = 7000) -> Iterator[bytes]:
    """requests sends the items of an iterator as chunks."""
    return (body[start : start + size] for start in range(0, len(body), size))


def post(server: Server, path: str, body: bytes, media_type: str = "application/json") -> requests.Response:
    headers = {"Content-Type": media_type}
    return requests.post(server.url + path, data=in_chunks(body), headers=headers, timeout=60)


def test_bodies_in_chunks_are_read(server: Server):
    question = {"role": "user", "content": "Qu'est-ce que la PCH ?"}
    completion = post(server, "/v1/chat/completions", json.dumps({"model": "any", "messages": [question]}).encode())
    assert "PCH" in completion.json()["choices"][0]["message"]["content"]
    answer = post(server, "/api/chat/message", json.dumps({"message": "Bonjour", "padding": "x" * 100_000}).encode())
    assert answer.json()["response"]

    files = {"file": ("letter.txt", "Décision du 3 mars 2026.", "text/plain")}
    form = requests.Request("POST", server.url, data={"documentType": "mdph"}, files=files).prepare()
    assert isinstance(form.body, bytes)
    form_type = form.headers["Content-Type"]
    analysis = post(server, "/api/chat/analyze-document", form.body, form_type)
    assert analysis.json()["extractedData"]["dates"][0]["iso"] == "2026-03-03"

    empty = post(server, "/api/chat/message", b"")
    assert empty.status_code in {400, 422}
    too_large = post(server, "/api/chat/message", b'{"message": "' + b"x" * 600_000)
    assert too_large.status_code == 413
    far_too_large = post(server, "/api/chat/analyze-document", form.body + b"x" * 20_000_000, form_type)
    assert far_too_large.status_code in {400, 413, 422}
    assert requests.get(f"{server.url}/healthz", timeout=5).status_code == 200
