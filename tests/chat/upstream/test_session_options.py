"""A service that refuses options of our request is asked without them, and remembered."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from chat.upstream.http.transport import ERROR_BODY_SECONDS
from chat.upstream.protocols import openai
from tests.chat.upstream.scenarios import response
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


USE_THE_OTHER = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)
EXTRA = {"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}
USAGE, LIMIT, NEW_LIMIT = "stream_options", "max_tokens", "max_completion_tokens"


def refusing(name: str, error: Any, status: str = "400 Bad Request") -> Callable[[dict[str, Any]], bytes | None]:
    return lambda body: response(status, error) if name in body else None


@pytest.mark.parametrize(
    ("refusals", "accepted"),
    [
        ([refusing(LIMIT, {"error": {"message": USE_THE_OTHER, "param": LIMIT}})], {USAGE, NEW_LIMIT}),
        ([refusing(LIMIT, {"error": {"message": USE_THE_OTHER}})], {USAGE, NEW_LIMIT}),
        ([refusing(LIMIT, {"detail": "Use max_completion_tokens in place of max_tokens."})], {USAGE, NEW_LIMIT}),
        ([refusing(USAGE, {"detail": [EXTRA]}, "422 Unprocessable Entity")], {LIMIT}),
        ([refusing(USAGE, {"error": {"message": "Unrecognized argument: stream_options"}})], {LIMIT}),
        (
            [refusing(LIMIT, {"error": {"param": LIMIT}}), refusing(NEW_LIMIT, {"error": {"param": NEW_LIMIT}})],
            {USAGE},
        ),
        (
            [refusing(LIMIT, {"error": {"message": USE_THE_OTHER}}), refusing(USAGE, {"detail": [EXTRA]})],
            {NEW_LIMIT},
        ),
        ([refusing(LIMIT, {"error": {"message": "x"}})], set()),
    ],
)
def test_only_what_a_refusal_names_is_left_out_and_the_limit_has_two_names(serve, settings, refusals, accepted):
    settings.AI_MAX_OUTPUT_TOKENS = 300

    def answer(connection: Any) -> None:
        body = sent(server.requests[-1])
        refused = next(filter(None, (refusal(body) for refusal in refusals)), None)
        connection.sendall(refused or stream_response("Bonjour"))

    server = serve(answer)
    session = make_session()
    assert [joined_text(list(session.stream(completion()))) for _ in range(2)] == ["Bonjour"] * 2
    assert [options(request) for request in server.requests[-2:]] == [accepted] * 2
    assert len(server.requests) == 2 + len(refusals)


def test_a_service_that_refuses_whatever_it_is_sent_is_not_asked_for_ever(serve, settings):
    settings.AI_MAX_OUTPUT_TOKENS = 300
    refusal = response("400 Bad Request", {"error": {"message": "stream_options, max_tokens, max_completion_tokens"}})
    server = serve(lambda connection: connection.sendall(refusal))
    _, error = read_until_error(make_session().stream(completion()))
    assert error.code == "http_400"
    assert len(server.requests) == 4
    assert options(server.requests[-1]) == set()


def sent(request: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return body


def options(request: bytes) -> set[str]:
    return {USAGE, LIMIT, NEW_LIMIT} & set(sent(request))
