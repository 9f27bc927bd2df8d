"""The OpenAI protocol in the dialects of services and proxies: a chat completion, streamed or whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings

from chat.core.clean_text import from_first_visible, storable
from chat.core.events import Delta, Ending, Event, Finish, Usage
from chat.core.json_codec import encode
from chat.core.language import Language
from chat.upstream.protocols.endings import ending_of
from chat.upstream.protocols.plain_words import words_of
from chat.upstream.protocols.sse_parser import BOM, ServerSentEvent, SSEParser
from chat.upstream.protocols.thoughts import ThoughtFilter
from chat.upstream.request import (
    LENGTH_LIMITS,
    CallError,
    IncompleteResponse,
    Operation,
    ProtocolError,
    ResponseBody,
    UpstreamRequest,
    decode,
    expect,
)

PATH = "/v1/chat/completions"
WHOLE_LIMIT = 4 * 1024 * 1024  # bytes of a completion that is not streamed
TOKENS_LIMIT = 10**9  # no answer costs more
_MORE_THAN_ONE = re.compile(rb"[}\]]\s*\n\s*[{\[]")
_SURROGATE = re.compile("[\ud800-\udfff]")

# How many of a model's last answers, without any other between, began in a thought without an opening tag, in this
# process. From UNOPENED_THOUGHTS on, the next one is expected to: fewer may only have quoted a closing tag.
UNOPENED_THOUGHTS = 3
_unopened_thoughts: dict[str, int] = {}


def chat(messages: list[dict[str, Any]], model: str, language: Language) -> UpstreamRequest:
    """Ask for the next message of a conversation, given as OpenAI's `messages`."""
    return _completion("chat", messages, model, language)


def analysis(messages: list[dict[str, Any]], model: str, language: Language) -> UpstreamRequest:
    """Ask what a document says; the document is part of the messages."""
    return _completion("analyze", messages, model, language)


def _completion(
    operation: Operation, messages: list[dict[str, Any]], model: str, language: Language
) -> UpstreamRequest:
    def body_without(refused: frozenset[str]) -> bytes:
        body = {"model": model, "messages": messages, "stream": True}
        if "stream_options" not in refused:
            body["stream_options"] = {"include_usage": True}
        names = [name for name in LENGTH_LIMITS if name not in refused]
        if settings.AI_MAX_OUTPUT_TOKENS and names:
            body[names[0]] = settings.AI_MAX_OUTPUT_TOKENS
        return encode(body)

    every = body_without(frozenset())
    return UpstreamRequest(
        operation, PATH, every, lambda response: read(response, model), language, body_without=body_without
    )


def read(response: ResponseBody, model: str = "") -> Iterator[Event]:
    """Decode a response: one `Delta` for all text that arrived together, then one `Finish`.

    Raises the error that cut the response off, unless the text was complete by then.
    """
    completion, has_text, expects_end = _Completion(model), False, False
    error: CallError | None = None
    try:
        for text in _texts(response, completion):
            if text:
                has_text = True
                yield Delta(text)
            if completion.is_done:
                break
            if completion.is_at_end is not expects_end:
                expects_end = not expects_end
                response.expect_end() if expects_end else response.expect_more()
    except CallError as caught:
        error = caught
    if text := completion.take_text(is_last=True):
        yield Delta(text)
    if not completion.has_end or (completion.damage and not (has_text or text)):
        raise error or completion.damage or IncompleteResponse
    yield Finish("ai", completion.ending, usage=completion.usage)


def _texts(response: ResponseBody, completion: _Completion) -> Iterator[str]:
    """The text of each chunk of the response, which may be empty. A completion that was not streamed is one chunk.

    Raises CallError, also for a response that is no completion.
    """
    parser = SSEParser()
    begun: bytes | None = b""  # None once the kind of response is known
    for chunk in response:
        if begun is not None:
            begun += chunk
            start = begun.removeprefix(BOM).lstrip()
            if not start and len(begun) < WHOLE_LIMIT:
                continue
            if start.startswith(b"{"):
                whole = ServerSentEvent(b"", _whole(start, response))
                yield completion.text_of([whole, ServerSentEvent(b"", b"[DONE]")])
                return
            chunk, begun = begun, None  # noqa: PLW2901 all bytes so far are the first chunk
        text = completion.plain_text(chunk) if parser.is_between_events else None
        yield completion.text_of(parser.feed(chunk)) if text is None else text
    yield completion.text_of(parser.close())
    if begun is not None:  # llama-cpp-python answers so to a prompt that is longer than the model's context
        raise ProtocolError("empty")
    if not parser.has_data:
        raise ProtocolError("not_a_stream")


def _whole(start: bytes, response: ResponseBody) -> bytes:
    body = bytearray(start)
    for chunk in response:
        body += chunk
        if len(body) > WHOLE_LIMIT:
            raise ProtocolError("too_large")
    return bytes(body)


class _Completion:
    """The state of a completion after the chunks read so far."""

    def __init__(self, model: str) -> None:
        self.is_done = False  # [DONE] was read
        self.has_failed = False  # the service reported an error
        self.usage: Usage | None = None
        self._model = model
        self._reason = ""  # the finish reason on the last chunk that had text, or after it
        self._has_contradicted = False  # text came after a finish reason
        self._has_open_text = False  # text came without a finish reason
        self._has_closed = False  # a finish reason came without text, or after text that had none
        self._refuses = False
        self._calls_tool = False
        self._index: Any = None  # the choice that is read: the first one
        self.damage: ProtocolError | None = None  # a chunk that could not be decoded
        self._thoughts = ThoughtFilter(begins_in_thought=_unopened_thoughts.get(model, 0) >= UNOPENED_THOUGHTS)
        self._text: list[str] = []
        self._half = ""  # first surrogate of a character that is sent as two
        self._has_begun = False  # something that can be seen was returned

    @property
    def is_complete(self) -> bool:
        """Whether the service has reported how the text ends, and nothing since contradicts it."""
        return bool(self._reason) and not self._has_contradicted and self.damage is None

    @property
    def is_at_end(self) -> bool:
        """Whether it is complete, and the reason is not one that a service reports with every piece of text."""
        return self._has_closed and self.is_complete

    @property
    def has_end(self) -> bool:
        return self.is_done or (self.is_complete and not self.has_failed)

    @property
    def ending(self) -> Ending:
        if not self._reason or self._thoughts.has_leaked or self._calls_tool or self.damage:
            return "interrupted"
        ending = ending_of(self._reason)
        return "refused" if self._refuses and ending == "stop" else ending

    def text_of(self, events: Iterable[ServerSentEvent]) -> str:
        """Add these events and take the text."""
        for event in events:
            self.add(event)
        return self.take_text()

    def add(self, event: ServerSentEvent) -> None:
        """Raises ProtocolError for an error of the service, in any shape, and for what is not the protocol."""
        if event.name == b"error":
            self._fail()
        for data in _documents(event.data):
            self._add_data(data)

    def _add_data(self, data: bytes) -> None:
        self.is_done = self.is_done or data == b"[DONE]"
        if self.is_done or not data.startswith(b"{"):  # a heartbeat
            return
        try:
            chunk = decode(data)
        except ProtocolError as error:
            if not self._reason:
                self.damage = error
            return
        if _is_error(chunk):
            self._fail()
        if usage := chunk.get("usage"):
            self.usage = _usage(usage) or self.usage
        for choice in expect(list, chunk.get("choices") or []):
            index = expect(dict, choice).get("index") or 0  # some leave it out of later chunks
            self._index = index if self._index is None else self._index
            if index == self._index:  # the other choices are alternatives
                self._add_choice(choice)

    @property
    def _is_whole(self) -> bool | None:
        """Whether it ended by itself, not at a limit; None after a [DONE] without a reason."""
        if self.is_done and not (self._reason or self.damage or self._calls_tool):
            return None
        return self.has_end and self.ending in {"stop", "refused"}

    def plain_text(self, piece: bytes) -> str | None:
        """What `add` and `take_text` would return for a piece that is nothing but words; None for any other piece."""
        if not self._has_begun or self._reason or self._half or self.damage:
            return None
        text = words_of(piece, self._index)
        return None if text is None else self._thoughts.feed(text).replace("\0", "")

    def take_text(self, *, is_last: bool = False) -> str:
        """The text since the last call, without thoughts and without half characters."""
        text = self._thoughts.feed("".join(self._text)) if self._text else ""
        self._text.clear()
        if is_last:
            text += self._thoughts.close(is_whole=self._is_whole)
            _remember(self._model, self._thoughts.opening_is_missing)
        text = self._joined(text, is_last=is_last)
        if not self._has_begun:
            text = from_first_visible(text)
            self._has_begun = bool(text)
        return text

    def _add_choice(self, choice: dict[str, Any]) -> None:
        if choice.get("error"):
            self._fail()
        message = expect(dict, choice.get("delta") or choice.get("message") or {})
        content, refusal = message.get("content"), _text(message.get("refusal"))
        if isinstance(content, list):
            refusal = refusal or _refusal_in(content)
        elif "extra_content" in message and _is_thought(message):
            content = None
        self._refuses = self._refuses or bool(refusal)
        self._calls_tool = self._calls_tool or bool(message.get("tool_calls") or message.get("function_call"))
        text = _text(content) or refusal or _text(choice.get("text"))
        self._text.append(text)
        self._set_reason(expect(str, choice.get("finish_reason") or ""), has_text=bool(text.strip()))

    def _set_reason(self, reason: str, *, has_text: bool) -> None:
        """Keep the reason that counts: one that is no stop outweighs a later stop; text after a stop revokes it."""
        reason = "" if reason in {"null", "None"} else reason
        self._has_closed = self._has_closed or bool(reason and (self._has_open_text or not has_text))
        self._has_open_text = self._has_open_text or (has_text and not reason)
        if self._reason and ending_of(self._reason) != "stop":
            return
        if has_text:
            self._has_contradicted = self._has_contradicted or bool(self._reason)
            self._reason = reason
        elif reason:
            self._reason = reason

    def _fail(self) -> None:
        self.has_failed = True
        raise ProtocolError("error_object")

    def _joined(self, text: str, *, is_last: bool) -> str:
        if not self._half and not _SURROGATE.search(text):
            return text.replace("\0", "")
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff" and not is_last:
            text, self._half = text[:-1], text[-1]
        return storable(text)


def _remember(model: str, opening_is_missing: bool | None) -> None:
    if opening_is_missing:
        _unopened_thoughts[model] = _unopened_thoughts.get(model, 0) + 1
    elif opening_is_missing is False:
        _unopened_thoughts.pop(model, None)


def _documents(data: bytes) -> Iterator[bytes]:
    """The JSON documents in an event's data: one, unless the blank lines between events are missing."""
    data = data.strip()
    while data.startswith(b"data:"):  # framed twice, by a proxy
        data = data.removeprefix(b"data:").lstrip()
    if b"\n" in data and _MORE_THAN_ONE.search(data):
        yield from (line.strip() for line in data.split(b"\n"))
    else:
        yield data


def _text(content: Any) -> str:
    """The text of a message's content: a string, or parts of which only those of type text are the answer."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(_text_of_part(part) for part in expect(list, content))


def _text_of_part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if expect(dict, part).get("type", "text") not in {"text", "output_text"} or part.get("thought"):
        return ""  # thinking, references, images, or an unknown kind
    return expect(str, part.get("text") or "")


def _refusal_in(parts: list[Any]) -> str:
    return "".join(_text(part.get("refusal")) for part in parts if isinstance(part, dict))


def _is_thought(message: dict[str, Any]) -> bool:
    """Whether Gemini marks the whole content as a thought."""
    extra = message.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    return isinstance(google, dict) and bool(google.get("thought"))


def _is_error(chunk: dict[str, Any]) -> bool:
    """An error object, in one of the shapes in use."""
    if chunk.get("error") or chunk.get("object") == "error" or chunk.get("type") == "error":
        return True
    return "choices" not in chunk and bool(chunk.get("detail") or (chunk.get("code") and chunk.get("message")))


def _usage(usage: Any) -> Usage | None:
    """None for counts that can't be true, which are estimated in their place: no text costs nothing.

    mlx-vlm and others count `input_tokens` and `output_tokens`.
    """
    if not isinstance(usage, dict):
        return None
    prompt = _count(usage.get("prompt_tokens") or usage.get("input_tokens"))
    completion = _count(usage.get("completion_tokens") or usage.get("output_tokens"))
    return Usage(prompt, completion) if prompt and completion else None


def _count(value: Any) -> int:
    """The number; 0 if it is no number of tokens."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 < value <= TOKENS_LIMIT else 0
