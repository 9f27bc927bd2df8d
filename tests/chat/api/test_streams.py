"""Streamed answers: the UI message stream, resuming, stopping, and OpenAI streams."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import RequestFactory

from chat import runs
from chat.history import recorder
from chat.models import Conversation, Message
from tests.support.concurrency import run_concurrently
from tests.support.fake_upstream import stream_response
from tests.support.polling import eventually
from tests.support.sse import parse_parts, read_start, text_of

pytestmark = pytest.mark.django_db(transaction=True)
TEXT_PARTS = [{"type": "text", "text": "Que puis-je demander ?"}]


def parts_of(reply) -> list[dict]:
    """The JSON of each frame. Asserts that the stream is complete."""
    frames = list(reply.streaming_content)
    assert frames[-1].endswith(b"data: [DONE]\n\n")
    return list(parse_parts(frames))


def test_a_stream_has_the_parts_of_the_protocol_in_order(visitor, ai):
    reply = visitor.stream("Comment obtenir une AESH ?")
    parts = parts_of(reply)
    types = [part["type"] for part in parts]
    assert reply["x-vercel-ai-ui-message-stream"] == "v1"
    assert reply["X-Accel-Buffering"] == "no"
    assert types[:3] == ["start", "start-step", "text-start"]
    assert types[-2:] == ["finish-step", "finish"]
    assert types.index("text-end") > max(index for index, kind in enumerate(types) if kind == "text-delta")
    assert parts[-1]["messageMetadata"]["origin"] == "ai"
    assert parts[-1]["messageMetadata"]["saved"] is True


def test_a_streamed_answer_is_saved_in_the_history(visitor, ai):
    parts = parts_of(visitor.stream("Qu'est-ce que la CDAPH ?"))
    conversation = parts[0]["messageMetadata"]["conversationId"]
    question, answer = visitor.get(f"/api/chat/history?conversationId={conversation}").json()["items"]
    assert question["text"] == "Qu'est-ce que la CDAPH ?"
    assert (answer["text"], answer["status"], answer["id"]) == (text_of(parts), "complete", parts[0]["messageId"])


def test_a_cached_answer_is_streamed_in_pieces_in_every_protocol(visitor, another_visitor, ai):
    question = "Qu'est-ce que le GEVA-Sco ?"
    complete = visitor.ask(question).json()["response"]
    parts = parts_of(another_visitor.stream(question))
    body = {"model": "any", "messages": [{"role": "user", "content": question}]}
    completion = another_visitor.post_json("/v1/chat/completions", body).json()
    assert text_of(parts) == complete == completion["choices"][0]["message"]["content"]
    assert sum(part["type"] == "text-delta" for part in parts) > 1
    assert parts[-1]["messageMetadata"]["origin"] == "cache"
    assert ai.calls == 1


def test_the_ai_sdk_may_choose_the_conversation_id(visitor, another_visitor, ai):
    body = {
        "id": "sdkChosen123",
        "trigger": "submit-message",
        "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Que puis-je demander ?"}]}],
    }
    parts = parts_of(visitor.post_json("/api/chat/stream", body))
    assert parts[0]["messageMetadata"]["conversationId"] == "sdkChosen123"
    assert len(visitor.get("/api/chat/history?conversationId=sdkChosen123").json()["items"]) == 2
    assert another_visitor.get("/api/chat/history?conversationId=sdkChosen123").status_code == 404


@pytest.mark.parametrize(
    "message",
    [
        {"parts": TEXT_PARTS, "content": None, "id": None},
        {"parts": TEXT_PARTS, "content": TEXT_PARTS},
        {"parts": [], "content": TEXT_PARTS},
        {"parts": None, "content": "Que puis-je demander ?"},
        {"parts": [{"type": "step-start"}], "content": "Que puis-je demander ?"},
        {"content": [{"type": "image", "image": "x"}, *TEXT_PARTS]},
    ],
)
def test_messages_of_the_ai_sdk_are_read_in_every_shape(visitor, ai, message):
    reply = visitor.post_json("/api/chat/stream", {"id": "c1", "messages": [{"id": "m1", "role": "user", **message}]})
    assert parts_of(reply)[-1]["messageMetadata"]["origin"] == "ai"
    assert visitor.get("/api/chat/history?conversationId=c1").json()["items"][0]["text"] == "Que puis-je demander ?"


def test_the_context_that_the_ai_sdk_sends_beside_the_messages_is_told_to_the_ai(visitor, serve):
    upstream = serve(stream_response("Oui."))
    body = {"id": "c1", "messages": [{"id": "m1", "role": "user", "parts": TEXT_PARTS}]}
    for context in ({"departement": "69"}, None):
        assert parts_of(visitor.post_json("/api/chat/stream", {**body, "context": context}))
    told = [b"departement: 69" in request for request in upstream.requests]
    assert told == [True, False]
    assert visitor.post_json("/api/chat/stream", {**body, "context": ["69"]}).status_code == 422


def test_a_degraded_stream_is_normal_text_with_a_notice(visitor, ai, settings, patient_headers):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error")
    reply = visitor.stream("Une question sans article : xyzzy ?")
    parts = parts_of(reply)
    notice = next(part for part in parts if part["type"] == "data-notice")
    assert notice["data"]["reason"] == "ai_error"
    assert reply["X-Degraded"] == "ai_error"
    assert text_of(parts)


def test_a_retry_is_announced_before_its_wait(visitor, ai):
    ai.fail("error", status=503, count=1)
    parts = parts_of(visitor.stream("Comment demander la PCH ?"))
    status = next(part for part in parts if part["type"] == "data-status")
    assert status["transient"] is True
    assert "Nouvelle tentative" in status["data"]["text"]
    assert parts[-1]["messageMetadata"]["origin"] == "ai"
    assert ai.calls == 2


def test_an_answer_cut_upstream_keeps_its_text_and_ends_with_an_interrupted_notice(visitor, ai):
    ai.fail("cut", after_tokens=3)
    parts = parts_of(visitor.stream("Comment faire appel d'une décision ?"))
    assert next(part for part in parts if part["type"] == "data-notice")["data"]["kind"] == "interrupted"
    assert parts[-1]["messageMetadata"]["ending"] == "interrupted"
    conversation = parts[0]["messageMetadata"]["conversationId"]
    answer = visitor.get(f"/api/chat/history?conversationId={conversation}").json()["items"][1]
    assert (answer["status"], answer["text"]) == ("interrupted", text_of(parts))


def test_an_answer_is_completed_and_saved_after_its_reader_disconnects(visitor, ai):
    ai.pace(40)
    reply = visitor.stream("Comment préparer un dossier MDPH ?")
    next(iter(reply.streaming_content))
    reply.close()
    eventually(lambda: Message.objects.filter(role="assistant", status="complete").exists())
    assert ai.calls == 1


def test_the_history_may_be_read_often_before_an_answer_ends(visitor, ai, monkeypatch):
    """The end waits for what reading it has added: for one write, however often it was."""
    saved, save = [], recorder.save_outcome
    monkeypatch.setattr(recorder, "save_outcome", lambda *arguments: saved.append(save(*arguments)))
    ai.pace(20)
    frames = visitor.stream("Comment préparer la rentrée scolaire ?").streaming_content
    conversation, _ = read_start(frames)
    for _ in range(5):
        visitor.get(f"/api/chat/history?conversationId={conversation}")
    for _ in frames:
        pass
    assert saved == [False]  # whoever began the answer has saved it


def test_a_stream_is_resumed_from_its_beginning_or_from_the_last_event_seen(visitor, ai):
    ai.pace(20)
    first = visitor.stream("Comment préparer la rentrée scolaire ?")
    seen = [frame for frame, _ in zip(first.streaming_content, range(2), strict=False)]
    conversation, message = read_start(seen)
    path = f"/api/chat/{conversation}/stream"
    again = visitor.get(path)
    rest = visitor.get(path, headers={"Last-Event-ID": last_event_id(seen)})
    complete, remainder = parts_of(again), parts_of(rest)
    assert complete[0]["messageId"] == message
    assert text_of(complete).endswith(text_of(remainder))
    assert "start" not in [part["type"] for part in remainder]
    assert text_of(parse_parts(seen)) + text_of(remainder) == text_of(complete)
    assert visitor.get(path).status_code == 204


def test_an_answer_that_ended_meanwhile_is_resumed_after_the_last_event_received(visitor, ai):
    frames = b"".join(visitor.stream("Comment demander une carte mobilité inclusion ?").streaming_content)
    first, *_, last = event_ids([frames])
    received, _, rest = frames.partition(f"id: {first}\n".encode())
    conversation, _ = read_start([received])
    path = f"/api/chat/{conversation}/stream"
    remainder = parts_of(visitor.get(path, headers={"Last-Event-ID": first}))
    assert text_of(remainder) == text_of(parse_parts([rest]))
    types = [part["type"] for part in remainder]
    assert types.count("text-start") == 1
    assert "start" not in types
    for unknown_id in (last, f"{first[:-1]}999", "elsewhere-3", "17", ""):
        assert visitor.get(path, headers={"Last-Event-ID": unknown_id}).status_code == 204


def test_the_event_id_of_an_earlier_answer_does_not_skip_events_of_the_next(visitor, ai):
    first = list(visitor.stream("Comment trouver une nounou ?").streaming_content)
    conversation, _ = read_start(first)
    ai.pace(20)
    second = visitor.stream("Et pour les vacances ?", conversationId=conversation)
    next(iter(second.streaming_content))
    again = visitor.get(f"/api/chat/{conversation}/stream", headers={"Last-Event-ID": last_event_id(first)})
    assert parts_of(again)[0]["type"] == "start"


def test_another_caller_can_not_resume_or_stop_an_answer(visitor, another_visitor, ai):
    ai.pace(20)
    frames = iter(visitor.stream("Comment demander une aide à domicile ?").streaming_content)
    opening = [next(frames)]
    conversation, _ = read_start(opening)
    path = f"/api/chat/{conversation}"
    assert another_visitor.get(f"{path}/stream").status_code == 204
    last_event = {"Last-Event-ID": last_event_id(opening)}
    assert another_visitor.get(f"{path}/stream", headers=last_event).status_code == 204
    assert another_visitor.post_json(f"{path}/stop", {}).json() == {"stopped": False}
    assert '"ending":"stop"' in b"".join(frames).decode()


def test_stopping_ends_the_answer_for_its_readers_and_cancels_the_upstream_call(visitor, ai):
    ai.pace(1)  # the whole answer would take more than 10 s
    reply = visitor.stream("Comment trouver du répit ?")
    frames = iter(reply.streaming_content)
    conversation, _ = read_start(frames)
    started_at = time.monotonic()
    assert visitor.post_json(f"/api/chat/{conversation}/stop", {}).json() == {"stopped": True}
    rest = b"".join(frames).decode()
    assert time.monotonic() - started_at < 5
    assert '"ending":"stopped"' in rest
    eventually(lambda: ai.open_calls == 0)
    assert visitor.get(f"/api/chat/history?conversationId={conversation}").json()["items"][1]["status"] == "stopped"


def test_a_stopped_answer_in_json_has_the_ending_stopped(visitor, ai):
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    ai.pace(5)
    pending = run_in_thread(lambda: visitor.ask("Comment trouver du répit ?", conversationId=conversation).json())
    eventually(lambda: ai.open_calls == 1)
    eventually(lambda: visitor.post_json(f"/api/chat/{conversation}/stop", {}).json()["stopped"])
    answer = pending.result(timeout=5)
    assert answer["ending"] == "stopped"


def test_pings_are_sent_during_silence(visitor, ai, monkeypatch):
    monkeypatch.setattr("chat.runs.run.KEEPALIVE_SECONDS", 0.2)
    ai.fail("slow", seconds=2)
    reply = visitor.stream("Comment trouver une place en IME ?")
    text = b"".join(reply.streaming_content).decode()
    before_the_first_text, _, _ = text.partition('"text-start"')
    assert before_the_first_text.count(": ping\n\n") >= 2


def test_distress_puts_the_help_lines_first_in_openai_answers_too(visitor, ai):
    body = {"model": "any", "messages": [{"role": "user", "content": "Je n'en peux plus, je veux mourir."}]}
    complete = visitor.post_json("/v1/chat/completions", body).json()["choices"][0]["message"]["content"]
    chunks = parts_of(visitor.post_json("/v1/chat/completions", body | {"stream": True}))
    assert "3114" in complete
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == complete


def begin_two_answers(visitor) -> tuple[str, Any, Any]:
    """A conversation in which two tabs have asked at the same time. Of each answer its message id, its first frame and
    the others.
    """
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    opened = []
    for question in ("Et pour Léo ?", "Et pour Zoé ?"):
        frames = iter(visitor.stream(question, conversationId=conversation).streaming_content)
        opening = [next(frames)]
        opened.append((read_start(opening)[1], opening, frames))
    return conversation, opened[0], opened[1]


def test_of_two_pending_answers_the_one_that_is_meant_is_stopped(visitor, ai):
    ai.pace(20)
    conversation, (first, _, frames), (second, _, other_frames) = begin_two_answers(visitor)
    stop = f"/api/chat/{conversation}/stop"
    assert visitor.post_json(stop, {"messageId": "unknown"}).json() == {"stopped": False}
    assert visitor.post_json(stop, {"messageId": first}).json() == {"stopped": True}
    assert '"ending":"stopped"' in b"".join(frames).decode()
    assert visitor.post_json(stop, {"messageId": first}).json() == {"stopped": False}
    assert Message.objects.get(public_id=second).status == "pending"
    assert visitor.post(stop, "", content_type="application/json").json() == {"stopped": True}  # the latest
    assert '"ending":"stopped"' in b"".join(other_frames).decode()


@pytest.mark.parametrize("body", ["", "null", "[]", '"all"', "{}", '{"messageId": null}', '{"messageId": ""}'])
def test_a_stop_that_names_no_answer_means_the_latest(visitor, ai, body):
    ai.pace(20)
    frames = iter(visitor.stream("Et pour Léo ?").streaming_content)
    next(frames)
    stop = f"/api/chat/{Message.objects.get(status='pending').conversation.public_id}/stop"
    assert visitor.post(stop, body, content_type="application/json").json() == {"stopped": True}
    assert '"ending":"stopped"' in b"".join(frames).decode()


@pytest.mark.parametrize("message_id", [5, ["x"], "x y", "x" * 65])
def test_a_stop_of_what_is_no_message_id_is_refused(visitor, message_id):
    refused = visitor.post_json("/api/chat/chosen/stop", {"messageId": message_id})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "messageId")


def test_of_two_pending_answers_the_one_that_is_meant_is_resumed(visitor, ai):
    ai.pace(20)
    conversation, (first, opening, _), (second, *_) = begin_two_answers(visitor)
    path = f"/api/chat/{conversation}/stream"
    frames = iter(visitor.get(path, headers={"Last-Event-ID": last_event_id(opening)}).streaming_content)
    assert last_event_id([next(frames)]).startswith(first[:8])
    for headers in ({}, {"Last-Event-ID": "elsewhere-3"}):
        assert read_start(visitor.get(path, headers=headers).streaming_content)[1] == second


def test_stopping_a_shared_answer_does_not_end_it_for_other_people(visitor, another_visitor, ai):
    ai.pace(20)
    question = "Comment préparer un dossier MDPH ?"
    mine, other = visitor.stream(question), another_visitor.stream(question)
    frames = iter(mine.streaming_content)
    conversation, _ = read_start(frames)
    assert visitor.post_json(f"/api/chat/{conversation}/stop", {}).json() == {"stopped": True}
    assert '"ending":"stopped","saved":true' in b"".join(frames).decode()
    parts = parts_of(other)
    assert parts[-1]["messageMetadata"]["ending"] == "stop"
    assert ai.calls == 1
    history = visitor.get(f"/api/chat/history?conversationId={conversation}").json()["items"]
    assert history[1]["status"] == "stopped"


def test_a_shared_answer_that_ends_because_its_conversation_is_deleted_is_not_reported_as_saved(
    visitor, another_visitor, ai
):
    ai.pace(20)
    question = "Comment préparer un dossier MDPH ?"
    mine, other = visitor.stream(question), another_visitor.stream(question)
    frames = iter(mine.streaming_content)
    read_start(frames)
    assert visitor.delete("/api/chat/reset").status_code == 200
    assert '"ending":"stopped","saved":false' in b"".join(frames).decode()
    assert parts_of(other)[-1]["messageMetadata"]["ending"] == "stop"


def test_a_resumed_stream_reports_that_the_answer_was_saved(visitor, ai):
    ai.pace(40)
    first = visitor.stream("Comment trouver une association ?")
    conversation, _ = read_start(first.streaming_content)
    again = parts_of(visitor.get(f"/api/chat/{conversation}/stream"))
    assert again[-1]["messageMetadata"]["saved"] is True


def test_a_resumed_stream_reports_that_the_answer_of_a_deleted_conversation_was_not_saved(visitor, ai):
    ai.pace(40)
    first = visitor.stream("Comment trouver une association ?")
    conversation, _ = read_start(first.streaming_content)
    again = visitor.get(f"/api/chat/{conversation}/stream")
    Conversation.objects.all().delete()
    assert parts_of(again)[-1]["messageMetadata"]["saved"] is False


def test_identical_concurrent_questions_make_one_upstream_call(ai, visitor):
    ai.fail("slow", seconds=0.5)

    def ask() -> str:
        try:
            return type(visitor)().ask("Qu'est-ce que le taux d'incapacité ?").json()["response"]
        finally:
            connections.close_all()

    answers = run_concurrently(8, ask)
    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert ai.calls == 1


def test_openai_streams_end_with_a_finish_reason_and_with_the_usage_if_requested(visitor, ai):
    body = {
        "model": "any",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "Qu'est-ce que la RQTH ?"}],
    }
    chunks = parts_of(visitor.post_json("/v1/chat/completions", body))
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("extra", [{"tools": [{}]}, {"n": 2}, {"response_format": {"type": "json_object"}}])
def test_unsupported_openai_parameters_are_refused(visitor, ai, extra):
    body = {"model": "any", "messages": [{"role": "user", "content": "Bonjour"}], **extra}
    reply = visitor.post_json("/v1/chat/completions", body)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"


def run_in_thread(work: Callable[[], Any]) -> Future[Any]:
    """Run in another thread and close its database connections afterwards."""

    def run_and_close() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    return ThreadPoolExecutor(1).submit(run_and_close)


def event_ids(frames: list[bytes]) -> list[str]:
    lines = b"".join(frames).decode().splitlines()
    return [line.removeprefix("id: ") for line in lines if line.startswith("id: ")]


def last_event_id(frames: list[bytes]) -> str:
    return event_ids(frames)[-1]


def test_a_streamed_answer_leaves_no_reference_cycles(ai):
    """A garbage collection stops every request, so the objects of a stream must be freed by reference counting."""
    _serve("Qu'est-ce que l'AEEH ?")  # the first request loads scripts into Redis: errors with tracebacks are cycles
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        _serve("Qu'est-ce qu'un SESSAD ?")
        eventually(lambda: not runs.is_leading())
        gc.collect()
        leaked = {type(thing).__name__ for thing in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    streams = {"WSGIRequest", "StreamingHttpResponse", "ResponseStream", "Run", "EventStream", "Reply", "ReplyBody"}
    assert leaked & streams == set()


def _serve(message: str) -> None:
    """Handle a request for a stream as a server does, to the end of the response."""
    body = json.dumps({"message": message})
    environ = RequestFactory().post("/api/chat/stream", body, content_type="application/json").environ
    reply = WSGIHandler()(environ, cast("Any", lambda status, headers: None))
    assert b"[DONE]" in b"".join(reply)
    reply.close()
