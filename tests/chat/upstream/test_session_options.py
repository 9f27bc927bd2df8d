"""A service that refuses options of our request is asked without them, and remembered."""

from __future__ import annotations

import time
from typing import Any

from chat.upstream.http.transport import ERROR_BODY_SECONDS
from chat.upstream.protocols import openai
from tests.support.fake_upstream import head, joined_text, make_session, read_until_error, stream_response


def completion() -> Any:
    return openai.chat([{"role": "user", "content": "Bonjour"}], "small", "fr")


def test_stream_options_are_left_out_for_a_service_that_refuses_them(serve):
    def refuse_options(connection: Any) -> None:
        refused = b"stream_options" in server.requests[-1]
        connection.sendall(
            head("422 Unprocessable Entity", "Content-Length: 0") if refused else stream_response("Bonjour")
        )

    server = serve(refuse_options)
    session = make_session()
    assert [joined_text(list(session.stream(completion()))) for _ in range(3)] == ["Bonjour"] * 3
    assert [b"stream_options" in request for request in server.requests] == [True, False, False, False]


def test_the_request_without_them_may_take_as_long_as_any(serve):
    def refuse_options(connection: Any) -> None:
        if b"stream_options" in server.requests[-1]:
            connection.sendall(head("422 Unprocessable Entity", "Content-Length: 0"))
        else:
            time.sleep(ERROR_BODY_SECONDS + 0.3)
            connection.sendall(stream_response("Bonjour"))

    server = serve(refuse_options)
    assert joined_text(list(make_session().stream(completion()))) == "Bonjour"


def test_a_service_that_has_taken_the_options_is_not_asked_without_them(serve):
    replies = iter([stream_response("Bonjour"), head("400 Bad Request", "Content-Length: 0")])
    server = serve(lambda connection: connection.sendall(next(replies)))
    session = make_session()
    assert joined_text(list(session.stream(completion()))) == "Bonjour"
    _, error = read_until_error(session.stream(completion()))
    assert error.code == "http_400"
    assert len(server.requests) == 2
