"""OpenAI's own Python client, pointed at us: answers, streams, and errors as the exceptions that its users catch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from ai_service.control import StandIn
from tests.server import Server

pytestmark = pytest.mark.django_db(transaction=True)

ANY = "gpt-4o"  # clients have a model's name in their configuration: any will do


@pytest.fixture
def client(instances: tuple[Server, Server], token: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{instances[0].url}/v1", api_key=token, max_retries=0) as client:
        yield client


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_completion_is_whole_and_typed(client, ai: StandIn):
    reply = client.chat.completions.create(model=ANY, messages=[user("Qu'est-ce que la PCH ?")])
    choice = reply.choices[0]
    assert (reply.object, reply.model, choice.message.role) == ("chat.completion", "stand-in", "assistant")
    assert "PCH" in choice.message.content
    assert choice.finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    assert reply.created > 1_700_000_000


def test_a_stream_says_the_same_and_its_usage_last(client, ai: StandIn):
    question = [user("Qu'est-ce que l'AEEH ?")]
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model=ANY, messages=question, stream=True, stream_options=options))
    whole = client.chat.completions.create(model=ANY, messages=question)
    assert text_of(chunks) == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage
    assert len({chunk.id for chunk in chunks}) == 1
    assert ai.calls == 1


def test_the_stream_helper_builds_the_same_completion(client, ai: StandIn):
    with client.chat.completions.stream(model=ANY, messages=[user("Qu'est-ce qu'un PPS ?")]) as stream:
        kinds = {event.type for event in stream}
        completion = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert "PPS" in completion.choices[0].message.content


def test_the_async_client_reads_both(instances, token, ai: StandIn):
    async def ask() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=f"{instances[1].url}/v1", api_key=token) as client:
            question = {"model": ANY, "messages": [user("Qu'est-ce que la RQTH ?")]}
            chunks = [chunk async for chunk in await client.chat.completions.create(**question, stream=True)]
            whole = await client.chat.completions.create(**question)
            return text_of(chunks), whole.choices[0].message.content

    streamed, whole = asyncio.run(ask())
    assert streamed == whole
    assert "RQTH" in whole


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
    assert ai.calls == 2  # the second is another question than the first, and the third is the second


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
def test_what_we_cannot_honour_is_a_bad_request_that_names_it(client, ai: StandIn, unsupported):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=ANY, messages=[user("Bonjour")], **unsupported)
    assert refused.value.type == "invalid_request_error"
    assert next(iter(unsupported)) in refused.value.message
    assert refused.value.param == next(iter(unsupported))
    assert ai.calls == 0


def test_a_wrong_key_is_an_authentication_error(instances, ai: StandIn):
    with (
        openai.OpenAI(base_url=f"{instances[0].url}/v1", api_key="wrong") as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.chat.completions.create(model=ANY, messages=[user("Bonjour")])


def test_what_makes_no_sense_is_an_error_of_its_class(client, ai: StandIn):
    with pytest.raises(openai.BadRequestError) as nothing_asked:
        client.chat.completions.create(model=ANY, messages=[])
    assert nothing_asked.value.param == "messages"
    with pytest.raises(openai.NotFoundError):
        client.get("/nothing-here", cast_to=object)


def test_an_outage_is_an_answer_here_too(client, ai: StandIn):
    ai.fail("error", status=400)
    raw = client.chat.completions.with_raw_response.create(model=ANY, messages=[user("Qu'est-ce que le SESSAD ?")])
    assert raw.headers["X-Degraded"] == "ai_rejected"
    assert "SESSAD" in raw.parse().choices[0].message.content


def test_an_answer_cut_upstream_is_kept_and_not_called_complete(client, ai: StandIn):
    ai.fail("cut", after_tokens=3)
    question = [user("Comment faire appel d'une décision ?")]
    chunks = list(client.chat.completions.create(model=ANY, messages=question, stream=True))
    assert text_of(chunks)
    assert chunks[-1].choices[0].finish_reason == "length"
