"""The OpenAI-compatible endpoints, with the fields that clients usually send."""

from __future__ import annotations

import json
import re

import pytest

from chat.api.openai import EARLIER_MESSAGES
from chat.encoders import json_body
from tests.support.fake_upstream import Serve, stream_response
from tests.support.sse import parse_parts

pytestmark = pytest.mark.django_db(transaction=True)


def complete(visitor, *messages, **body):
    body["messages"] = list(messages) or [{"role": "user", "content": "Bonjour"}]
    return visitor.post_json("/v1/chat/completions", {"model": "x", **body})


def frames(reply) -> list[dict]:
    return list(parse_parts(reply.streaming_content))


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": {"type": "text"}},
        {"tools": [], "logprobs": False, "n": 1},
        {"temperature": 0.2, "top_p": 1, "stop": ["x"], "max_tokens": 5, "seed": 1, "user": "someone"},
    ],
)
def test_fields_that_do_not_change_the_answer_are_accepted(visitor, ai, fields):
    assert complete(visitor, **fields).status_code == 200


def test_another_response_format_is_refused(visitor, ai):
    reply = complete(visitor, response_format={"type": "json_object"})
    assert reply.status_code == 400
    assert "response_format" in reply.json()["error"]["message"]


def test_only_an_assistant_message_may_have_no_content(visitor, ai):
    question = {"role": "user", "content": "Bonjour"}
    assert complete(visitor, question, {"role": "assistant", "content": None}, question).status_code == 200
    assert complete(visitor, question, {"role": "assistant", "tool_calls": []}, question).status_code == 200
    reply = complete(visitor, {"role": "user", "content": None})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "messages.0")


CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


@pytest.mark.parametrize(
    "call",
    [
        [
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "Il pleut."},
        ],
        [{"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "call_1"}],
        [{"role": "assistant", "content": "", "tool_calls": [CALL]}, {"role": "tool", "content": None}],
        [{"role": "assistant", "content": None}, {"role": "tool", "content": [{"type": "text", "text": "Il pleut."}]}],
        [{"role": "assistant", "content": None}, {"role": "tool", "content": "\0\ud800"}],
        [{"role": "assistant", "content": None}, {"role": "tool", "content": [{"type": "image_url", "image_url": {}}]}],
        [{"role": "assistant", "content": None}, {"role": "function", "name": "weather", "content": "Il pleut."}],
    ],
)
def test_a_conversation_with_a_call_of_a_tool_goes_on_without_the_call(visitor, ai, call):
    spoken = [text("Quel temps fait-il ?"), {"role": "assistant", "content": "Il pleut ici."}]
    question = text("Qu'est-ce que la PCH ?")
    assert complete(visitor, *spoken, question).status_code == 200
    reply = complete(visitor, spoken[0], *call, spoken[1], question)
    assert reply["X-Cache"] == "HIT"  # the call changes nothing


@pytest.mark.parametrize("role", ["tool", "function", "assistant", "system"])
def test_only_the_user_can_ask(visitor, ai, role):
    reply = complete(visitor, text("Bonjour"), {"role": role, "content": "Il pleut."})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "messages")
    assert "last message must be the user's" in reply.json()["error"]["message"]


@pytest.mark.parametrize("role", [{}, [], None, 1, "wizard"])
def test_a_role_that_is_none_is_refused(visitor, ai, role):
    reply = complete(visitor, {"role": role, "content": "Bonjour"})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "messages.0.role")


def test_a_long_conversation_goes_on_with_its_newest_messages(visitor, ai):
    instructions = {"role": "system", "content": "Soyez bref."}
    exchange = [text("Qu'est-ce que l'AEEH ?"), {"role": "assistant", "content": "Une allocation."}]
    question = text("Et la PCH ?")
    recent = [instructions, *exchange * (EARLIER_MESSAGES // 2)]
    assert complete(visitor, *recent, question)["X-Cache"] == "MISS"
    assert complete(visitor, recent[0], text("Bonjour"), *recent[1:], question)["X-Cache"] == "HIT"
    assert complete(visitor, *recent, *recent[1:], question)["X-Cache"] == "HIT"
    assert complete(visitor, *recent[1:], question)["X-Cache"] == "MISS"  # without the instructions


@pytest.mark.parametrize("with_text", [True, False])
def test_a_picture_is_refused_and_not_ignored(visitor, ai, with_text):
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    content = [{"type": "text", "text": "Bonjour"}, picture] if with_text else [picture]
    reply = complete(visitor, {"role": "user", "content": content})
    assert reply.status_code == 400
    assert "other than text" in reply.json()["error"]["message"]
    assert reply.json()["error"]["param"] == "messages.0.content"
    assert ai.calls == 0


def test_an_earlier_picture_is_left_out_and_the_conversation_goes_on(visitor, ai):
    question = {"type": "text", "text": "Que dit ce courrier ?"}
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    spoken = [{"role": "user", "content": [question, picture]}, {"role": "user", "content": [picture]}]
    answer = {"role": "assistant", "content": "Je ne vois pas d'image."}
    assert complete(visitor, *spoken, answer, text("Qu'est-ce que la PCH ?")).status_code == 200
    assert complete(visitor, *spoken, answer, text("Et puis ?"), text("Qu'est-ce que la PCH ?")).status_code == 200


@pytest.mark.parametrize("role", ["user", "system"])
@pytest.mark.parametrize("earlier", [(), ("user", "assistant")])
def test_a_picture_before_its_question_is_refused_if_nothing_was_answered_since(visitor, ai, earlier, role):
    picture = {"role": role, "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}
    before = [{"role": speaker, "content": "Bonjour"} for speaker in earlier]
    reply = complete(visitor, *before, picture, text("Que demande ce courrier ?"))
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == f"messages.{len(earlier)}.content"
    assert ai.calls == 0


@pytest.mark.parametrize("content", ["a\ud800", [{"type": "text", "text": "\udfff"}], 12, "a\0"])
def test_an_error_names_the_field_of_the_request(visitor, ai, content):
    reply = complete(visitor, {"role": "user", "content": content})
    assert reply.status_code == 400
    param = reply.json()["error"]["param"]
    assert param in {"messages.0.content", "messages.0.content.0.text"}
    assert reply.json()["error"]["message"].startswith(f"{param}: ")


def test_usage_is_null_until_the_last_chunk(visitor, ai):
    chunks = frames(complete(visitor, stream=True, stream_options={"include_usage": True}))
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["usage"]["total_tokens"] >= 0
    assert chunks[-1]["choices"] == []


def test_usage_is_absent_unless_requested(visitor, ai):
    assert not any("usage" in chunk for chunk in frames(complete(visitor, stream=True)))


def test_a_body_is_utf_8_json_also_with_an_unpaired_surrogate():
    assert json_body.response({"text": "é"}, {}).content == '{"text":"é"}'.encode()
    assert json.loads(json_body.response({"text": "é\ud800"}, {}).content) == {"text": "é?"}


def text(content: str) -> dict:
    return {"role": "user", "content": content}


@pytest.mark.parametrize("in_parts", [False, True])
def test_the_last_message_may_have_4000_characters(visitor, ai, in_parts):
    def question(length: int) -> dict:
        words = ("Bonjour ! " * 401)[:length]
        return {"role": "user", "content": [{"type": "text", "text": words}] if in_parts else words}

    assert complete(visitor, question(4000)).status_code == 200
    error = complete(visitor, question(4001)).json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", "messages")
    assert "4000 characters at most" in error["message"]


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_an_earlier_message_may_be_longer_and_is_shortened(visitor, serve: Serve, role):
    upstream = serve(stream_response("Oui."))
    earlier = {"role": role, "content": "Un long texte. " * 2000}
    assert complete(visitor, earlier, text("Qu'est-ce que la PCH ?")).status_code == 200
    sent = upstream.requests[0].decode()
    assert "Qu'est-ce que la PCH ?" in sent
    assert 50 < sent.count("Un long texte.") < 1500


@pytest.mark.parametrize(
    "fields",
    [
        {"stream": None},
        {"stream": None, "stream_options": None, "n": None, "tools": None, "user": None, "max_tokens": None},
        {"stream": False, "stream_options": {"include_usage": None}},
    ],
)
def test_a_null_field_is_a_field_that_is_not_there(visitor, ai, fields):
    assert complete(visitor, **fields).json()["object"] == "chat.completion"


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize("in_parts", [False, True])
def test_roles_and_parts_of_newer_clients_are_read(visitor, ai, role, in_parts):
    def content(words: str):
        return [{"type": "text", "text": words[:4]}, {"type": "text", "text": words[4:]}] if in_parts else words

    refusal = [{"type": "refusal", "refusal": "Non."}]
    reply = complete(
        visitor,
        {"role": role, "content": content("Soyez bref.")},
        {"role": "user", "content": content("Bonjour")},
        {"role": "assistant", "content": refusal},
        {"role": "user", "content": content("Qu'est-ce que la PCH ?")},
    )
    assert reply.status_code == 200
    assert "PCH" in reply.json()["choices"][0]["message"]["content"]


def test_every_number_in_the_text_has_its_source(visitor, ai):
    for question in ("Qu'est-ce que l'AEEH ?", "Qu'est-ce que la PCH ?"):
        body = complete(visitor, text(question)).json()
        cited = set(re.findall(r"\[(\d+)\]", body["choices"][0]["message"]["content"]))
        assert cited
        assert {citation["id"] for citation in body["citations"]} == cited
        assert all(citation["url"].startswith("https://") and citation["title"] for citation in body["citations"])
        last = frames(complete(visitor, text(question), stream=True))[-1]
        assert last["choices"][0]["finish_reason"] == "stop"
        assert last["citations"] == body["citations"]


def test_an_answer_without_sources_has_no_citations(visitor, ai):
    ai.fail("error", status=400)
    assert "citations" not in complete(visitor, text("zzz")).json()
