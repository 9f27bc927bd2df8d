"""What becomes of bytes as they arrive, and of the connections that bring them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from chat.events import Delta
from chat.upstream.errors import AIInterrupted
from tests.chat.session_parts import (
    CHUNKED,
    END,
    Waits,
    a_breaker,
    a_question,
    a_session,
    answer,
    chunk,
    head,
    hear,
    said,
    words,
)


def test_what_arrives_together_is_said_together(serve):
    serve(answer("a", "b", "c", "d"))
    assert [event for event in a_session().perform(a_question()) if isinstance(event, Delta)] == [Delta("abcd")]


def test_what_arrives_apart_is_said_at_once(serve):
    heard = threading.Event()

    def one_then_the_other(connection: Any) -> None:
        connection.sendall(CHUNKED + chunk(words("a")))
        assert heard.wait(2)
        connection.sendall(chunk(words("b")) + chunk(b"data: [DONE]\n\n") + END)

    serve(one_then_the_other)
    answering = a_session().perform(a_question())
    assert next(answering) == Delta("a")
    heard.set()
    assert said(list(answering)) == "b"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_an_answer_reads_the_same_however_it_is_chopped_up(serve, size):
    whole = answer("L’AEEH ", "est ", "là 👪")

    def chopped(connection: Any) -> None:
        for start in range(0, len(whole), size):
            connection.sendall(whole[start : start + size])
            time.sleep(0.0002)

    serve(chopped)
    assert said(list(a_session().perform(a_question()))) == "L’AEEH est là 👪"


@pytest.mark.parametrize("last", [b"", b"5", b"5\r\nda", b"zz\r\n"])
def test_what_was_said_before_a_cut_is_not_lost(serve, last):
    def cut(connection: Any) -> None:
        connection.sendall(CHUNKED + chunk(words("Bon")) + chunk(words("jour")) + last)
        connection.close()

    serve(cut)
    events, error = hear(a_session().perform(a_question()))
    assert isinstance(error, AIInterrupted)
    assert error.code == "cut"
    assert said(events) == "Bonjour"


def test_an_answer_may_end_with_its_connection(serve):
    def old_style(connection: Any) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + words("Bonjour") + b"data: [DONE]\n\n")
        connection.close()

    serve(old_style)
    assert said(list(a_session().perform(a_question()))) == "Bonjour"


def test_an_answer_without_a_word_is_no_answer(serve):
    serve(CHUNKED + chunk(b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n') + END)
    breaker = a_breaker()
    _, error = hear(a_session(breaker).perform(a_question()))
    assert (error.reason, error.code) == ("ai_error", "empty")
    assert breaker.snapshot().failures == 1


def test_one_connection_serves_answer_after_answer(serve):
    server = serve(answer("Bonjour"))
    asking = a_session()
    for _ in range(5):
        assert said(list(asking.perform(a_question()))) == "Bonjour"
    assert (len(server.requests), server.connections) == (5, 1)


def test_a_reply_whose_end_comes_a_moment_later_leaves_its_connection_fit_for_the_next(serve):
    def hesitate(connection: Any) -> None:
        connection.sendall(answer("Bonjour").removesuffix(END))
        time.sleep(0.01)
        connection.sendall(END)

    server = serve(hesitate)
    asking = a_session()
    for _ in range(3):
        list(asking.perform(a_question()))
    assert server.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_is_not_tried_again(serve):
    def once(connection: Any) -> None:
        connection.sendall(answer("Bonjour"))
        connection.shutdown(2)

    server = serve(once)
    waits = Waits()
    asking = a_session(wait=waits)
    list(asking.perform(a_question()))
    assert server.seen_leaving.wait(2)
    assert said(list(asking.perform(a_question()))) == "Bonjour"
    assert waits == []


def test_a_connection_with_an_answer_left_in_it_serves_nobody_else(serve):
    server = serve(lambda connection: connection.sendall(CHUNKED + chunk(words("Bonjour"))))
    asking = a_session()
    for _ in range(2):
        answering = asking.perform(a_question())
        assert next(answering) == Delta("Bonjour")
        answering.close()
    assert server.connections == 2


def test_a_redirect_is_not_followed(serve):
    elsewhere = serve(answer("Bonjour"))
    serve(head("307 Temporary Redirect", f"Location: {elsewhere.address}/", "Content-Length: 0"))
    _, error = hear(a_session().perform(a_question()))
    assert (error.reason, error.code) == ("ai_error", "http_307")
    assert elsewhere.requests == []


def test_one_persons_cookie_is_not_sent_with_the_next_ones_question(serve):
    server = serve(answer("Bonjour").replace(b"\r\n", b"\r\nSet-Cookie: who=me; Path=/\r\n", 1))
    asking = a_session()
    list(asking.perform(a_question()))
    list(asking.perform(a_question()))
    assert len(server.requests) == 2
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_nothing_of_the_environment_gets_into_a_call(serve, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server = serve(answer("Bonjour"))
    assert said(list(a_session().perform(a_question()))) == "Bonjour"
    assert b"authorization" not in server.requests[0].lower()
