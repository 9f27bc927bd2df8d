"""OpenAI's chat completions, streamed or complete, for existing clients and tools."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from chat.core.events import Ending, Event, Finish, Source, Usage, text_of
from chat.core.transcript import Transcript
from chat.encoders import sse
from chat.encoders.outlet import ClientOutlet

# This protocol has no finish reason for an interrupted or stopped answer; "stop" would mean that it is complete.
_FINISH_REASONS: dict[Ending, str] = {
    "stop": "stop",
    "length": "length",
    "filtered": "content_filter",
    "refused": "content_filter",
    "interrupted": "length",
    "stopped": "length",
}
_NOTHING: Mapping[str, Any] = {}
_NO_USAGE: Mapping[str, Any] = {"usage": None}


@dataclass(frozen=True, slots=True)
class CompletionEncoder:
    """Encodes one completion."""

    id: str
    model: str
    created: int = field(default_factory=lambda: int(time.time()))

    def complete(self, transcript: Transcript) -> dict[str, Any]:
        """The body of a completion that is not streamed."""
        finish = transcript.finish
        assert finish is not None
        message = {"role": "assistant", "content": transcript.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH_REASONS[finish.ending]}
        body = self._body("chat.completion", [choice]) | {"usage": _usage(finish.usage)}
        return body | _citations(transcript.sources)

    def writer(self, *, include_usage: bool) -> CompletionWriter:
        """`include_usage` adds a null usage to each chunk, and a last chunk with the usage."""
        return CompletionWriter(self, include_usage=include_usage)

    def usage_chunk(self, usage: Usage | None) -> dict[str, Any]:
        return self._body("chat.completion.chunk", []) | {"usage": _usage(usage)}

    def chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._body("chat.completion.chunk", [choice])

    def _body(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}


class CompletionWriter:
    """Writes one completion as server-sent events. The client `has_text` once words have been sent."""

    def __init__(self, completion: CompletionEncoder, *, include_usage: bool) -> None:
        self.has_begun = self.has_text = False
        self._completion = completion
        self._include_usage = include_usage
        self._usage: Usage | None = None
        self._sources: list[Source] = []

    def stream(self, batches: Iterable[Sequence[Event]], *, outlet: ClientOutlet | None = None) -> Iterator[bytes]:
        """One frame for each batch with words. Those that are pushed to the `outlet` are in none of the batches."""
        if not self.has_begun:
            first = self._frame({"role": "assistant", "content": ""})
            self.has_begun = True
            yield first
        for batch in batches:
            if not batch:
                yield sse.PING
            if text := text_of(batch):
                words = self._frame({"content": text})
                self.has_text = True
                yield words
                if outlet is not None:
                    outlet.open(_WordWriter(self._frame({"content": "\0"})))
            for event in batch:
                if isinstance(event, Source):
                    self._sources.append(event)
                if isinstance(event, Finish):
                    self._usage = event.usage
                    yield self._frame({}, _FINISH_REASONS[event.ending], _citations(self._sources))
        if self._include_usage:
            yield sse.frame(self._completion.usage_chunk(self._usage))
        yield sse.DONE

    def _frame(
        self, delta: dict[str, str], finish_reason: str | None = None, citations: Mapping[str, Any] = _NOTHING
    ) -> bytes:
        no_usage = _NO_USAGE if self._include_usage else _NOTHING
        return sse.frame({**self._completion.chunk(delta, finish_reason), **no_usage, **citations})


class _WordWriter:
    """Puts words in the place of the NUL in a frame that holds nothing else that changes."""

    def __init__(self, frame: bytes) -> None:
        self._before, self._after = frame.split(orjson.dumps("\0"))

    def words(self, text: str) -> bytes:
        return self._before + orjson.dumps(text) + self._after

    def pushed(self) -> None:
        """Do nothing: these frames have no numbers."""


def models(name: str) -> dict[str, Any]:
    """The body of `GET /v1/models`: the only model."""
    row = {"id": name, "object": "model", "created": 0, "owned_by": "chat-bff"}
    return {"object": "list", "data": [row]}


def _citations(sources: Sequence[Source]) -> dict[str, Any]:
    """The sources of the answer, which its text cites as `[id]`; the protocol has no field for them."""
    if not sources:
        return {}
    return {"citations": [source.as_json() for source in sources]}


def _usage(usage: Usage | None) -> dict[str, int]:
    prompt, completion = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
