"""No server, however slow or talkative, costs more than it may."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from typing import Any

import pytest

from chat.events import Finish
from chat.upstream import line
from chat.upstream.errors import AIInterrupted
from chat.upstream.line import Deadline
from tests.chat.session_parts import (
    CHUNKED,
    END,
    a_breaker,
    a_question,
    a_session,
    answer,
    chunk,
    dripping,
    head,
    hear,
    said,
    taking,
    words,
)


@pytest.fixture(params=["by a timer of its own", "from outside"])
def _each_wait_is_ended(request, monkeypatch):
    monkeypatch.setattr(line, "WATCHED_SECONDS", 0.0 if request.param == "from outside" else float("inf"))


either_way = pytest.mark.usefixtures("_each_wait_is_ended")


@either_way
def test_the_deadline_holds_against_a_server_that_drips_its_headers(serve):
    serve(dripping(answer("Bonjour"), 0.02))
    with taking(0.3, 1.3):
        _, error = hear(a_session().perform(a_question(), deadline=Deadline.after(0.3)))
    assert (error.reason, error.code) == ("timeout", "deadline")


@either_way
def test_the_deadline_holds_against_a_server_that_drips_its_words(serve):
    def drip(connection: Any) -> None:
        connection.sendall(CHUNKED + chunk(words("a")))
        dripping(chunk(words("b")) * 100, 0.01)(connection)

    serve(drip)
    with taking(0.5, 1.5):
        events, error = hear(a_session().perform(a_question(), deadline=Deadline.after(0.5)))
    assert isinstance(error, AIInterrupted)
    assert error.code == "deadline"
    assert said(events).startswith("a")


@either_way
def test_a_server_that_falls_silent_amid_an_answer_is_waited_for_no_longer_than_the_read_timeout(serve, settings):
    settings.AI_READ_TIMEOUT_CHAT = 0.2
    serve(lambda connection: (connection.sendall(CHUNKED + chunk(words("Bonjour"))), connection.recv(1)))
    breaker = a_breaker()
    with taking(0.2, 1.2):
        events, error = hear(a_session(breaker).perform(a_question()))
    assert isinstance(error, AIInterrupted)
    assert error.code == "read_timeout"
    assert said(events) == "Bonjour"
    assert breaker.snapshot().failures == 1


@either_way
def test_a_server_that_says_nothing_at_all_is_waited_for_no_longer_than_that(serve, settings):
    settings.AI_READ_TIMEOUT_CHAT = 0.2
    serve(lambda connection: connection.recv(1))
    with taking(0.2, 1.2):
        _, error = hear(a_session().perform(a_question()))
    assert (error.reason, error.code) == ("timeout", "read_timeout")


@either_way
def test_each_read_may_last_as_long_as_the_read_timeout_again(serve, settings):
    settings.AI_READ_TIMEOUT_CHAT = 0.3

    def slowly(connection: Any) -> None:
        connection.sendall(CHUNKED)
        for text in "abcd":
            time.sleep(0.15)
            connection.sendall(chunk(words(text)))
        connection.sendall(chunk(b"data: [DONE]\n\n") + END)

    serve(slowly)
    with taking(0.6, 2):
        assert said(list(a_session().perform(a_question()))) == "abcd"


def test_an_end_that_does_not_come_is_hardly_waited_for(serve):
    serve(lambda connection: (connection.sendall(answer("Bonjour").removesuffix(END)), connection.recv(1)))
    with taking(0, 1):
        assert isinstance(list(a_session().perform(a_question()))[-1], Finish)


def test_a_small_reply_that_unpacks_to_a_huge_one_is_given_up_without_filling_memory(serve):
    bomb = gzip.compress((b": " + b"filling" * 1000 + b"\n") * 20_000)
    assert len(bomb) < 1_000_000
    serve(head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb)
    tracemalloc.start()
    _, error = hear(a_session().perform(a_question()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (error.reason, error.code) == ("ai_error", "too_large")
    assert peak < 5_000_000


def test_an_honest_compressed_reply_is_read(serve):
    body = gzip.compress(words("Bonjour") + b"data: [DONE]\n\n")
    serve(head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)
    assert said(list(a_session().perform(a_question()))) == "Bonjour"


def test_a_reply_that_does_not_unpack_is_given_up(serve):
    serve(head("200 OK", "Content-Encoding: gzip", "Content-Length: 7") + b"garbage")
    _, error = hear(a_session().perform(a_question()))
    assert error.code == "not_decodable"


def test_a_line_without_end_is_given_up(serve):
    def endless(connection: Any) -> None:
        connection.sendall(head("200 OK", "Connection: close") + b"data: ")
        while True:
            connection.sendall(b"a" * 65536)

    serve(endless)
    _, error = hear(a_session().perform(a_question()))
    assert error.code == "too_large"


def test_an_answer_ends_at_a_million_characters(serve):
    def chatter(connection: Any) -> None:
        connection.sendall(CHUNKED)
        while True:
            connection.sendall(chunk(words("a" * 10_000)))

    serve(chatter)
    events, error = hear(a_session().perform(a_question()))
    assert isinstance(error, AIInterrupted)
    assert error.code == "too_large"
    assert 900_000 < len(said(events)) <= 1_000_000


@pytest.mark.parametrize("reply", [b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"a" * 100_000, b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_what_is_not_http_is_a_broken_connection(serve, reply):
    serve(reply)
    _, error = hear(a_session().perform(a_question()))
    assert (error.reason, error.code) == ("ai_error", "connection")
