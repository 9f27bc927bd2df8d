"""The OpenAI protocol: `POST /v1/chat/completions`, streamed or not, and `GET /v1/models`.

Answers quote the passages of the system message:

    <passages>
    <passage n="1" title="…" source="https://…" checked="2026-04-01">
    text in Markdown
    </passage>
    </passages>

A user message with `<document type="…">…</document>` requests an explanation of that document.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass
from html import unescape
from typing import Any

import orjson

from ai_service import documents, quoting
from ai_service.ledger import Operation
from ai_service.quoting import Passage
from ai_service.replies import BadRequest, CompleteReply, StreamReply, json_object, tokens_of

MODEL = "stand-in"
PASSAGE = re.compile(
    r'<passage n="\d+" title="(?P<title>[^"]*)" source="(?P<source>[^"]*)"[^>]*>\n(?P<text>.*?)\n?</passage>', re.DOTALL
)
DOCUMENT = re.compile(r"<document\b[^>]*>(?P<text>.*)</document\b[^>]*>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    text: str


def models() -> bytes:
    model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "chat-bff"}
    return orjson.dumps({"object": "list", "data": [model]})


def complete(body: bytes) -> CompleteReply | StreamReply:
    """Answer the last user message. Raises BadRequest if there is none."""
    data = json_object(body)
    messages = _messages(data)
    questions = [message.text for message in messages if message.role == "user"]
    if not questions:
        raise BadRequest("'messages' has no user message.", "messages")
    document = DOCUMENT.search(questions[-1])
    text = _explain(document, messages) if document else _answer(questions[-1], messages)
    completion = Completion(data, messages, text, "analyze" if document else "chat")
    return completion.as_stream() if data.get("stream") is True else completion.as_object()


class Completion:
    """A text as a `chat.completion` object or as a stream of chunks."""

    def __init__(self, data: dict[str, Any], messages: list[Message], text: str, operation: Operation) -> None:
        limit = _positive_integer(data, "max_completion_tokens") or _positive_integer(data, "max_tokens")
        tokens = tokens_of(text)
        self._finish_reason = "length" if limit and limit < len(tokens) else "stop"
        self._tokens = tokens[:limit] if limit else tokens
        self._operation = operation
        options = data.get("stream_options")
        self._include_usage = isinstance(options, dict) and options.get("include_usage") is True
        self._prompt_tokens = sum(len(tokens_of(message.text)) for message in messages)
        self._envelope = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": str(data.get("model") or MODEL),
        }

    def as_object(self) -> CompleteReply:
        message = {"role": "assistant", "content": "".join(self._tokens).rstrip()}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish_reason}
        body = self._envelope | {"object": "chat.completion", "choices": [choice], "usage": self._usage}
        return CompleteReply(self._operation, orjson.dumps(body), len(self._tokens))

    def as_stream(self) -> StreamReply:
        opening = self._chunk({"role": "assistant", "content": ""})
        closing = self._chunk({}, self._finish_reason)
        if self._include_usage:
            closing += self._event(choices=[], usage=self._usage)
        frames = (self._chunk({"content": token}) for token in self._tokens)
        return StreamReply(self._operation, opening, frames, closing + b"data: [DONE]\n\n")

    @property
    def _usage(self) -> dict[str, int]:
        completion_tokens = len(self._tokens)
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": self._prompt_tokens + completion_tokens,
        }

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        return self._event(choices=[{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}])

    def _event(self, **fields: Any) -> bytes:
        return b"data: " + orjson.dumps(self._envelope | {"object": "chat.completion.chunk"} | fields) + b"\n\n"


def _messages(data: dict[str, Any]) -> list[Message]:
    messages = data.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("'messages' must be a list with at least one message.", "messages")
    return [_message(message) for message in messages]


def _message(message: Any) -> Message:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise BadRequest("Each message must be an object with a role.", "messages")
    content = message.get("content") or ""
    if isinstance(content, list):  # parts without text, such as images, are ignored
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise BadRequest("A message's content must be a text or a list of parts.", "messages")
    return Message(message["role"], content)


def _positive_integer(data: dict[str, Any], name: str) -> int | None:
    value = data.get(name)
    if value is not None and (type(value) is not int or value < 1):
        raise BadRequest(f"'{name}' must be an integer of at least 1.", name)
    return value


def _answer(question: str, messages: list[Message]) -> str:
    system = _system(messages)
    passages = [
        Passage(unescape(match["title"]), unescape(match["source"]), match["text"])
        for match in PASSAGE.finditer(system)
    ]
    return quoting.answer(question, passages, instructions=system.partition("<passages>")[0])


def _explain(document: re.Match[str], messages: list[Message]) -> str:
    request = document.string[: document.start()] + document.string[document.end() :]
    return documents.explain(document["text"], f"{request} {_system(messages)}").text


def _system(messages: list[Message]) -> str:
    return "\n".join(message.text for message in messages if message.role == "system")
