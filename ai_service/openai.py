"""The OpenAI contract: `POST /v1/chat/completions`, streamed or not, and `GET /v1/models`.

Answers rest on the passages that a system message brings:

    <passages>
    <passage n="1" title="…" source="https://…">
    text in Markdown
    </passage>
    </passages>

A user message with `<document type="…">…</document>` asks for that document to be explained.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass
from html import unescape
from typing import Any

import orjson

from ai_service import documents, writing
from ai_service.ledger import Operation
from ai_service.passages import Passage
from ai_service.replies import BadRequest, Plain, Stream, json_object, tokens_of

MODEL = "stand-in"
PASSAGE = re.compile(
    r'<passage n="\d+" title="(?P<title>[^"]*)" source="(?P<source>[^"]*)">\n(?P<text>.*?)\n?</passage>', re.DOTALL
)
DOCUMENT = re.compile(r"<document\b(?P<attributes>[^>]*)>(?P<text>.*)</document>", re.DOTALL)
TYPE = re.compile(r'\btype="(\w+)"')


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    text: str


def models() -> bytes:
    model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "chat-bff"}
    return orjson.dumps({"object": "list", "data": [model]})


def complete(body: bytes) -> Plain | Stream:
    """Answer the last user message. Raises BadRequest when there is none."""
    data = json_object(body)
    messages = _messages(data)
    asked = [message.text for message in messages if message.role == "user"]
    if not asked:
        raise BadRequest("'messages' holds no message of a user.", "messages")
    document = DOCUMENT.search(asked[-1])
    text = _explain(document, messages) if document else _answer(asked, messages)
    completion = Completion(data, messages, text, "analyze" if document else "chat")
    return completion.streamed() if data.get("stream") is True else completion.whole()


class Completion:
    """A text in the two shapes that a client may ask for."""

    def __init__(self, data: dict[str, Any], messages: list[Message], text: str, operation: Operation) -> None:
        limit = _whole_number(data, "max_completion_tokens") or _whole_number(data, "max_tokens")
        tokens = tokens_of(text)
        self._ending = "length" if limit and limit < len(tokens) else "stop"
        self._tokens = tokens[:limit] if limit else tokens
        self._operation = operation
        options = data.get("stream_options")
        self._wants_usage = isinstance(options, dict) and options.get("include_usage") is True
        self._prompt_tokens = sum(len(tokens_of(message.text)) for message in messages)
        self._envelope = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": str(data.get("model") or MODEL),
        }

    def whole(self) -> Plain:
        message = {"role": "assistant", "content": "".join(self._tokens).rstrip()}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._ending}
        body = self._envelope | {"object": "chat.completion", "choices": [choice], "usage": self._usage}
        return Plain(self._operation, orjson.dumps(body), len(self._tokens))

    def streamed(self) -> Stream:
        opening = self._chunk({"role": "assistant", "content": ""})
        closing = self._chunk({}, self._ending)
        if self._wants_usage:
            closing += self._event(choices=[], usage=self._usage)
        frames = (self._chunk({"content": token}) for token in self._tokens)
        return Stream(self._operation, opening, frames, closing + b"data: [DONE]\n\n")

    @property
    def _usage(self) -> dict[str, int]:
        written = len(self._tokens)
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": written,
            "total_tokens": self._prompt_tokens + written,
        }

    def _chunk(self, delta: dict[str, str], ending: str | None = None) -> bytes:
        return self._event(choices=[{"index": 0, "delta": delta, "logprobs": None, "finish_reason": ending}])

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
    if isinstance(content, list):  # text may come in parts; pictures and sounds are passed over
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise BadRequest("A message's content must be a text or a list of parts.", "messages")
    return Message(message["role"], content)


def _whole_number(data: dict[str, Any], name: str) -> int | None:
    value = data.get(name)
    if value is not None and (type(value) is not int or value < 1):
        raise BadRequest(f"'{name}' must be a whole number from 1.", name)
    return value


def _answer(asked: list[str], messages: list[Message]) -> str:
    system = _system(messages)
    passages = [
        Passage(unescape(found["title"]), unescape(found["source"]), found["text"])
        for found in PASSAGE.finditer(system)
    ]
    return writing.answer(asked[-1], passages, earlier=asked[:-1], instructions=system.partition("<passages>")[0])


def _explain(document: re.Match[str], messages: list[Message]) -> str:
    kind = TYPE.search(document["attributes"])
    asked = document.string[: document.start()] + document.string[document.end() :]
    return documents.explain(document["text"], kind[1] if kind else "", f"{asked} {_system(messages)}").text


def _system(messages: list[Message]) -> str:
    return "\n".join(message.text for message in messages if message.role == "system")
