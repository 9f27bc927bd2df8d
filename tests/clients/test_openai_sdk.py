"""OpenAI's Python client with our base URL: completions, streams, and errors as its exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionUserMessageParam

from ai_service.control import StandIn
from tests.support.server import Server

pytestmark = pytest.mark.django_db(transaction=True)

ANY = "gpt-4o"  # clients have a model name in their configuration; any name is accepted


@pytest.fixture
def client(instances: tuple[Server, Server], token: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{instances[0].url}/v1", api_key=token, max_retries=0) as client:
        yield client


def user(text: str) -> ChatCompletionUserMessageParam:
    return {"role": "user", "content": text}


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_completion_has_all_fields(client, ai: StandIn):
    reply = client.chat.completions.create(model=ANY, messages=[user("Qu'est-ce que la PCH ?")])
    choice = reply.choices[0]
    assert (reply.object, reply.model, choice.message.role) == ("chat.completion", "stand-in", "assistant")
    assert "PCH" in choice.message.content
    assert choice.finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    assert reply.created > 1_700_000_000


def test_a_stream_has_the_same_text_and_ends_with_the_usage(client, ai: StandIn):
    question = [user("Qu'est-ce que l'AEEH ?")]
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model=ANY, messages=question, stream=True, stream_options=options))
    completion = client.chat.completions.create(model=ANY, messages=question)
    assert text_of(chunks) == completion.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage == completion.usage
    assert len({chunk.id for chunk in chunks}) == 1
    assert ai.calls == 1


def test_the_stream_helper_builds_the_same_completion(client, ai: StandIn):
    with client.chat.completions.stream(model=ANY, messages=[user("Qu'est-ce qu'un PPS ?")]) as stream:
        kinds = {event.type for event in stream}
        completion = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert "PPS" in completion.choices[0].message.content


def test_the_async_client_reads_streams_and_completions(instances, token, ai: StandIn):
    async def ask() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=f"{instances[1].url}/v1", api_key=token) as client:
            question: dict[str, Any] = {"model": ANY, "messages": [user("Qu'est-ce que la RQTH ?")]}
            chunks = [chunk async for chunk in await client.chat.completions.create(**question, stream=True)]
            completion = await client.chat.completions.create(**question)
            return text_of(chunks), completion.choices[0].message.content

    streamed, completion = asyncio.run(ask())
    assert streamed == completion
    assert "RQTH" in completion


def test_system_and_earlier_messages_are_part_of_the_question(client, ai: StandIn):
    first = user("Qu'est-ce que l'AESH ?")
    conversation = [
        {"role": "system", "content": "Réponds en une phrase."},
        first,
        {"role": "assistant", "content": "Une personne qui accompagne un élève."},
        user("Et comment la demander ?"),
    ]
    client.chat.completions.create(model=ANY, messages=[first])
    reply = client.chat.completions.create(model=ANY, messages=conversation)
    assert reply.choices[0].message.content
    client.chat.completions.create(model=ANY, messages=conversation)
    assert ai.calls == 2  # the second has a history, and the third repeats it


def test_a_conversation_in_which_a_tool_was_called_goes_on(client, ai: StandIn):
    call: Any = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    conversation: list[ChatCompletionMessageParam] = [
        user("Quel temps fait-il à Lyon ?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Il pleut."},
    ]
    with pytest.raises(openai.BadRequestError, match="the last message must be the user's") as refused:
        client.chat.completions.create(model=ANY, messages=conversation)
    assert refused.value.param == "messages"
    conversation += [{"role": "assistant", "content": "Il pleut."}, user("Qu'est-ce que la PCH ?")]
    reply = client.chat.completions.create(model=ANY, messages=conversation)
    assert "PCH" in reply.choices[0].message.content


def test_a_conversation_has_no_end(client, ai: StandIn):
    conversation = [user("Bonjour"), {"role": "assistant", "content": "Bonjour."}] * 150
    reply = client.chat.completions.create(model=ANY, messages=[*conversation, user("Qu'est-ce que la PCH ?")])
    assert "PCH" in reply.choices[0].message.content


def test_the_models_are_listed(client):
    models = client.models.list().data
    assert [(model.id, model.object, model.owned_by) for model in models] == [("stand-in", "model", "chat-bff")]


@pytest.mark.parametrize(
    "unsupported",
    [
        {"n": 2},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
        {"response_format": {"type": "json_object"}},
        {"logprobs": True},
    ],
)
def test_an_unsupported_parameter_is_a_bad_request_that_names_it(client, ai: StandIn, unsupported):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=ANY, messages=[user("Bonjour")], **unsupported)
    assert refused.value.type == "invalid_request_error"
    assert next(iter(unsupported)) in refused.value.message
    assert refused.value.param == next(iter(unsupported))
    assert ai.calls == 0


def test_a_wrong_key_is_an_authentication_error(instances, ai: StandIn):
    with (
        openai.OpenAI(base_url=f"{instances[0].url}/v1", api_key="bff_wrong") as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.chat.completions.create(model=ANY, messages=[user("Bonjour")])


def test_invalid_requests_raise_the_exceptions_of_the_client(client, ai: StandIn):
    with pytest.raises(openai.BadRequestError) as no_messages:
        client.chat.completions.create(model=ANY, messages=[])
    assert no_messages.value.param == "messages"
    with pytest.raises(openai.NotFoundError):
        client.get("/nothing-here", cast_to=object)


def test_an_outage_is_answered_with_a_fallback(client, ai: StandIn):
    ai.fail("error", status=400)
    raw = client.chat.completions.with_raw_response.create(model=ANY, messages=[user("Qu'est-ce que le SESSAD ?")])
    assert raw.headers["X-Degraded"] == "ai_rejected"
    assert "SESSAD" in raw.parse().choices[0].message.content


def test_an_answer_cut_upstream_keeps_its_text_and_is_not_marked_complete(client, ai: StandIn):
    ai.fail("cut", after_tokens=3)
    question = [user("Comment faire appel d'une décision ?")]
    chunks = list(client.chat.completions.create(model=ANY, messages=question, stream=True))
    assert text_of(chunks)
    assert chunks[-1].choices[0].finish_reason == "length"
