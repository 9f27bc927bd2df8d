"""A service that refuses options of our request is asked without them, and remembered."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chat.upstream.http.transport import ERROR_BODY_SECONDS
from chat.upstream.protocols import openai
from tests.chat.upstream.scenarios import response
from tests.support.fake_upstream import head, joined_text, make_session, read_until_error, stream_response


def completion(question: str = "Bonjour") -> Any:
    return openai.chat([{"role": "user", "content": question}], "small", "fr")


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


def test_a_request_that_was_on_its_way_when_another_learned_is_sent_again_as_learned(serve, settings):
    settings.AI_MAX_OUTPUT_TOKENS = 300
    refusal = response("400 Bad Request", {"error": {"message": USE_THE_OTHER}})
    is_held, may_go_on = threading.Event(), threading.Event()

    def answer(connection: Any) -> None:
        is_refused = LIMIT in sent(server.requests[-1])
        if is_refused and not is_held.is_set():
            is_held.set()
            may_go_on.wait(5)
        connection.sendall(refusal if is_refused else stream_response("Bonjour"))

    server = serve(answer)
    session = make_session()
    with ThreadPoolExecutor(1) as executor:
        held = executor.submit(lambda: joined_text(list(session.stream(completion()))))
        assert is_held.wait(5)
        try:
            assert joined_text(list(session.stream(completion()))) == "Bonjour"
        finally:
            may_go_on.set()
        assert held.result(5) == "Bonjour"
    assert [options(request) for request in server.requests] == [
        {USAGE, LIMIT},
        {USAGE, LIMIT},
        {USAGE, NEW_LIMIT},
        {USAGE, NEW_LIMIT},
    ]


def test_a_request_that_was_on_its_way_is_rejected_for_what_is_wrong_with_itself(serve, settings):
    settings.AI_MAX_OUTPUT_TOKENS = 300
    refusal = response("400 Bad Request", {"error": {"message": USE_THE_OTHER}})
    wrong = response("400 Bad Request", {"error": {"message": "x"}})
    is_held, may_go_on = threading.Event(), threading.Event()

    def answer(connection: Any) -> None:
        body = sent(server.requests[-1])
        if "Faux" in str(body):
            if not is_held.is_set():
                is_held.set()
                may_go_on.wait(5)
            connection.sendall(wrong)
        else:
            connection.sendall(refusal if LIMIT in body else stream_response("Bonjour"))

    server = serve(answer)
    session = make_session()
    with ThreadPoolExecutor(1) as executor:
        held = executor.submit(read_until_error, session.stream(completion("Faux")))
        assert is_held.wait(5)
        try:
            assert joined_text(list(session.stream(completion()))) == "Bonjour"
        finally:
            may_go_on.set()
        assert held.result(5)[1].code == "http_400"
    assert [options(request) for request in server.requests if b"Faux" in request] == [
        {USAGE, LIMIT},
        {USAGE, NEW_LIMIT},
    ]


TOO_LONG = (
    "'max_tokens' or 'max_completion_tokens' is too large: 300. This model's maximum context length is 2048 tokens and"
    " your request has 1900 input tokens."
)


@pytest.mark.parametrize(
    "error", [{"message": TOO_LONG, "param": LIMIT}, {"code": "context_length_exceeded", "message": "max_tokens"}]
)
def test_a_prompt_that_is_too_long_is_sent_again_without_its_limit_and_says_nothing_about_options(
    serve, settings, error
):
    settings.AI_MAX_OUTPUT_TOKENS = 300
    replies = iter([*[response("400 Bad Request", {"error": error})] * 2, stream_response("Bonjour")])
    server = serve(lambda connection: connection.sendall(next(replies)))
    session = make_session()
    assert read_until_error(session.stream(completion()))[1].code == "http_400"
    assert joined_text(list(session.stream(completion()))) == "Bonjour"
    assert [options(request) for request in server.requests] == [{USAGE, LIMIT}, {USAGE}, {USAGE, LIMIT}]


def test_a_question_beside_which_the_context_has_no_room_for_the_limit_alone_is_asked_without_it(serve, settings):
    """vLLM with 4096 tokens, and our default of 4000 for the answer."""
    settings.AI_MAX_OUTPUT_TOKENS = 4000
    answer, refusal = stream_response("Bonjour"), response("400 Bad Request", {"error": {"message": TOO_LONG}})
    replies = iter([refusal, answer, answer, refusal, answer])
    server = serve(lambda connection: connection.sendall(next(replies)))
    session = make_session()
    for _ in range(3):
        assert joined_text(list(session.stream(completion()))) == "Bonjour"
    limited, free = {USAGE, LIMIT}, {USAGE}
    assert [options(request) for request in server.requests] == [limited, free, limited, limited, free]


@pytest.mark.parametrize("message", ["x", "max_tokens, max_completion_tokens", USAGE, f"{USAGE}, {LIMIT}"])
def test_no_body_is_sent_twice(serve, settings, message):
    settings.AI_MAX_OUTPUT_TOKENS = 0
    refusal = response("400 Bad Request", {"error": {"message": message}})
    server = serve(lambda connection: connection.sendall(refusal))
    assert read_until_error(make_session().stream(completion()))[1].code == "http_400"
    assert [options(request) for request in server.requests] == [{USAGE}, set()]


def sent(request: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return body


def options(request: bytes) -> set[str]:
    return {USAGE, LIMIT, NEW_LIMIT} & set(sent(request))
