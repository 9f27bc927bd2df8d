"""Writes per response: one for a complete response, one per chunk of a stream, one for a response without a body.

And chunks of a stream that are pushed by another thread.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from gunicorn.config import Config
from gunicorn.http.wsgi import FileWrapper, Response

from bff.server.coalescing_socket import CoalescingSocket
from tests.support.server import Server
from tests.support.services import HOST

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PATHS = ("/healthz", "/api/openapi.json", "/static/chat/app.js", "/nowhere", "/api/nowhere")


class Connection:
    """Records each write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.max_bytes = 10_000  # per send

    def send(self, data: bytes) -> int:
        self.writes.append(data[: self.max_bytes])
        return len(self.writes[-1])

    def fileno(self) -> int:
        return -1

    def sendall(self, data: memoryview) -> None:
        self.writes.append(bytes(data))

    def sendfile(self, file: Any, offset: int, count: int | None) -> int:
        self.writes.append(b"the file")
        return 8


@pytest.fixture
def connection() -> Connection:
    return Connection()


def reply(connection: Connection, *headers: tuple[str, str], method: str = "GET") -> tuple[CoalescingSocket, Response]:
    request = SimpleNamespace(method=method, version=(1, 1), should_close=lambda: False)
    outgoing = CoalescingSocket(connection)  # type: ignore[arg-type]
    response = Response(request, outgoing, Config())
    response.start_response("200 OK", list(headers))
    return outgoing, response


def test_a_complete_response_is_one_write(connection):
    _, response = reply(connection, ("Content-Length", "5"))
    response.write(b"hello")
    response.close()
    assert len(connection.writes) == 1
    head, _, body = connection.writes[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == b"hello"


def test_a_stream_sends_its_head_with_the_first_chunk_and_each_other_chunk_separately(connection):
    _, response = reply(connection)
    response.write(b"one")
    assert connection.writes[0].endswith(b"\r\n\r\n3\r\none\r\n")
    response.write(b"two\r\n\r\n")
    assert connection.writes[1:] == [b"7\r\ntwo\r\n\r\n\r\n"]
    response.close()
    assert connection.writes[2:] == [b"0\r\n\r\n"]


def test_after_a_partial_send_the_rest_follows(connection):
    connection.max_bytes = 30
    _, response = reply(connection, ("Content-Length", "5"))
    response.write(b"hello")
    assert len(connection.writes[0]) == 30
    assert b"".join(connection.writes).endswith(b"\r\n\r\nhello")


def test_a_response_without_a_body_is_sent_once_by_flush(connection):
    outgoing, response = reply(connection, ("Content-Length", "5"), method="HEAD")
    response.close()
    outgoing.flush()
    outgoing.flush()
    assert len(connection.writes) == 1
    assert connection.writes[0].endswith(b"\r\n\r\n")


def test_the_head_is_sent_before_a_file(connection, tmp_path):
    (tmp_path / "file").write_bytes(b"the file")
    _, response = reply(connection, ("Content-Length", "8"))
    with (tmp_path / "file").open("rb") as file:
        response.write_file(FileWrapper(file))
    assert connection.writes[0].endswith(b"\r\n\r\n")
    assert connection.writes[1:] == [b"the file"]


@contextmanager
def begun(head: bytes = CHUNKED) -> Iterator[tuple[CoalescingSocket, socket.socket]]:
    """A response whose first part has been written, and its client, with small buffers."""
    ours, client = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    ours.settimeout(5)  # its descriptor does not block, as under gevent
    client.settimeout(0.1)
    outgoing = CoalescingSocket(ours)
    with ours, client:
        outgoing.sendall(head)
        assert not outgoing.push(b"too early")
        outgoing.sendall(b"5\r\nfirst\r\n")
        yield outgoing, client


def test_a_pushed_chunk_follows_the_first_part():
    with begun() as (outgoing, client):
        assert outgoing.push(b"word")
        assert client.recv(1000) == CHUNKED + b"5\r\nfirst\r\n4\r\nword\r\n"


def test_nothing_is_pushed_into_a_response_without_chunks():
    with begun(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n") as (outgoing, _):
        assert not outgoing.push(b"word")


def test_a_full_connection_takes_a_part_or_nothing_and_what_follows_is_in_order():
    word, taken, received = b"w" * 50_000, 0, bytearray()
    with begun() as (outgoing, client):
        while outgoing.push(word):
            taken += 1
        assert outgoing.has_unsent
        with ThreadPoolExecutor(1) as executor:
            executor.submit(outgoing.flush)
            with suppress(TimeoutError):
                while True:
                    received += client.recv(100_000)
        assert not outgoing.has_unsent
    assert received == CHUNKED + b"5\r\nfirst\r\n" + b"C350\r\n%b\r\n" % word * taken


def test_a_client_that_has_gone_takes_nothing():
    with begun() as (outgoing, client):
        client.close()
        assert not outgoing.push(b"word")


@pytest.fixture
def instance(transactional_db):
    running = Server()
    yield running
    running.stop()


def test_all_kinds_of_responses_are_complete_on_one_connection(instance):
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    with requests.Session() as browser:
        for path in PATHS * 2:
            for method in ("GET", "HEAD"):
                response = browser.request(method, instance.url + path, timeout=10)
                assert (len(response.content) > 0) == (method == "GET"), path
                assert "Content-Length" in response.headers, path
            assert browser.get(f"{instance.url}/api/chat/none/stream", timeout=10).status_code == 204
            assert browser.options(f"{instance.url}/api/chat/message", headers=preflight, timeout=10).status_code == 200


def test_an_api_response_has_a_content_length_and_is_one_write(instance):
    with socket.create_connection((HOST, instance.port), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
            assert f"\r\nContent-Length: {len(body)}" in head.decode()
            assert body
