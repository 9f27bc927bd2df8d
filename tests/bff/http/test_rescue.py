"""Unexpected errors in middlewares and views: every entry point still returns a fallback."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from bff.identity.middleware import CallerMiddleware
from chat.core.events import Delta, Event, Finish, Start
from chat.documents import reading
from chat.encoders import json_body, ui_stream
from chat.encoders.openai import CompletionEncoder
from chat.pipeline import help_lines
from chat.pipeline.answer_stream import RunStream
from tests.support.faults import broken, counted_errors
from tests.support.sse import parse_parts, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("ai")]

FITTING = "C'est quoi un PPS et comment en avoir un ?"
WITHOUT_ARTICLE = "comment enlever une tache de vin sur la nappe"
WORDS = {FITTING: "PPS", WITHOUT_ARTICLE: "0 800 360 360", "Je veux mourir": "3114"}
CORRELATION = {"X-Correlation-ID": "req-fault.2"}


def message(visitor, text: str) -> tuple[Any, str]:
    reply = visitor.post_json("/api/chat/message", {"message": text}, headers=CORRELATION)
    return reply, reply.json()["response"]


def stream(visitor, text: str) -> tuple[Any, str]:
    reply = visitor.post_json("/api/chat/stream", {"message": text}, headers=CORRELATION)
    return reply, text_of(parse_parts(reply.streaming_content))


def sdk_stream(visitor, text: str) -> tuple[Any, str]:
    question = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": text}]}
    body = {"id": "sdkChosen123", "trigger": "submit-message", "messages": [question]}
    reply = visitor.post_json("/api/chat/stream", body, headers=CORRELATION)
    return reply, text_of(parse_parts(reply.streaming_content))


def completion(visitor, text: str, **body: Any) -> tuple[Any, str]:
    body = {"model": "any", "messages": [{"role": "user", "content": text}], **body}
    reply = visitor.post_json("/v1/chat/completions", body, headers=CORRELATION)
    if not body.get("stream"):
        return reply, reply.json()["choices"][0]["message"]["content"]
    choices = [chunk["choices"] for chunk in parse_parts(reply.streaming_content)]
    return reply, "".join(choice[0]["delta"].get("content", "") for choice in choices if choice)


def completion_stream(visitor, text: str) -> tuple[Any, str]:
    return completion(visitor, text, stream=True)


QUESTION_DOORS = {door.__name__: door for door in (message, stream, sdk_stream, completion, completion_stream)}


@pytest.mark.parametrize("door", QUESTION_DOORS)
@pytest.mark.parametrize("text", WORDS)
def test_an_error_in_a_middleware_gives_an_article_or_kind_words(visitor, monkeypatch, capsys, door, text):
    monkeypatch.setattr(CallerMiddleware, "_identify", broken)
    before = counted_errors("request")
    reply, answer = QUESTION_DOORS[door](visitor, text)
    assert reply.status_code == 200
    assert WORDS[text] in answer
    assert reply["X-Degraded"] == "internal"
    assert reply["X-Correlation-ID"] == "req-fault.2"
    assert counted_errors("request") == before + 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line for line in lines if line["level"] == "error" and line["correlationId"] == "req-fault.2"]
    assert text not in json.dumps(lines, ensure_ascii=False)


@pytest.mark.parametrize("door", QUESTION_DOORS)
def test_somebody_in_distress_gets_people_to_call_and_no_article(visitor, monkeypatch, door):
    monkeypatch.setattr(CallerMiddleware, "_identify", broken)
    _, answer = QUESTION_DOORS[door](visitor, f"Je veux mourir. {FITTING}")
    assert answer.index("3114") < answer.index("114**")
    assert "PPS" not in answer


@pytest.mark.parametrize("door", QUESTION_DOORS)
@pytest.mark.parametrize("part", ["notice", "named_in"])
def test_somebody_in_distress_gets_all_numbers_if_the_notice_fails(visitor, monkeypatch, door, part):
    monkeypatch.setattr(CallerMiddleware, "_identify", broken)
    monkeypatch.setattr(help_lines, part, broken)
    reply, answer = QUESTION_DOORS[door](visitor, f"Je veux mourir. {FITTING}")
    assert reply.status_code == 200
    assert all(f"**{number}**" in answer for number in ("15", "114", "3114", "119"))
    assert "PPS" not in answer


def test_somebody_in_distress_gets_no_questions_if_the_notice_fails(visitor, monkeypatch):
    monkeypatch.setattr(CallerMiddleware, "_identify", broken)
    monkeypatch.setattr(help_lines, "notice", broken)
    reply, _ = message(visitor, "Je veux mourir, comment faire pour l'AEEH de mon fils après ?")
    assert reply.json()["suggestions"] == []


@pytest.mark.parametrize(
    ("owner", "name", "door"), [(json_body, "answer", message), (CompletionEncoder, "complete", completion)]
)
def test_an_answer_that_cannot_be_encoded_is_replaced(visitor, monkeypatch, owner, name, door):
    encode, calls = getattr(owner, name), []

    def fail_once(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        return broken() if len(calls) == 1 else encode(*arguments, **options)

    monkeypatch.setattr(owner, name, fail_once)
    reply, text = door(visitor, FITTING)
    assert (reply.status_code, reply["X-Degraded"]) == (200, "internal")
    assert "PPS" in text


@pytest.mark.parametrize("broken_part", ["_text", "_finish"])
def test_a_stream_that_cannot_be_encoded_is_ended(visitor, monkeypatch, broken_part):
    encode, calls, before = getattr(ui_stream.MessageWriter, broken_part), [], counted_errors("encoder")

    def fail_once(*arguments: Any) -> Any:
        calls.append(arguments)
        return broken() if len(calls) == 1 else encode(*arguments)

    monkeypatch.setattr(ui_stream.MessageWriter, broken_part, fail_once)
    frames = list(visitor.stream(FITTING).streaming_content)
    parts = list(parse_parts(frames))
    assert frames[-1].endswith(b"data: [DONE]\n\n")
    notice = next(part["data"] for part in parts if part["type"] == "data-notice")
    assert notice["reason"] == ("internal" if broken_part == "_text" else "interrupted")
    assert len(text_of(parts)) > 50
    assert [part["type"] for part in parts].count("start") == 1
    assert counted_errors("encoder") == before + 1


def fails_on_its_way(monkeypatch: pytest.MonkeyPatch, *, some_words: bool) -> None:
    """From now on the reading of an answer fails: after its first words, or after a silence before them."""
    read = RunStream.read

    def read_and_fail(self: RunStream, *arguments: Any, **options: Any) -> Iterator[Sequence[Event]]:
        if not some_words:
            yield from ([Start()], [])
            broken()
        for batch in read(self, *arguments, **options):
            yield [event for event in batch if not isinstance(event, Finish)]
            if any(isinstance(event, Delta) for event in batch):
                broken()

    monkeypatch.setattr(RunStream, "read", read_and_fail)


@pytest.mark.parametrize("some_words", [True, False])
def test_a_completion_that_fails_on_its_way_ends_as_what_it_is(visitor, monkeypatch, some_words):
    fails_on_its_way(monkeypatch, some_words=some_words)
    body = {"model": "any", "messages": [{"role": "user", "content": FITTING}], "stream": True}
    frames = list(visitor.post_json("/v1/chat/completions", body).streaming_content)
    choices = [choice for part in parse_parts(frames) for choice in part["choices"]]
    deltas = [choice["delta"] for choice in choices]
    assert [bool(delta.get("role")) for delta in deltas] == [True] + [False] * (len(deltas) - 1)
    assert "".join(delta.get("content", "") for delta in deltas)
    assert [choice["finish_reason"] for choice in choices][-1] == ("length" if some_words else "stop")
    assert frames[-1] == b"data: [DONE]\n\n"


@pytest.mark.parametrize("some_words", [True, False])
def test_a_message_stream_that_fails_on_its_way_ends_as_what_it_is(visitor, monkeypatch, some_words):
    fails_on_its_way(monkeypatch, some_words=some_words)
    frames = list(visitor.stream(FITTING).streaming_content)
    parts = list(parse_parts(frames))
    kinds = [part["type"] for part in parts]
    assert [kinds.count(kind) for kind in ("start", "text-start", "text-end", "finish")] == [1, 1, 1, 1]
    assert kinds.index("text-start") < kinds.index("text-delta") < kinds.index("text-end") < kinds.index("finish")
    assert parts[-1]["messageMetadata"]["ending"] == ("interrupted" if some_words else "stop")
    positions = [int(number) for number in re.findall(rb"^id: \S+-(\d+)$", b"".join(frames), re.MULTILINE)]
    assert positions == sorted(set(positions))


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_document_whose_reader_fails_is_answered_with_kind_words(visitor, monkeypatch, accept):
    monkeypatch.setattr(reading, "read", broken)
    body = {"document": "Votre AEEH de 151,80 € est accordée.", "documentType": "mdph"}
    reply = visitor.post_json("/api/chat/analyze-document", body, headers={"Accept": accept})
    text = text_of(parse_parts(reply.streaming_content)) if reply.streaming else reply.json()["analysis"]
    assert (reply.status_code, reply["X-Degraded"]) == (200, "internal")
    assert text.startswith("Je regrette")


def test_the_next_message_after_an_error_is_answered(visitor, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(CallerMiddleware, "_identify", broken)
        first = visitor.ask(FITTING).json()
    reply = visitor.ask(FITTING, conversationId=first["conversationId"])
    assert (reply.status_code, reply.json()["origin"]) == (200, "ai")
    assert reply.json()["conversationId"]


def test_other_routes_still_say_that_they_failed(visitor, monkeypatch):
    monkeypatch.setattr(CallerMiddleware, "_identify", broken)
    before = counted_errors("request")
    reply = visitor.get("/api/chat/conversations")
    assert (reply.status_code, reply["Content-Type"]) == (500, "application/problem+json")
    assert counted_errors("request") == before + 1
