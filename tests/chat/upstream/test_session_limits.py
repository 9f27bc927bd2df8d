"""Time and size limits against slow and talkative servers."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from typing import Any

import pytest

from chat.core.events import Finish
from chat.upstream.errors import AIInterrupted
from chat.upstream.http import cancel_scope
from chat.upstream.http.cancel_scope import Deadline
from tests.support.fake_upstream import (
    CHUNKED,
    END,
    STOP,
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


@pytest.fixture(params=["by socket timeout", "by watchdog"])
def _timer(request, monkeypatch):
    monkeypatch.setattr(cancel_scope, "MIN_WATCHED_SECONDS", 0.0 if request.param == "by watchdog" else float("inf"))


with_each_timer = pytest.mark.usefixtures("_timer")


@with_each_timer
def test_the_deadline_ends_a_response_with_slow_headers(serve):
    serve(send_bytewise(stream_response("Bonjour"), 0.02))
    with duration_between(0.3, 4):
        _, error = read_until_error(make_session().stream(make_request(), deadline=Deadline.after(0.3)))
    assert (error.reason, error.code) == ("timeout", "deadline")


@with_each_timer
def test_the_deadline_ends_a_response_with_a_slow_body(serve):
    def send_slowly(connection: Any) -> None:
        connection.sendall(CHUNKED + chunk(delta_event("a")))
        send_bytewise(chunk(delta_event("b")) * 100, 0.01)(connection)

    serve(send_slowly)
    with duration_between(0.5, 4):
        events, error = read_until_error(make_session().stream(make_request(), deadline=Deadline.after(0.5)))
    assert isinstance(error, AIInterrupted)
    assert error.code == "deadline"
    assert joined_text(events).startswith("a")


@with_each_timer
def test_the_read_timeout_ends_an_answer_that_stops_arriving(serve, settings):
    settings.AI_READ_TIMEOUT_CHAT = 0.2
    serve(lambda connection: (connection.sendall(CHUNKED + chunk(delta_event("Bonjour"))), connection.recv(1)))
    breaker = make_breaker()
    with duration_between(0.2, 4):
        events, error = read_until_error(make_session(breaker).stream(make_request()))
    assert isinstance(error, AIInterrupted)
    assert error.code == "read_timeout"
    assert joined_text(events) == "Bonjour"
    assert breaker.snapshot().failures == 1


@with_each_timer
def test_the_read_timeout_ends_a_request_without_a_response(serve, settings):
    settings.AI_READ_TIMEOUT_CHAT = 0.2
    serve(lambda connection: connection.recv(1))
    with duration_between(0.2, 4):
        _, error = read_until_error(make_session().stream(make_request()))
    assert (error.reason, error.code) == ("timeout", "read_timeout")


@with_each_timer
def test_the_read_timeout_applies_to_each_read(serve, settings):
    settings.AI_READ_TIMEOUT_CHAT = 1.0

    def send_slowly(connection: Any) -> None:
        connection.sendall(CHUNKED)
        for text in "abcd":
            time.sleep(0.3)
            connection.sendall(chunk(delta_event(text)))
        connection.sendall(chunk(STOP) + END)

    serve(send_slowly)
    with duration_between(1.2, 4):
        assert joined_text(list(make_session().stream(make_request()))) == "abcd"


@with_each_timer
@pytest.mark.parametrize("sends", [b"", CHUNKED, CHUNKED + chunk(b": processing\n\n") * 3])
def test_the_wait_for_the_first_words_is_limited(serve, settings, sends):
    settings.AI_FIRST_WORDS_SECONDS = 0.3
    serve(lambda connection: (connection.sendall(sends), connection.recv(1)))
    breaker = make_breaker()
    with duration_between(0.3, 4):
        _, error = read_until_error(make_session(breaker).stream(make_request()))
    assert (error.reason, error.code) == ("timeout", "first_words_timeout")
    assert breaker.snapshot().failures == 1


@with_each_timer
def test_thoughts_are_not_words(serve, settings):
    settings.AI_FIRST_WORDS_SECONDS = 0.5
    thought = b'data: {"choices": [{"delta": {"reasoning_content": "Okay, the user"}}]}\n\n'

    def think(connection: Any) -> None:
        connection.sendall(CHUNKED)
        send_bytewise(chunk(thought) * 100, 0.002)(connection)

    serve(think)
    with duration_between(0.5, 4):
        _, error = read_until_error(make_session().stream(make_request()))
    assert error.code == "first_words_timeout"


@with_each_timer
def test_an_answer_may_take_longer_than_its_first_words(serve, settings):
    settings.AI_FIRST_WORDS_SECONDS = 1.0

    def send_slowly(connection: Any) -> None:
        connection.sendall(CHUNKED)
        for text in "abcd":
            connection.sendall(chunk(delta_event(text)))
            time.sleep(0.3)
        connection.sendall(chunk(STOP) + END)

    serve(send_slowly)
    assert joined_text(list(make_session().stream(make_request()))) == "abcd"


def test_the_analysis_of_a_document_may_begin_later(serve, settings):
    settings.AI_FIRST_WORDS_SECONDS = 0.2

    def begin_late(connection: Any) -> None:
        time.sleep(0.5)
        connection.sendall(stream_response("Bonjour"))

    serve(begin_late)
    assert joined_text(list(make_session().stream(make_request(operation="analyze")))) == "Bonjour"


def test_a_missing_end_of_the_response_hardly_delays_the_call(serve):
    serve(lambda connection: (connection.sendall(stream_response("Bonjour").removesuffix(END)), connection.recv(1)))
    with duration_between(0, 4):
        assert isinstance(list(make_session().stream(make_request()))[-1], Finish)


def test_a_decompression_bomb_is_refused_without_filling_memory(serve):
    bomb = gzip.compress((b": " + b"filling" * 1000 + b"\n") * 20_000)
    assert len(bomb) < 1_000_000
    serve(head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb)
    tracemalloc.start()
    _, error = read_until_error(make_session().stream(make_request()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (error.reason, error.code) == ("ai_error", "too_large")
    assert peak < 5_000_000


def test_a_compressed_response_is_read(serve):
    body = gzip.compress(delta_event("Bonjour") + STOP)
    serve(head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)
    assert joined_text(list(make_session().stream(make_request()))) == "Bonjour"


def test_a_response_that_can_not_be_decompressed_is_refused(serve):
    serve(head("200 OK", "Content-Encoding: gzip", "Content-Length: 7") + b"garbage")
    _, error = read_until_error(make_session().stream(make_request()))
    assert error.code == "not_decodable"


def test_an_endless_line_is_refused(serve):
    def send_endless_line(connection: Any) -> None:
        connection.sendall(head("200 OK", "Connection: close") + b"data: ")
        while True:
            connection.sendall(b"a" * 65536)

    serve(send_endless_line)
    _, error = read_until_error(make_session().stream(make_request()))
    assert error.code == "too_large"


def test_an_answer_ends_at_a_million_characters(serve):
    def send_endless_text(connection: Any) -> None:
        connection.sendall(CHUNKED)
        while True:
            connection.sendall(chunk(delta_event("a" * 10_000)))

    serve(send_endless_text)
    events, error = read_until_error(make_session().stream(make_request()))
    assert isinstance(error, AIInterrupted)
    assert error.code == "too_large"
    assert 900_000 < len(joined_text(events)) <= 1_000_000


@pytest.mark.parametrize("reply", [b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"a" * 100_000, b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_a_response_that_is_not_http_is_a_connection_error(serve, reply):
    serve(reply)
    _, error = read_until_error(make_session().stream(make_request()))
    assert (error.reason, error.code) == ("ai_error", "connection")
