"""The session under TLS."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from chat import probes
from chat.upstream.errors import AIError
from chat.upstream.http.cancel_scope import Deadline
from tests.support import certificates
from tests.support.fake_upstream import (
    CHUNKED,
    chunk,
    delta_event,
    duration_between,
    head,
    joined_text,
    make_breaker,
    make_request,
    make_session,
    read_until_error,
    send_bytewise,
    stream_response,
)


@pytest.fixture
def certificate(tmp_path) -> Path:
    return certificates.self_signed(tmp_path / "server.pem")


@pytest.fixture
def tls(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted_tls(tls, certificate, monkeypatch) -> ssl.SSLContext:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
    return tls


def test_no_request_is_sent_to_a_server_with_an_untrusted_certificate(serve, tls):
    server = serve(stream_response("Bonjour"), tls)
    _, error = read_until_error(make_session().stream(make_request()))
    assert error.code == "connection"
    assert server.requests == []


def test_connection_reuse_and_deadlines_work_under_tls(serve, trusted_tls):
    server = serve(stream_response("Bonjour"), trusted_tls)
    ai_session = make_session()
    for _ in range(2):
        assert joined_text(list(ai_session.stream(make_request()))) == "Bonjour"
    assert server.connections == 1
    server.handler = send_bytewise(stream_response("Bonjour"), 0.02)
    with duration_between(0.3, 4):
        _, error = read_until_error(ai_session.stream(make_request(), deadline=Deadline.after(0.3)))
    assert error.code == "deadline"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("413 Content Too Large", ("http_413", 1)),
        ("408 Request Timeout", ("connection", 3)),  # it is about an idle connection
    ],
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_refusal_before_the_whole_request_is_read_is_the_reply(settings, trusted_tls, secure, status, outcome):
    def refuse_all() -> None:
        with suppress(OSError):
            while True:
                accepted, _ = listener.accept()
                connections.append(accepted)
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with trusted_tls.wrap_socket(accepted, server_side=True) if secure else accepted as connection:
                    connection.recv(1024)
                    for part in (head("103 Early Hints"), head(status, "Content-Length: 2"), b"{}"):
                        connection.sendall(part)
                    # It is closed with bytes that nobody has read: the client is reset while it sends.

    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.AI_SERVICE_URL = f"http{'s' * secure}://127.0.0.1:{listener.getsockname()[1]}"
        server = threading.Thread(target=refuse_all)
        server.start()
        _, error = read_until_error(make_session().stream(make_request("x" * 8_000_000)))
        listener.shutdown(socket.SHUT_RDWR)
        server.join(5)
    assert (error.code, len(connections)) == outcome


@pytest.mark.parametrize(
    "response_start", [b"", CHUNKED, CHUNKED + chunk(delta_event("Bonjour"))], ids=["nothing", "head", "text"]
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_closing_the_stream_wakes_a_thread_that_waits_for_bytes(serve, trusted_tls, secure, response_start):
    server = serve(
        lambda connection: response_start and connection.sendall(response_start), trusted_tls if secure else None
    )
    breaker = make_breaker()
    stream = make_session(breaker).stream(make_request())
    errors: list[AIError] = []

    def read() -> None:
        try:
            list(stream)
        except AIError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    while not server.requests:
        time.sleep(0.01)
    time.sleep(0.05)
    with duration_between(0, 4):
        stream.close()
        reader.join(3)
        assert server.client_disconnected.wait(3)
    assert errors == []
    assert breaker.snapshot().calls == 0


def test_calls_and_readyz_trust_the_authorities_in_requests_ca_bundle(serve, tls, certificate, monkeypatch):
    serve(stream_response("Bonjour"), tls)
    with pytest.raises(ssl.SSLError):
        probes.ai_service()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert probes.ai_service() == {}
    assert joined_text(list(make_session().stream(make_request()))) == "Bonjour"
