"""Answers a request that failed with an unexpected error: the same fallback as after an outage of the AI.

It does without the AI, the cache and the history, because any of them may have raised the error.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from time import perf_counter
from typing import Any, Protocol

import orjson
from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from chat.api.request_context import language_for
from chat.api.schemas import MAX_MESSAGE
from chat.core.events import Event, Notice, Start
from chat.core.question import Question
from chat.core.transcript import Transcript
from chat.documents.facts import NO_FACTS
from chat.encoders import headers, json_body, openai, sse, ui_stream
from chat.pipeline import distress, document_fallbacks, fallbacks, help_lines
from chat.upstream.errors import internal_error
from observability import correlation, unexpected_errors
from observability.routes import route_of


class StreamWriter(Protocol):
    """Writes the stream of one answer. It tells whether the client has its beginning, and words of it."""

    has_text: bool

    @property
    def has_begun(self) -> bool: ...

    def stream(self, batches: Iterable[Sequence[Event]]) -> Iterator[bytes]: ...


def answer(request: HttpRequest) -> HttpResponseBase:
    """The answer to a request of a route that answers, in its protocol: a fitting article, else help lines."""
    fields = _fields(request)
    answers = route_of(request).answers
    if answers == "completion":
        return _completion(fields, _events(request, _text_of(fields)))
    if answers == "analysis":
        events = [Start(), *document_fallbacks.without_ai(NO_FACTS, language_for(request), internal_error())]
        if request.get_preferred_type(["application/json", "text/event-stream"]) == "text/event-stream":
            return _stream(events)
        extent = {"pages": 0, "pagesRead": 0, "unread": []}
        transcript = Transcript(events)
        body = json_body.analysis(transcript, facts=asdict(NO_FACTS), file_name="", extent=extent)
        return json_body.response(body, headers.of_uncached(perf_counter(), transcript))
    events = _events(request, _text_of(fields))
    if answers == "stream":
        return _stream(events)
    transcript = Transcript(events)
    conversation_id = fields.get("conversationId")
    body = json_body.answer(
        transcript,
        conversation_id=conversation_id if isinstance(conversation_id, str) else "",
        message_id="",
        saved=False,
    )
    return json_body.response(body, headers.of_uncached(perf_counter(), transcript))


def end_after_error(writer: StreamWriter, frames: Iterator[bytes], request: HttpRequest) -> Iterator[bytes]:
    """The frames that the writer makes. An unexpected error ends them as interrupted, or with a fallback if the client
    has no text.
    """
    try:
        yield from frames
    except Exception:  # noqa: BLE001 - reported
        unexpected_errors.report("encoder")
        yield from writer.stream([_ending(writer, request)])


def _ending(writer: StreamWriter, request: HttpRequest) -> Sequence[Event]:
    if writer.has_text:
        return fallbacks.interrupted_ending(language_for(request))
    events = _events(request, _text_of(_fields(request)))
    return events[1:] if writer.has_begun else events


def _events(request: HttpRequest, text: str) -> list[Event]:
    question = Question(text, language_for(request, text), "").masked()
    events: list[Event] = [Start()]
    state: fallbacks.State = "calm"
    notice = ""
    with unexpected_errors.survived("fallback"):
        kinds = distress.detect(text)
        state = fallbacks.state_of(kinds)
        notice = help_lines.notice(help_lines.notice_topics(kinds, text), question.language)
        if notice:
            events.append(Notice("help", notice, {}))
    return [*events, *fallbacks.ladder(question, internal_error(), None, state, notice)]


def _completion(fields: dict[str, Any], events: Sequence[Event]) -> HttpResponseBase:
    encoder = openai.CompletionEncoder(f"chatcmpl-{uuid.uuid4().hex}", settings.AI_SERVICE_MODEL)
    transcript = Transcript(events)
    answer_headers = headers.of_uncached(perf_counter(), transcript)
    if not fields.get("stream"):
        return json_body.response(encoder.complete(transcript), answer_headers)
    writer = encoder.writer(include_usage=False)
    return StreamingHttpResponse(writer.stream([events]), headers=sse.HEADERS | answer_headers)


def _stream(events: Sequence[Event]) -> StreamingHttpResponse:
    writer = ui_stream.MessageWriter(uuid.uuid4().hex, {"correlationId": correlation.current(), "saved": False})
    answer_headers = headers.of_uncached(perf_counter(), Transcript(events))
    return StreamingHttpResponse(writer.stream([events]), headers=ui_stream.HEADERS | answer_headers)


def _fields(request: HttpRequest) -> dict[str, Any]:
    """The body's JSON object; empty for anything else, and for a body that can't be read any more."""
    try:
        fields = orjson.loads(request.body)
    except Exception:  # noqa: BLE001 - not JSON, too large, read already, broken off: there are words without it
        return {}
    return fields if isinstance(fields, dict) else {}


def _text_of(fields: dict[str, Any]) -> str:
    """The question of a body of any of our protocols; empty if it has none."""
    messages = fields.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages and isinstance(messages[-1], dict) else fields
    parts = last.get("content") or last.get("parts") or last.get("message") or ""
    if isinstance(parts, list):
        parts = " ".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
    return parts[:MAX_MESSAGE] if isinstance(parts, str) else ""
