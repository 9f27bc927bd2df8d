"""Words are sent to a client without the greenlet that writes its response, whatever the client is like."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest
import requests

from tests.support.fake_upstream import CHUNKED, END, STOP, chunk, delta_event
from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.sse import parse_parts, text_of

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = [f"mot{number} " + "👪" * 240 + " " for number in range(4_000)]  # 1,000,000 characters, 4 MB
SOME_WORDS = WORDS[:40]


@pytest.fixture
def write_words(serve) -> Any:
    """The AI: each word in a piece of its own. Returns a function that tells whether it has sent all."""

    def write(connection: Any) -> None:
        wanted = SOME_WORDS if b"quelques" in upstream.requests[-1] else WORDS
        connection.sendall(CHUNKED)
        for number, word in enumerate(wanted):
            connection.sendall(chunk(delta_event(word)))
            if number < 40 or number % 10 == 0:
                time.sleep(0.002)
        connection.sendall(chunk(STOP) + END)
        done.append(True)

    done: list[bool] = []
    upstream = serve(write)
    return lambda: bool(done)


@pytest.fixture
def instance(write_words, settings, few_entries):
    running = Server(AI_SERVICE_URL=settings.AI_SERVICE_URL)
    yield running
    running.stop()


def ask(server: Server, path: str, question: str, protocol: str = "HTTP/1.1", buffer: int = 0) -> socket.socket:
    """Send a question and read nothing."""
    body = json.dumps(
        {"message": question}
        if path.startswith("/api")
        else {"model": "any", "stream": True, "messages": [{"role": "user", "content": question}]}
    ).encode()
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", server.port))
    head = f"POST {path} {protocol}\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection


def body_of(connection: socket.socket) -> bytes:
    """The body of the response, without its chunks' frames, which are checked."""
    received = bytearray()
    with connection:
        while piece := connection.recv(1_000_000):
            received += piece
    head, _, rest = bytes(received).partition(b"\r\n\r\n")
    if b"Transfer-Encoding: chunked" not in head:
        return rest
    body = bytearray()
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body += rest[:length]
        assert rest[length : length + 2] == b"\r\n"
        rest = rest[length + 2 :]
        if not length:
            assert rest == b""
            return bytes(body)


def words_of(path: str, body: bytes) -> str:
    parts = list(parse_parts([body]))
    if path.startswith("/api"):
        return text_of(parts)
    return "".join(part["choices"][0]["delta"].get("content", "") for part in parts if part["choices"])


@pytest.mark.parametrize("path", ["/api/chat/stream", "/v1/chat/completions"])
def test_a_client_that_does_not_read_for_a_while_gets_every_word_once_and_in_order(instance, write_words, path):
    client = ask(instance, path, "Quelles aides existent ?", buffer=4096)
    eventually(write_words, 60)
    time.sleep(1)
    assert words_of(path, body_of(client)) == "".join(WORDS)


@pytest.mark.parametrize("path", ["/api/chat/stream", "/v1/chat/completions"])
@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/1.0"])
def test_all_of_a_stream_is_counted_in_the_access_log(instance, path, protocol):
    body = body_of(ask(instance, path, "Dis quelques mots sur les aides", protocol))
    assert words_of(path, body) == "".join(SOME_WORDS)

    def logged() -> dict[str, Any] | None:
        lines = [json.loads(line) for line in instance.lines() if '"Request handled"' in line and path in line]
        return lines[-1] if lines else None

    eventually(lambda: logged() is not None)
    line = logged()
    assert line is not None
    assert (line["bytes"], line["events"], line["ended"]) == (len(body), body.count(b"data: "), "complete")


def test_event_positions_count_every_word_for_a_client_that_resumes(instance):
    body = body_of(ask(instance, "/api/chat/stream", "Dis quelques mots sur les aides"))
    positions = [int(line.rpartition(b"-")[2]) for line in body.splitlines() if line.startswith(b"id: ")]
    assert positions == sorted(set(positions))
    parts = list(parse_parts([body]))
    assert len([part for part in parts if part["type"] == "text-delta"]) < positions[-1]


def test_a_client_that_leaves_in_the_middle_harms_no_other_reader_of_the_answer(instance):
    leaving = ask(instance, "/api/chat/stream", "Quelles aides existent encore ?")
    staying = ask(instance, "/api/chat/stream", "Quelles aides existent encore ?")
    assert leaving.recv(2000)
    leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    leaving.close()
    assert text_of(parse_parts([body_of(staying)])) == "".join(WORDS)
    assert requests.get(f"{instance.url}/healthz", timeout=10).status_code == 200
