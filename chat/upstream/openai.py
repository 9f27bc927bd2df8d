"""The OpenAI protocol: a chat completion, streamed as server-sent events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chat.events import Delta, Ending, Event, Finish, Usage
from chat.questions import Language
from chat.upstream.exchange import CallError, CutError, Exchange, Operation, ProtocolError, decode, encode, expect

PATH = "/v1/chat/completions"
CUT_SHORT = {"length", "content_filter"}  # reasons to end that leave an answer incomplete
MESSAGE_LIMIT = 1024 * 1024  # bytes of one server-sent event


def chat(messages: list[dict[str, Any]], model: str, language: Language) -> Exchange:
    """Ask for the next message of a conversation, given as OpenAI's `messages`."""
    return _completion("chat", messages, model, language)


def analysis(messages: list[dict[str, Any]], model: str, language: Language) -> Exchange:
    """Ask what a document says; the document is part of the messages."""
    return _completion("analyze", messages, model, language)


def _completion(operation: Operation, messages: list[dict[str, Any]], model: str, language: Language) -> Exchange:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    return Exchange(operation, PATH, encode({"model": model, "messages": messages, **options}), read, language)


def read(pieces: Iterator[bytes]) -> Iterator[Event]:
    """One `Delta` for all the words that arrived together, at last a `Finish`."""
    stream, completion = _EventStream(), _Completion()
    error: CallError | None = None
    try:
        for piece in pieces:
            for message in stream.messages(piece):
                completion.add(message)
            if words := completion.take_words():
                yield Delta(words)
            if completion.is_done:
                break
        else:
            stream.end()
    except CallError as caught:
        error = caught
    if words := completion.take_words():
        yield Delta(words)
    if not completion.is_done and completion.ending is None:
        raise error or CutError
    yield Finish("ai", completion.ending or "stop", usage=completion.usage)


class _Completion:
    """What the chunks of a completion add up to."""

    def __init__(self) -> None:
        self.is_done = False
        self.ending: Ending | None = None
        self.usage: Usage | None = None
        self._words: list[str] = []

    def add(self, message: bytes) -> None:
        self.is_done = self.is_done or message == b"[DONE]"
        if self.is_done:
            return
        chunk = decode(message)
        if chunk.get("error"):
            raise ProtocolError("error_object")
        if usage := chunk.get("usage"):
            self._add_usage(expect(dict, usage))
        if choices := expect(list, chunk.get("choices") or []):
            self._add_choice(expect(dict, choices[0]))

    def take_words(self) -> str:
        """The words that came since the last time."""
        words, self._words = "".join(self._words), []
        return words

    def _add_choice(self, choice: dict[str, Any]) -> None:
        delta = expect(dict, choice.get("delta") or {})
        # A model that declines says so in `refusal`; it is the person's answer all the same.
        self._words.append(expect(str, delta.get("content") or delta.get("refusal") or ""))
        if reason := choice.get("finish_reason"):
            self.ending = "length" if expect(str, reason) in CUT_SHORT else "stop"

    def _add_usage(self, usage: dict[str, Any]) -> None:
        prompt, completion = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
        self.usage = Usage(max(0, expect(int, prompt)), max(0, expect(int, completion)))


class _EventStream:
    """Server-sent events, of which bytes in pieces of any size are made.

    Bytes become lines before they become text: a piece may end within a character.
    """

    def __init__(self) -> None:
        self._begun = False
        self._rest = b""  # of the last line
        self._data: list[bytes] = []  # of the event that is not complete yet

    def messages(self, piece: bytes) -> Iterator[bytes]:
        """The data of each event that this piece completes. Raises ProtocolError for other bytes."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            field, colon, value = line.removesuffix(b"\r").partition(b":")
            if field == b"data":
                self._data.append(value.strip())
            elif not field and not colon and self._data:
                yield b"\n".join(self._data)
                self._data.clear()
            elif field not in {b"", b"event", b"id", b"retry"}:
                raise ProtocolError("not_a_stream")
        if len(self._rest) + sum(map(len, self._data)) > MESSAGE_LIMIT:
            raise ProtocolError("too_large")
        self._begun = self._begun or bool(lines)

    def end(self) -> None:
        """No more pieces. Raises ProtocolError if they were something else."""
        if self._rest and not self._begun:
            raise ProtocolError("not_a_stream")
