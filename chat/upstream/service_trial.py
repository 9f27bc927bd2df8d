"""Asks an AI service one question, without retries and breaker, and records its behaviour.

`manage.py check_ai` reports it. Calls for people go through session.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from chat.core.events import Delta, Finish
from chat.core.language import Language
from chat.core.question import Passage, Question
from chat.upstream import prompts
from chat.upstream.dialogue import tokens_of
from chat.upstream.http.cancel_scope import CancelScope, Deadline
from chat.upstream.http.transport import Transport
from chat.upstream.options import AcceptedOptions
from chat.upstream.protocols import openai, rag
from chat.upstream.protocols.sse_parser import BOM, SSEParser
from chat.upstream.request import (
    AnswerFiltered,
    CallError,
    ProtocolError,
    ResponseBody,
    UpstreamRequest,
    WrappedBody,
    decode,
)
from chat.upstream.service import AIService

QUESTION = "Bonjour ! Répondez seulement par une phrase très courte."
LANGUAGE: Language = "fr"
_FILLER = "Ceci est un texte d'essai, sans importance pour la réponse. "
_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")


@dataclass(slots=True)
class Trial:
    """The observed response to one question. Times are in seconds since the request, None if the event did not occur.

    `prompt_tokens` is our estimate of the prompt's length. `finish` is the end of an answer that came to its end.
    """

    prompt_tokens: int
    error: CallError | None = None
    first_bytes: float | None = None
    first_words: float | None = None
    seconds: float = 0.0
    is_streamed: bool = False
    text: str = field(default="", repr=False)
    finish: Finish | None = None
    reason: str = ""  # the service's own finish reason
    thinks: bool = False
    refused_options: frozenset[str] = frozenset()


def ask(service: AIService, *, limit: float, fills_context: bool = False) -> Trial:
    """Ask one short question, and wait for its answer `limit` seconds at most.

    With `fills_context` the prompt is as long as AI_CONTEXT_TOKENS allows.
    """
    request, prompt_tokens = _request(service, fills_context=fills_context)
    trial = Trial(prompt_tokens)
    transport = Transport(service.address, service.api_key, connections=1, connect_timeout=settings.AI_CONNECT_TIMEOUT)
    options, started_at = AcceptedOptions(), time.monotonic()
    try:
        options.send(request, lambda body: _send(transport, replace(request, body=body), trial, started_at, limit))
        trial.refused_options = options.refused
    except CallError as error:
        trial.error = error
    trial.seconds = time.monotonic() - started_at
    return trial


def _send(transport: Transport, request: UpstreamRequest, trial: Trial, started_at: float, limit: float) -> None:
    """Send the request and read its response into the trial. Raises CallError."""
    scope = CancelScope(Deadline(started_at + limit), limit)
    response: list[bytes] = []
    with transport.post(request.path, request.body, {}, scope) as body:
        for event in request.read(_recorded(body, response, trial, started_at)):
            if isinstance(event, Delta):
                trial.first_words = trial.first_words or time.monotonic() - started_at
                trial.text += event.text
            elif isinstance(event, Finish):
                trial.finish = event
                break
    _describe(b"".join(response), trial)
    if not trial.text.strip():
        raise AnswerFiltered if trial.finish and trial.finish.ending == "filtered" else CallError("empty")


def _recorded(body: ResponseBody, response: list[bytes], trial: Trial, started_at: float) -> ResponseBody:
    """The same response; its bytes are added to the list."""

    def chunks() -> Iterator[bytes]:
        for chunk in body:
            trial.first_bytes = trial.first_bytes or time.monotonic() - started_at
            response.append(chunk)
            yield chunk

    return WrappedBody(chunks(), body.limit_wait)


def _request(service: AIService, *, fills_context: bool) -> tuple[UpstreamRequest, int]:
    """The request, and our estimate of its prompt's tokens."""
    question = Question(QUESTION, LANGUAGE, caller_id="check_ai")
    if service.protocol == "rag":
        return rag.chat(prompts.for_rag(question), question.caller_id), tokens_of(question.text)
    text = _FILLER * (settings.AI_CONTEXT_TOKENS // 10)
    passages = [Passage("essai", "Essai", text, "", "", 0.0)] if fills_context else []
    messages = prompts.for_chat(question, passages).messages
    return openai.chat(messages, service.model, LANGUAGE), sum(tokens_of(each["content"]) for each in messages)


def _describe(response: bytes, trial: Trial) -> None:
    """Record what the decoded events do not contain: the finish reason, and thoughts."""
    trial.is_streamed = not _is_json(response)
    written = ""
    for choice in _choices(response):
        if reason := choice.get("finish_reason"):
            trial.reason = str(reason)[:40]
        message = choice.get("delta") or choice.get("message")
        if not isinstance(message, dict):
            continue
        content = message.get("content")
        written += content if isinstance(content, str) else ""
        has_thinking_part = isinstance(content, list) and any(
            isinstance(part, dict) and part.get("type") in {"thinking", "reasoning"} for part in content
        )
        trial.thinks = trial.thinks or has_thinking_part or any(map(message.get, _THOUGHT_FIELDS))
    trial.thinks = trial.thinks or len("".join(written.split())) > len("".join(trial.text.split()))


def _choices(response: bytes) -> Iterator[dict[str, Any]]:
    """The choices in a response of the OpenAI protocol, streamed or not; none in any other."""
    parser = SSEParser()
    events = () if _is_json(response) else (*parser.feed(response), *parser.close())
    for document in [event.data for event in events] or [response.removeprefix(BOM)]:
        with suppress(ProtocolError):
            yield from (each for each in decode(document).get("choices") or () if isinstance(each, dict))


def _is_json(response: bytes) -> bool:
    return response.removeprefix(BOM).lstrip().startswith(b"{")
