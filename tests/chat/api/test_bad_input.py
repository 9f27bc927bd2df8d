"""Invalid input is refused with a 4xx problem document and a correlation id."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.django_db(transaction=True)

BAD_BODIES = {
    "no body": b"",
    "not JSON": b"bonjour",
    "not UTF-8": b'{"message": "\xff\xfe"}',
    "no message": b"{}",
    "an empty message": b'{"message": ""}',
    "only spaces": b'{"message": "   "}',
    "a number": b'{"message": 12}',
    "a list": b'["message"]',
    "null": b"null",
    "a lone surrogate": b'{"message": "\\ud800"}',
    "a null character": b'{"message": "a\\u0000b"}',
    "too long": json.dumps({"message": "a" * 4001}).encode(),
    "one megabyte": json.dumps({"message": "a" * 1024 * 1024}).encode(),
    "a wrong conversation id": b'{"message": "a", "conversationId": "../../etc"}',
    "context of the wrong type": b'{"message": "a", "context": ["x"]}',
    "an integer too large for JSON parsers": b'{"message": "a", "context": {"n": 1' + b"0" * 30 + b"}}",
    "a decimal too large for JSON parsers": b'{"message": "a", "context": {"n": 1e400}}',
    "not a number": b'{"message": "a", "context": {"n": NaN}}',
    "a fact with an unpaired surrogate": b'{"message": "a", "context": {"n": "\\ud83d"}}',
    "context too deep": b'{"message": "a", "context": {"x": {"y": 1}}}',
    "deeply nested": b'{"message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("path", ["/api/chat/message", "/api/chat/stream"])
@pytest.mark.parametrize("case", BAD_BODIES)
def test_bad_input_is_refused_with_a_problem_document(visitor, ai, path, case):
    reply = visitor.generic("POST", path, BAD_BODIES[case], content_type="application/json")
    problem = reply.json()
    assert reply.status_code in (400, 413, 422)
    assert reply["Content-Type"] == "application/problem+json"
    assert problem["status"] == reply.status_code
    assert problem["correlationId"] == reply["X-Correlation-ID"]
    assert ai.calls == 0


@pytest.mark.parametrize("field", ["document", "fileName", "documentType"])
def test_a_null_character_in_a_document_is_refused_with_its_field(visitor, ai, field):
    body = {"document": "Bonjour", "documentType": "other", "fileName": "lettre.txt"} | {field: "a\0b"}
    refusal = visitor.post_json("/api/chat/analyze-document", body)
    assert refusal.status_code == 422
    assert [error["field"] for error in refusal.json()["errors"]] == [field]
    assert ai.calls == 0


def test_an_error_names_the_field_and_does_not_repeat_the_input(visitor):
    problem = visitor.ask("secret " * 1000).json()
    assert [error["field"] for error in problem["errors"]] == ["message"]
    assert "secret" not in json.dumps(problem)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/chat/history?conversationId=nobody", 404),
        ("get", "/api/chat/history?after=x", 422),
        ("get", "/api/chat/history?conversationId=a&after=-1", 422),
        ("get", "/api/chat/conversations?before=nobody", 422),
        ("get", "/api/chat/nothing-here", 404),
        ("put", "/api/chat/message", 405),
        ("get", "/api/chat/nobody/stream", 204),
    ],
)
def test_other_routes_refuse_bad_requests_too(visitor, method, path, status):
    assert getattr(visitor, method)(path).status_code == status


def test_stopping_or_rating_an_unknown_answer_changes_nothing(visitor):
    assert visitor.post_json("/api/chat/nobody/stop", {}).json() == {"stopped": False}
    assert visitor.post_json("/api/chat/feedback", {"messageId": "x", "rating": "up"}).status_code == 404
    assert visitor.post_json("/api/chat/feedback", {"messageId": "x", "rating": "fine"}).status_code == 422


def test_openai_clients_get_their_own_error_shape(visitor):
    reply = visitor.post_json("/v1/chat/completions", {"model": "x", "messages": []})
    assert reply.status_code == 400
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    assert reply.json()["error"]["type"] == "invalid_request_error"
