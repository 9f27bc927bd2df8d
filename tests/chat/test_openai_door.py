"""The OpenAI door, as its clients knock: with what they send by habit."""

from __future__ import annotations

import json

import pytest

from chat.wire import whole
from tests.frames import parts_in

pytestmark = pytest.mark.django_db(transaction=True)


def complete(visitor, *messages, **body):
    asked = [{"role": "user", "content": "Bonjour"}] if not messages else list(messages)
    return visitor.post_json("/v1/chat/completions", {"model": "x", "messages": asked, **body})


def frames(reply) -> list[dict]:
    return list(parts_in(reply.streaming_content))


@pytest.mark.parametrize(
    "habit",
    [
        {"response_format": {"type": "text"}},
        {"tools": [], "logprobs": False, "n": 1},
        {"temperature": 0.2, "top_p": 1, "stop": ["x"], "max_tokens": 5, "seed": 1, "user": "someone"},
    ],
)
def test_what_does_not_change_the_answer_is_accepted(visitor, ai, habit):
    assert complete(visitor, **habit).status_code == 200


def test_another_format_is_refused(visitor, ai):
    reply = complete(visitor, response_format={"type": "json_object"})
    assert reply.status_code == 400
    assert "response_format" in reply.json()["error"]["message"]


def test_an_assistant_may_have_said_nothing_but_nobody_else(visitor, ai):
    asks = {"role": "user", "content": "Bonjour"}
    assert complete(visitor, asks, {"role": "assistant", "content": None}, asks).status_code == 200
    assert complete(visitor, asks, {"role": "assistant", "tool_calls": []}, asks).status_code == 200
    reply = complete(visitor, {"role": "user", "content": None})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "messages.0")


@pytest.mark.parametrize("with_text", [True, False])
def test_a_picture_is_refused_and_not_passed_over(visitor, ai, with_text):
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    content = [{"type": "text", "text": "Bonjour"}, picture] if with_text else [picture]
    reply = complete(visitor, {"role": "user", "content": content})
    assert reply.status_code == 400
    assert "other than text" in reply.json()["error"]["message"]
    assert reply.json()["error"]["param"] == "messages.0.content"
    assert ai.calls == 0


@pytest.mark.parametrize("content", ["a\ud800", [{"type": "text", "text": "\udfff"}], 12, "a\0"])
def test_an_error_names_the_field_as_the_client_knows_it(visitor, ai, content):
    reply = complete(visitor, {"role": "user", "content": content})
    assert reply.status_code == 400
    param = reply.json()["error"]["param"]
    assert param in {"messages.0.content", "messages.0.content.0.text"}
    assert reply.json()["error"]["message"].startswith(f"{param}: ")


def test_usage_is_null_until_it_is_told(visitor, ai):
    chunks = frames(complete(visitor, stream=True, stream_options={"include_usage": True}))
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["usage"]["total_tokens"] >= 0
    assert chunks[-1]["choices"] == []


def test_usage_is_not_mentioned_when_nobody_asked(visitor, ai):
    assert not any("usage" in chunk for chunk in frames(complete(visitor, stream=True)))


def test_a_body_is_json_in_utf_8_also_when_the_ai_said_half_a_surrogate_pair():
    assert whole.reply({"text": "é"}, {}).content == '{"text":"é"}'.encode()
    assert json.loads(whole.reply({"text": "é\ud800"}, {}).content) == {"text": "é\ud800"}
