"""How the session reads bytes as they arrive, and when it reuses a connection."""

from __future__ import annotations

import errno
import socket
import threading
import time
from typing import Any

import pytest

from chat.core.events import Delta
from chat.upstream.errors import AIInterrupted
from chat.upstream.http import transport
from chat.upstream.http.adapter import translated
from chat.upstream.http.cancel_scope import CancelScope, Deadline
from chat.upstream.http.connection import Connection
from chat.upstream.request import CallError
from tests.support.concurrency import run_concurrently
from tests.support.fake_upstream import (
    CHUNKED,
    END,
    STOP,
    RecordedWaits,
    chunk,
    delta_event,
    head,
    joined_text,
    make_breaker,
    make_request,
    make_session,
    read_until_error,
    stream_response,
)
from tests.support.polling import eventually


def test_text_that_arrives_together_is_one_delta(serve):
    serve(stream_response("a", "b", "c", "d"))
    assert [event for event in make_session().stream(make_request()) if isinstance(event, Delta)] == [Delta("abcd")]


def test_text_is_delivered_as_soon_as_it_arrives(serve):
    received = threading.Event()

    def send_two_texts(connection: Any) -> None:
        connection.sendall(CHUNKED + chunk(delta_event("Bonjour")))
        assert received.wait(2)
        connection.sendall(chunk(delta_event(" !")) + chunk(STOP) + END)

    serve(send_two_texts)
    stream = make_session().stream(make_request())
    assert next(stream) == Delta("Bonjour")
    received.set()
    assert joined_text(list(stream)) == " !"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_an_answer_is_decoded_alike_however_it_is_split(serve, size):
    response = stream_response("L’AEEH ", "est ", "là 👪")

    def send_in_pieces(connection: Any) -> None:
        for start in range(0, len(response), size):
            connection.sendall(response[start : start + size])
            time.sleep(0.0002)

    serve(send_in_pieces)
    assert joined_text(list(make_session().stream(make_request()))) == "L’AEEH est là 👪"


@pytest.mark.parametrize("last", [b"", b"5", b"5\r\nda", b"zz\r\n"])
def test_text_before_a_broken_connection_is_not_lost(serve, last):
    def cut(connection: Any) -> None:
        connection.sendall(CHUNKED + chunk(delta_event("Bon")) + chunk(delta_event("jour")) + last)
        connection.close()

    serve(cut)
    events, error = read_until_error(make_session().stream(make_request()))
    assert isinstance(error, AIInterrupted)
    assert error.code == "cut"
    assert joined_text(events) == "Bonjour"


def test_an_http_1_0_response_ends_with_its_connection(serve):
    def send_http_1_0(connection: Any) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + delta_event("Bonjour") + STOP)
        connection.close()

    serve(send_http_1_0)
    assert joined_text(list(make_session().stream(make_request()))) == "Bonjour"


def test_an_answer_without_text_is_a_failure(serve):
    serve(CHUNKED + chunk(STOP) + END)
    breaker = make_breaker()
    _, error = read_until_error(make_session(breaker).stream(make_request()))
    assert (error.reason, error.code) == ("ai_error", "empty")
    assert breaker.snapshot().failures == 1


def test_one_connection_serves_several_answers(serve):
    server = serve(stream_response("Bonjour"))
    ai_session = make_session()
    for _ in range(5):
        assert joined_text(list(ai_session.stream(make_request()))) == "Bonjour"
    assert (len(server.requests), server.connections) == (5, 1)


def test_a_response_whose_end_arrives_10_ms_late_leaves_its_connection_reusable(serve, monkeypatch):
    """At a twentieth of the speed, because a busy machine can be late by more than the shipped 50 ms."""
    monkeypatch.setattr(transport, "DRAIN_SECONDS", 20 * transport.DRAIN_SECONDS)

    def send_end_late(connection: Any) -> None:
        connection.sendall(stream_response("Bonjour").removesuffix(END))
        time.sleep(20 * 0.01)
        connection.sendall(END)

    server = serve(send_end_late)
    ai_session = make_session()
    for _ in range(3):
        list(ai_session.stream(make_request()))
    assert server.connections == 1


def test_a_response_whose_end_has_arrived_when_a_busy_worker_looks_leaves_its_connection_reusable(serve, monkeypatch):
    receive = CancelScope.receive

    def receive_late(scope: CancelScope, sock: socket.socket, size: int) -> bytes:
        if scope.read_timeout == transport.DRAIN_SECONDS:
            assert sent_all.wait(5)
            raise TimeoutError
        return receive(scope, sock, size)

    def send_in_two(connection: Any) -> None:
        sent_all.clear()
        connection.sendall(stream_response("Bonjour").removesuffix(END))
        time.sleep(0.01)
        connection.sendall(END)
        sent_all.set()

    sent_all = threading.Event()
    monkeypatch.setattr(CancelScope, "receive", receive_late)
    server = serve(send_in_two)
    ai_session = make_session()
    for _ in range(3):
        list(ai_session.stream(make_request()))
    assert server.connections == 1


def test_a_connection_that_the_server_closed_is_not_reused(serve):
    def send_and_close(connection: Any) -> None:
        connection.sendall(stream_response("Bonjour"))
        connection.shutdown(2)

    server = serve(send_and_close)
    waits = RecordedWaits()
    ai_session = make_session(wait=waits)
    list(ai_session.stream(make_request()))
    assert server.client_disconnected.wait(2)
    assert joined_text(list(ai_session.stream(make_request()))) == "Bonjour"
    assert waits == []


def test_a_connection_with_unread_data_is_not_reused(serve):
    server = serve(lambda connection: connection.sendall(CHUNKED + chunk(delta_event("Bonjour"))))
    ai_session = make_session()
    for _ in range(2):
        stream = ai_session.stream(make_request())
        assert next(stream) == Delta("Bonjour")
        stream.close()
    assert server.connections == 2


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "308 Permanent Redirect", "302 Found"])
def test_a_redirect_to_another_origin_is_not_followed(serve, status):
    target = serve(stream_response("Bonjour"))
    serve(head(status, f"Location: {target.address}/", "Content-Length: 0"))
    _, error = read_until_error(make_session().stream(make_request()))
    assert (error.reason, error.code) == ("ai_misconfigured", f"http_{status[:3]}")
    assert target.requests == []


@pytest.mark.parametrize("location", ["/other/chat", "{address}/other/chat"])
def test_a_redirect_within_the_origin_is_followed_with_method_and_body(serve, location):
    def redirect_once(connection: Any) -> None:
        if len(server.requests) == 1:
            target = location.format(address=server.address)
            connection.sendall(head("308 Permanent Redirect", f"Location: {target}", "Content-Length: 0"))
        else:
            connection.sendall(stream_response("Bonjour"))

    server = serve(redirect_once)
    assert joined_text(list(make_session().stream(make_request()))) == "Bonjour"
    first, second = server.requests
    assert second.startswith(b"POST /other/chat HTTP/1.1")
    assert second.partition(b"\r\n\r\n")[2] == first.partition(b"\r\n\r\n")[2] != b""


def test_a_redirect_in_a_circle_ends(serve):
    def redirect(connection: Any) -> None:
        connection.sendall(head("307 x", f"Location: /{len(server.requests)}", "Content-Length: 0"))

    server = serve(redirect)
    _, error = read_until_error(make_session().stream(make_request()))
    assert error.code == "http_307"
    assert len(server.requests) == 4


@pytest.mark.parametrize("interim", ["102 Processing", "103 Early Hints", "100 Continue", "199 Whatever"])
def test_interim_responses_are_skipped(serve, interim):
    serve(head(interim, "Link: </style.css>") * 3 + stream_response("Bonjour"))
    assert joined_text(list(make_session().stream(make_request()))) == "Bonjour"


def test_interim_responses_without_end_are_a_failure(serve):
    serve(head("103 Early Hints") * 100)
    _, error = read_until_error(make_session().stream(make_request()))
    assert error.reason == "ai_error"


def test_many_response_headers_are_read(serve):
    headers = "".join(f"X-Header-{n}: value\r\n" for n in range(150)).encode()
    serve(stream_response("Bonjour").replace(b"\r\n", b"\r\n" + headers, 1))
    assert joined_text(list(make_session().stream(make_request()))) == "Bonjour"


def test_a_connection_that_has_long_been_idle_is_not_used(serve, settings):
    server = serve(stream_response("Bonjour"))
    ai_session = make_session()
    for _ in range(3):
        list(ai_session.stream(make_request()))
    assert server.connections == 1
    settings.AI_POOL_IDLE_SECONDS = 0.2
    time.sleep(0.3)
    assert joined_text(list(ai_session.stream(make_request()))) == "Bonjour"
    assert server.connections == 2


def test_the_connections_of_a_burst_are_closed_while_one_is_still_used(serve, settings):
    everybody = threading.Barrier(8)

    def answer_together(connection: Any) -> None:
        everybody.wait(5)
        connection.sendall(stream_response("Bonjour"))

    server = serve(answer_together)
    ai_session = make_session()
    run_concurrently(8, lambda: list(ai_session.stream(make_request())))
    assert server.open_connections == 8
    server.handler = lambda connection: connection.sendall(stream_response("Bonjour"))
    settings.AI_POOL_IDLE_SECONDS = 1.0
    for _ in range(4):
        time.sleep(0.4)
        list(ai_session.stream(make_request()))
    eventually(lambda: server.open_connections == 1)
    assert server.connections == 8


def test_the_time_of_a_long_answer_is_not_idle_time(serve, settings):
    settings.AI_POOL_IDLE_SECONDS = 1.0

    def send_slowly(connection: Any) -> None:
        connection.sendall(CHUNKED + chunk(delta_event("Bonjour")))
        time.sleep(1.2)
        connection.sendall(chunk(STOP) + END)

    server = serve(send_slowly)
    ai_session = make_session()
    for _ in range(2):
        list(ai_session.stream(make_request()))
    assert server.connections == 1


def test_a_reused_connection_that_breaks_is_replaced_without_a_retry_or_a_vote(serve):
    def close_the_second_time(connection: Any) -> None:
        if len(server.requests) == 2:
            connection.close()
        else:
            connection.sendall(stream_response("Bonjour"))

    server = serve(close_the_second_time)
    breaker, waits = make_breaker(), RecordedWaits()
    ai_session = make_session(breaker, waits)
    for _ in range(2):
        assert joined_text(list(ai_session.stream(make_request()))) == "Bonjour"
    assert (len(server.requests), server.connections) == (3, 2)
    keys = [request.lower().partition(b"idempotency-key: ")[2][:36] for request in server.requests]
    assert keys[1] == keys[2] != keys[0]
    assert waits == []
    assert breaker.snapshot().failures == 0


def test_sockets_notice_a_dead_peer(serve):
    server = serve(stream_response("Bonjour"))
    stream = make_session().stream(make_request())
    options: list[int] = []

    def look(connection: Any) -> None:
        sock = stream._scope._socket
        assert sock is not None
        options.extend(
            [
                sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            ]
        )
        connection.sendall(stream_response("Bonjour"))

    server.handler = look
    assert joined_text(list(stream)) == "Bonjour"
    assert options == [1, 3000]


@pytest.mark.parametrize(("number", "code"), [(errno.ETIMEDOUT, "connection"), (None, "read_timeout")])
def test_a_request_without_acknowledgement_is_not_a_slow_answer(number, code):
    error = TimeoutError(number, "timed out") if number else TimeoutError("timed out")
    scope = CancelScope(Deadline.after(10), 10)
    assert translated(error, scope, otherwise=CallError("connection")).code == code


@pytest.mark.parametrize("seconds", [0, 0.01])
def test_a_connection_that_tcp_has_given_up_has_ended_and_a_silent_one_has_not(seconds):
    class GivenUp(socket.socket):
        def recv(self, *_: object) -> bytes:
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    connection = Connection.__new__(Connection)
    with GivenUp() as connection.socket:
        assert connection.receive_within(seconds, 1) == b""
    connection.socket, peer = socket.socketpair()
    with connection.socket, peer:
        assert connection.receive_within(seconds, 1) is None


def test_a_cookie_is_not_sent_with_the_next_request(serve):
    server = serve(stream_response("Bonjour").replace(b"\r\n", b"\r\nSet-Cookie: user=me; Path=/\r\n", 1))
    ai_session = make_session()
    list(ai_session.stream(make_request()))
    list(ai_session.stream(make_request()))
    assert len(server.requests) == 2
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_proxies_and_netrc_of_the_environment_are_ignored(serve, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server = serve(stream_response("Bonjour"))
    assert joined_text(list(make_session().stream(make_request()))) == "Bonjour"
    assert b"authorization" not in server.requests[0].lower()
