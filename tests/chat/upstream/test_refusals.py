from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.upstream.refusals import Refusal


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        *((status, "operator") for status in (301, 302, 308, 401, 402, 403, 404, 405, 407)),
        *((status, "request") for status in (400, 409, 410, 413, 415, 418, 422, 451)),
        *((status, "service") for status in (408, 425, 429, 500, 502, 503, 504, 529)),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b"\xff", b'{"error": {"message": "no"}}'])
def test_a_status_is_classified(status, body, fault):
    assert Refusal.of(status, body).fault == fault


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "Invalid model name passed in model=gpt-9. Call `/v1/models`", "code": "400"}),
        (400, {"message": "acme/none is not a valid model ID", "code": 400}),
        (400, {"message": "The model `none` does not exist", "type": "invalid_request_error", "param": "model"}),
        (422, {"message": "none", "code": "invalid_model"}),
        (400, {"message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}),
        (400, {"message": "x", "details": [{"reason": "API_KEY_INVALID"}]}),
        (400, {"message": "No connected db.", "type": "no_db_connection", "param": None, "code": "400"}),
        (400, {"message": "Your credit balance is too low to access the API.", "type": "invalid_request_error"}),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}),
    ],
)
@pytest.mark.parametrize(
    "wrap", [lambda e: {"error": e}, lambda e: [{"error": e}], lambda e: {"detail": e}, lambda e: e]
)
def test_the_key_the_model_and_the_quota_are_the_operators_under_any_status(status, error, wrap):
    assert Refusal.of(status, json.dumps(wrap(error)).encode()).fault == "operator"


@pytest.mark.parametrize(
    ("cause", "status", "error"),
    [
        ("quota", 400, {"message": "Budget has been exceeded! Current cost: 26.0", "type": "budget_exceeded"}),
        ("quota", 429, {"message": "ExceededBudget: User=u over budget.", "type": "budget_exceeded", "code": "429"}),
        ("quota", 400, {"message": "Budget has been exceeded! Current cost: 26.0", "type": "None", "code": "400"}),
        ("key", 400, {"message": "Your organization must be verified to stream this model.", "param": "stream"}),
        ("key", 400, {"message": "Organization has been restricted.", "code": "organization_restricted"}),
        ("key", 400, {"message": "User location is not supported for the API use.", "status": "FAILED_PRECONDITION"}),
        ("model", 400, {"message": "The operation does not work with the model.", "code": "OperationNotSupported"}),
        ("model", 400, {"message": "The model `x` has been decommissioned.", "code": "model_decommissioned"}),
        ("model", 400, {"message": "The model `x` requires terms acceptance.", "code": "model_terms_required"}),
        ("model", 401, {"message": "key not allowed", "type": "key_model_access_denied", "param": "model"}),
        ("address", 400, {"message": "API version not supported", "code": "BadRequest"}),
        ("address", 400, {"message": "x", "code": "unsupported_api_version"}),
    ],
)
def test_what_the_operator_corrects_is_named(cause, status, error):
    body = json.dumps({"error": error}).encode()
    refusal = Refusal.of(status, body)
    assert (refusal.fault, refusal.cause) == ("operator", cause)


@pytest.mark.parametrize(
    "error",
    [
        {
            "message": "Unsupported value: 'stream' does not support true.",
            "param": "stream",
            "code": "unsupported_value",
        },
        {"message": "The file is not in an ACTIVE state.", "status": "FAILED_PRECONDITION"},
        {"message": "This model's maximum context length is 8192 tokens", "code": "context_length_exceeded"},
        {"message": "Unsupported parameter: 'stream_options' is not supported with this model."},
        {"message": "Unrecognized request argument supplied: stream_options", "param": "stream_options"},
        {"message": "messages: roles must alternate between user and assistant"},
    ],
)
def test_what_is_about_the_request_is_not_blamed_on_the_operator(error):
    assert Refusal.of(400, json.dumps({"error": error}).encode()).fault == "request"


def test_what_a_service_repeats_of_the_request_is_not_believed():
    detail = [{"loc": ["body", "stream"], "type": "missing", "input": {"message": "model none does not exist"}}]
    assert Refusal.of(422, json.dumps({"detail": detail}).encode()).fault == "request"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "filtered", "code": "content_filter"}),
        (400, {"message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}),
        (403, {"message": "flagged", "metadata": {"reasons": ["violence"], "flagged_input": "…"}}),
    ],
)
def test_a_content_filter_is_recognised(status, error):
    assert Refusal.of(status, json.dumps({"error": error}).encode()).fault == "filtered"


@given(st.integers(300, 599), st.recursive(st.text(max_size=3) | st.none(), lambda inner: st.lists(inner, max_size=2)))
def test_any_body_is_read(status, body):
    Refusal.of(status, json.dumps(body).encode())
