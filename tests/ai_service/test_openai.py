from __future__ import annotations

import json
import time

import openai
import pytest

from tests.ai_service.client import BODY, ask, text_of


@pytest.fixture
def client(ai):
    with openai.OpenAI(base_url=f"{ai.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def test_openais_client_reads_a_stream_from_role_to_usage(client):
    stream = client.chat.completions.create(**BODY, stream=True, stream_options={"include_usage": True})
    first, *words, last, usage = list(stream)
    assert (first.object, first.choices[0].delta.role) == ("chat.completion.chunk", "assistant")
    assert all(word.choices[0].delta.content and not word.choices[0].finish_reason for word in words)
    assert last.choices[0].finish_reason == "stop"
    assert usage.choices == []
    assert usage.usage.completion_tokens == len(words)
    assert usage.usage.total_tokens == usage.usage.prompt_tokens + len(words)
    assert {chunk.id for chunk in (first, *words, last, usage)} == {first.id}


def test_openais_client_reads_a_complete_answer_with_the_streamed_text(client, ai):
    answer = client.chat.completions.create(**BODY)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content == text_of(ask(ai))
    assert answer.usage.completion_tokens > 10


def test_a_stream_has_one_event_per_word_and_ends_with_done(ai):
    answer = ask(ai)
    assert answer.headers["Content-Type"] == "text/event-stream"
    frames = answer.content.decode().split("\n\n")
    assert all(frame.startswith("data: ") for frame in frames[:-1])
    assert frames[-2:] == ["data: [DONE]", ""]
    words = [json.loads(frame[6:])["choices"][0]["delta"].get("content", "") for frame in frames[1:-3]]
    assert all(len(word.split()) == 1 for word in words)


def test_a_stream_has_no_usage_unless_requested(client):
    assert all(chunk.choices for chunk in client.chat.completions.create(**BODY, stream=True))


def test_the_token_limit_ends_an_answer_with_finish_reason_length(client):
    answer = client.chat.completions.create(**BODY, max_tokens=4)
    assert answer.choices[0].finish_reason == "length"
    assert len(answer.choices[0].message.content.split()) == answer.usage.completion_tokens == 4


def test_the_models_can_be_listed(client):
    assert [model.id for model in client.models.list()] == ["stand-in"]


def test_the_pace_applies_to_streams_and_complete_answers(ai):
    length = len(text_of(ask(ai)).split())
    ai.pace(length * 2)
    for stream in (True, False):
        began = time.monotonic()
        ask(ai, stream=stream)
        assert 0.45 < time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("not json", None),
        ("[]", None),
        ("{}", "messages"),
        ('{"messages": []}', "messages"),
        ('{"messages": ["hello"]}', "messages"),
        ('{"messages": [{"content": "hello"}]}', "messages"),
        ('{"messages": [{"role": "user", "content": 5}]}', "messages"),
        ('{"messages": [{"role": "system", "content": "hello"}]}', "messages"),
        ('{"messages": [{"role": "user", "content": "hello"}], "max_tokens": "many"}', "max_tokens"),
    ],
)
def test_invalid_input_gets_400_with_openais_error_object(ai, http, body, param):
    answer = http.post(f"{ai.url}/v1/chat/completions", data=body, timeout=2)
    assert answer.status_code == 400
    assert answer.json()["error"].keys() == {"message", "type", "param", "code"}
    assert (answer.json()["error"]["type"], answer.json()["error"]["param"]) == ("invalid_request_error", param)


def test_content_parts_and_unknown_fields_are_accepted(ai, http):
    body = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Bonjour"}]}],
        "stream_options": 5,
        "n": 1,
    }
    answer = http.post(f"{ai.url}/v1/chat/completions", json=body, timeout=2)
    assert text_of(answer).startswith("Bonjour.")


def test_a_body_that_is_too_large_gets_413(ai, http):
    assert http.post(f"{ai.url}/v1/chat/completions", data=b" " * (16 * 2**20 + 1), timeout=5).status_code == 413


def test_an_unknown_route_gets_404_and_is_not_counted(ai, http):
    assert http.post(f"{ai.url}/v1/nothing", json={}, timeout=2).status_code == 404
    assert ai.calls == 0
