"""How replies leave: whole ones in one write, streams piece by piece, and what has no body at all."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from gunicorn.config import Config
from gunicorn.http.wsgi import FileWrapper, Response

from bff.outgoing import Outgoing
from tests.server import Server
from tests.services import HOST

PATHS = ("/healthz", "/api/openapi.json", "/static/chat/app.js", "/nowhere", "/api/nowhere")


class Connection:
    """Writes down what is written to it, and how."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.takes = 10_000  # bytes at once

    def send(self, data: bytes) -> int:
        self.writes.append(data[: self.takes])
        return len(self.writes[-1])

    def sendall(self, data: memoryview) -> None:
        self.writes.append(bytes(data))

    def sendfile(self, file: Any, offset: int, count: int | None) -> int:
        self.writes.append(b"the file")
        return 8


@pytest.fixture
def connection() -> Connection:
    return Connection()


def reply(connection: Connection, *headers: tuple[str, str], method: str = "GET") -> tuple[Outgoing, Response]:
    request = SimpleNamespace(method=method, version=(1, 1), should_close=lambda: False)
    outgoing = Outgoing(connection)  # type: ignore[arg-type]
    response = Response(request, outgoing, Config())
    response.start_response("200 OK", list(headers))
    return outgoing, response


def test_a_whole_reply_is_one_write(connection):
    _, response = reply(connection, ("Content-Length", "5"))
    response.write(b"hello")
    response.close()
    assert len(connection.writes) == 1
    head, _, body = connection.writes[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == b"hello"


def test_a_streams_first_piece_brings_its_head_and_each_other_piece_leaves_at_once(connection):
    _, response = reply(connection)
    response.write(b"one")
    assert connection.writes[0].endswith(b"\r\n\r\n3\r\none\r\n")
    response.write(b"two\r\n\r\n")
    assert connection.writes[1:] == [b"7\r\ntwo\r\n\r\n\r\n"]
    response.close()
    assert connection.writes[2:] == [b"0\r\n\r\n"]


def test_what_the_system_does_not_take_at_once_follows(connection):
    connection.takes = 30
    _, response = reply(connection, ("Content-Length", "5"))
    response.write(b"hello")
    assert len(connection.writes[0]) == 30
    assert b"".join(connection.writes).endswith(b"\r\n\r\nhello")


def test_a_reply_without_a_body_leaves_when_it_is_flushed_once(connection):
    outgoing, response = reply(connection, ("Content-Length", "5"), method="HEAD")
    response.close()
    outgoing.flush()
    outgoing.flush()
    assert len(connection.writes) == 1
    assert connection.writes[0].endswith(b"\r\n\r\n")


def test_a_file_comes_after_its_head(connection, tmp_path):
    (tmp_path / "file").write_bytes(b"the file")
    _, response = reply(connection, ("Content-Length", "8"))
    with (tmp_path / "file").open("rb") as file:
        response.write_file(FileWrapper(file))
    assert connection.writes[0].endswith(b"\r\n\r\n")
    assert connection.writes[1:] == [b"the file"]


@pytest.fixture
def instance(transactional_db):
    running = Server()
    yield running
    running.stop()


def test_over_one_connection_whatever_is_asked_is_answered_whole(instance):
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    with requests.Session() as browser:
        for path in PATHS * 2:
            for method in ("GET", "HEAD"):
                seen = browser.request(method, instance.url + path, timeout=10)
                assert (len(seen.content) > 0) == (method == "GET"), path
                assert "Content-Length" in seen.headers, path
            assert browser.get(f"{instance.url}/api/chat/none/stream", timeout=10).status_code == 204
            assert browser.options(f"{instance.url}/api/chat/message", headers=asked, timeout=10).status_code == 200


def test_an_answer_to_a_program_is_told_with_its_length_and_in_one_write(instance):
    with socket.create_connection((HOST, instance.port), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
            assert f"\r\nContent-Length: {len(body)}" in head.decode()
            assert body
