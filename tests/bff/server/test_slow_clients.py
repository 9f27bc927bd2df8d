"""Slow clients don't delay others, even without nginx in front, which normally handles them (docs/deploy)."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest

from tests.support.server import Server
from tests.support.services import HOST

pytestmark = pytest.mark.django_db(transaction=True)

HALF_A_HEAD = b"POST /api/chat/message HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_A_BODY = (
    b"POST /api/chat/message HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 4000\r\n\r\n{"message": "'
)


def incomplete_request(server: Server, opening: bytes) -> socket.socket:
    """A client that sends the start of a request and then stops."""
    client = socket.create_connection((HOST, server.port), timeout=10)
    client.sendall(opening)
    return client


def test_slow_clients_do_not_delay_other_requests(server, ai):
    with ExitStack() as stack:
        for number in range(200):
            stack.enter_context(incomplete_request(server, HALF_A_HEAD if number % 2 else HALF_A_BODY))
        began = time.monotonic()
        replies = [server.ask(f"Question {number} ?") for number in range(5)]
        assert [reply.status_code for reply in replies] == [200] * 5
        assert all(reply.json()["saved"] for reply in replies)
        assert time.monotonic() - began < 20


@dataclass(frozen=True, slots=True)
class Drip:
    """A request that arrives a byte a second after its opening."""

    opening: bytes

    def outcome(self, server: Server) -> tuple[bytes, float]:
        """The status line, and after how many seconds the server closed the connection."""
        with incomplete_request(server, self.opening) as client:
            began, reply = time.monotonic(), b""
            client.settimeout(1)
            while time.monotonic() - began < 60:
                try:
                    received = client.recv(4096)
                except TimeoutError:
                    received = b" "
                except ConnectionResetError:  # the byte that was sent after the response
                    break
                if not received:
                    break
                reply += received.strip()
                with suppress(OSError):
                    client.sendall(b" ")
            return reply.partition(b"\r\n")[0], time.monotonic() - began


def opening(path: str, media_type: str, body: bytes, length: bytes = b"Content-Length: 4000") -> bytes:
    head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\n%s\r\n\r\n"
    return head % (path.encode(), media_type.encode(), length) + body


CHUNKED = b"Transfer-Encoding: chunked"
FORM = "multipart/form-data; boundary=b"
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
DRIPS = {
    "head": HALF_A_HEAD,
    "json": opening("/api/chat/message", "application/json", b'{"message": "'),
    "json in chunks": opening("/api/chat/message", "application/json", b'fff\r\n{"message": "', CHUNKED),
    "chunk size": opening("/api/chat/message", "application/json", b"3;", CHUNKED),
    "file": opening("/api/chat/analyze-document", FORM, FILE),
    "file that stops": opening("/api/chat/analyze-document", FORM, FILE + b"x" * 2**20, b"Content-Length: 4000000"),
    "page": opening("/", "application/x-www-form-urlencoded", b"message="),
    "login": opening("/admin/login/", "application/x-www-form-urlencoded", b"username="),
    "openai": opening("/v1/chat/completions", "application/json", b"{", b"Authorization: x\r\nContent-Length: 99"),
}


def test_requests_that_drip_end_with_408(server, ai):
    with ThreadPoolExecutor(len(DRIPS)) as clients:
        outcomes = dict(zip(DRIPS, clients.map(lambda start: Drip(start).outcome(server), DRIPS.values()), strict=True))
    assert {name: line.split(b" ")[1] for name, (line, _) in outcomes.items() if name != "openai"} == dict.fromkeys(
        DRIPS.keys() - {"openai"}, b"408"
    )
    assert outcomes["openai"][0].split(b" ")[1] == b"401"  # refused before its body is read
    assert max(seconds for _, seconds in outcomes.values()) < 40


def test_nothing_is_sent_behind_the_refusal_of_a_body_that_stops(server, ai):
    before = complaints(server)
    with incomplete_request(server, DRIPS["openai"]) as client:
        client.settimeout(30)
        assert refusal(client).startswith(b"HTTP/1.1 401")
        client.sendall(b" ")
        assert client.recv(4096) == b""
    assert complaints(server) == before


def refusal(client: socket.socket) -> bytes:
    reply = b""
    while not reply.endswith(b"\r\n0\r\n\r\n"):
        reply += client.recv(4096)
    return reply


def complaints(server: Server) -> int:
    messages = ('"Malformed request"', '"Socket error processing request."')
    return len([line for line in server.lines() if any(message in line for message in messages)])


def test_a_refused_body_that_never_ends_is_read_for_some_seconds_only(server, ai):
    headers = b"Authorization: x\r\nContent-Length: 100000000000"
    with incomplete_request(server, opening("/v1/chat/completions", "application/json", b"{", headers)) as client:
        assert refusal(client).startswith(b"HTTP/1.1 401")
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < 30:
                client.sendall(b" " * 16_384)
                time.sleep(0.2)
        assert time.monotonic() - began < 25


def test_a_refused_body_that_arrives_leaves_the_connection_open(server, ai):
    start = opening("/v1/chat/completions", "application/json", b"{", b"Authorization: x\r\nContent-Length: 2")
    with incomplete_request(server, start) as client:
        assert refusal(client).startswith(b"HTTP/1.1 401")
        client.sendall(b"}GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_refused_upload_sees_its_response_on_a_connection_that_closes(server, ai):
    """Closed before the rest has arrived, it would be reset, and a client that sends may lose the response."""
    body = b"{" * 600_000
    headers = b"Authorization: x\r\nConnection: close\r\nContent-Length: %d" % len(body)
    with incomplete_request(server, opening("/v1/chat/completions", "application/json", b"", headers)) as client:
        assert refusal(client).startswith(b"HTTP/1.1 401")
        for position in range(0, len(body), 30_000):
            client.sendall(body[position : position + 30_000])
        assert client.recv(4096) == b""


def test_a_large_body_has_more_time(server, ai):
    """At a tenth of a second for 16 KB it takes longer than a body of a few bytes may."""
    body = json.dumps({"message": "Bonjour", "padding": "x" * 400_000}).encode()
    start = opening("/api/chat/message", "application/json", b"", b"Content-Length: %d" % len(body))
    with incomplete_request(server, start) as client:
        client.settimeout(30)
        for position in range(0, len(body), 30_000):
            client.sendall(body[position : position + 30_000])
            time.sleep(0.9)
        assert client.recv(12) == b"HTTP/1.1 200"


def test_a_connection_may_wait_between_requests_and_for_a_long_answer(server, ai):
    ai.fail("slow", seconds=11)
    idle = HTTPConnection(HOST, server.port, timeout=10)
    with ThreadPoolExecutor(1) as pool, closing(idle):
        assert status_of(idle) == 200
        answer = pool.submit(server.ask, "Zibou ?")
        time.sleep(11)
        idle.auto_open = 0  # it opens no other connection
        assert status_of(idle) == 200
        assert answer.result().ok


def status_of(connection: HTTPConnection) -> int:
    connection.request("GET", "/healthz")
    with connection.getresponse() as reply:
        reply.read()
    return reply.status
