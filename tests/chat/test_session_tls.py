"""The same under TLS."""

from __future__ import annotations

import ssl
import threading
import time
from pathlib import Path

import pytest

from chat.upstream.errors import AIError
from chat.upstream.line import Deadline
from tests import certificates
from tests.chat.session_parts import (
    CHUNKED,
    a_breaker,
    a_question,
    a_session,
    answer,
    chunk,
    dripping,
    hear,
    said,
    taking,
    words,
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


def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(serve, tls):
    server = serve(answer("Bonjour"), tls)
    _, error = hear(a_session().perform(a_question()))
    assert error.code == "connection"
    assert server.requests == []


def test_all_of_it_holds_under_tls_too(serve, trusted_tls):
    server = serve(answer("Bonjour"), trusted_tls)
    asking = a_session()
    for _ in range(2):
        assert said(list(asking.perform(a_question()))) == "Bonjour"
    assert server.connections == 1
    server.behave = dripping(answer("Bonjour"), 0.02)
    with taking(0.3, 1.3):
        _, error = hear(asking.perform(a_question(), deadline=Deadline.after(0.3)))
    assert error.code == "deadline"


@pytest.mark.parametrize(
    "said_first", [b"", CHUNKED, CHUNKED + chunk(words("Bonjour"))], ids=["nothing", "head", "words"]
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_reader_that_waits_for_bytes_is_woken_when_its_answer_is_closed(serve, trusted_tls, secure, said_first):
    server = serve(lambda connection: said_first and connection.sendall(said_first), trusted_tls if secure else None)
    breaker = a_breaker()
    answering = a_session(breaker).perform(a_question())
    errors: list[AIError] = []

    def read() -> None:
        try:
            list(answering)
        except AIError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    while not server.requests:
        time.sleep(0.01)
    time.sleep(0.05)
    with taking(0, 0.5):
        answering.close()
        reader.join(1)
        assert server.seen_leaving.wait(1)
    assert errors == []
    assert breaker.snapshot().calls == 0
