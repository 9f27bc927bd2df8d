"""Bodies sent in chunks, without a length, as some clients send all of them; and the memory of large ones."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from bff.http.request_bodies import LARGEST_DOCUMENTS
from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.services import HOST

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


MEGABYTE = 1024 * 1024
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'


def half_a_document(server: Server, address: str, *, has_length: bool) -> socket.socket:
    """A client that sends 900 KB of a document, and then nothing."""
    head = b"POST /api/chat/analyze-document HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: " + address.encode()
    head += b"\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    body = FILE + b"x" * 900_000
    client = socket.create_connection((HOST, server.port), timeout=20)
    if has_length:
        client.sendall(head + b"Content-Length: %d\r\n\r\n" % MEGABYTE + body)
    else:
        client.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % MEGABYTE + body)
    return client


def unfinished_json(server: Server, address: str) -> socket.socket:
    """A client that sends 450 KB of a question, and then nothing."""
    head = b"POST /api/chat/message HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: " + address.encode()
    head += b"\r\nContent-Type: application/json\r\nContent-Length: 500000\r\n\r\n"
    client = socket.create_connection((HOST, server.port), timeout=20)
    client.sendall(head + b'{"message": "' + b"x" * 450_000)
    return client


@pytest.fixture
def small_server(ai, transactional_db) -> Iterator[Server]:
    """Documents have one megabyte at most."""
    server = Server(DOCUMENT_MAX_MB="1", TRUSTED_PROXIES="1")
    yield server
    server.stop()


def send_document(server: Server, address: str) -> requests.Response:
    files = {"file": ("letter.txt", "Décision du 3 mars 2026. ".encode() * 40_000, "text/plain")}
    headers = {"X-Forwarded-For": address, "Accept-Language": "en"}
    return requests.post(f"{server.url}/api/chat/analyze-document", files=files, headers=headers, timeout=60)


@pytest.mark.parametrize(
    ("has_length", "addresses", "room"),
    [
        (True, 1, LARGEST_DOCUMENTS // 2),
        (False, 1, LARGEST_DOCUMENTS // 4),
        (True, 4, LARGEST_DOCUMENTS),
        (False, 4, LARGEST_DOCUMENTS // 2),
    ],
    ids=["one address", "one address, no lengths", "four addresses", "four addresses, no lengths"],
)
def test_large_bodies_take_a_limited_amount_of_memory(small_server, has_length, addresses, room):
    own = [f"192.0.2.{number % addresses}" for number in range(room + 3)]
    with ExitStack() as stack:
        clients = [
            stack.enter_context(half_a_document(small_server, address, has_length=has_length)) for address in own
        ]
        eventually(lambda: sum(map(is_refused, clients)) >= 2)
        assert small_server.ask("Bonjour").status_code == 200
        if has_length:
            reply = send_document(small_server, own[0])
            assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
            assert "Try again" in reply.json()["detail"]
        if addresses == 1:
            assert send_document(small_server, "198.51.100.1").status_code == 200
        assert sum(map(is_refused, clients)) <= 3
    eventually(lambda: send_document(small_server, own[0]).status_code == 200)


def test_json_that_is_never_finished_takes_a_limited_amount_of_memory(small_server):
    with ExitStack() as stack:
        clients = [stack.enter_context(unfinished_json(small_server, "192.0.2.1")) for _ in range(15)]
        eventually(lambda: sum(map(is_refused, clients)) >= 4)
        assert small_server.get("/healthz").status_code == 200
        assert sum(map(is_refused, clients)) < 8
        assert small_server.ask("Bonjour", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200


def test_a_file_that_is_too_large_is_refused_as_such_whatever_its_size(small_server):
    """It is larger than what its network may have in memory, but only a part is kept."""
    files = {"file": ("letter.txt", b"x" * LARGEST_DOCUMENTS * MEGABYTE, "text/plain")}
    reply = requests.post(f"{small_server.url}/api/chat/analyze-document", files=files, timeout=60)
    assert reply.status_code == 413


def is_refused(client: socket.socket) -> bool:
    client.settimeout(0)
    try:
        return client.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 503"
    except BlockingIOError:
        return False
