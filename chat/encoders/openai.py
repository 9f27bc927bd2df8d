"""OpenAI's chat completions, streamed or complete, for existing clients and tools."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from chat.core.events import Ending, Event, Finish, Source, Usage, text_of
from chat.core.transcript import Transcript
from chat.encoders import sse
from chat.encoders.outlet import Outlet

# This protocol has no finish reason for an interrupted or stopped answer; "stop" would mean that it is complete.
_FINISH_REASONS: dict[Ending, str] = {
    "stop": "stop",
    "length": "length",
    "filtered": "content_filter",
    "refused": "content_filter",
    "interrupted": "length",
    "stopped": "length",
}


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

    def stream(
        self, batches: Iterable[Sequence[Event]], *, include_usage: bool, outlet: Outlet | None = None
    ) -> Iterator[bytes]:
        """The completion as server-sent events. `include_usage` adds a null usage to each and a last event with it.

        Words that are pushed to the `outlet` continue this stream; they are in none of the batches.
        """
        no_usage: dict[str, Any] = {"usage": None} if include_usage else {}
        yield sse.frame(self._chunk({"role": "assistant", "content": ""}) | no_usage)
        usage: Usage | None = None
        sources: list[Source] = []
        for batch in batches:
            if not batch:
                yield sse.PING
            if text := text_of(batch):
                yield sse.frame(self._chunk({"content": text}) | no_usage)
                if outlet is not None:
                    outlet.open(_WordWriter(sse.frame(self._chunk({"content": "\0"}) | no_usage)))
            for event in batch:
                if isinstance(event, Source):
                    sources.append(event)
                if isinstance(event, Finish):
                    usage = event.usage
                    last = self._chunk({}, _FINISH_REASONS[event.ending]) | no_usage
                    yield sse.frame(last | _citations(sources))
        if include_usage:
            yield sse.frame(self._body("chat.completion.chunk", []) | {"usage": _usage(usage)})
        yield sse.DONE

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._body("chat.completion.chunk", [choice])

    def _body(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}


class _WordWriter:
    """Puts words in the place of the NUL in a frame that holds nothing else that changes."""

    def __init__(self, frame: bytes) -> None:
        self._before, self._after = frame.split(orjson.dumps("\0"))

    def words(self, text: str) -> bytes:
        return self._before + orjson.dumps(text) + self._after

    def pushed(self) -> None:
        """Do nothing: these frames have no numbers."""


def models(*names: str) -> dict[str, Any]:
    """The body of `GET /v1/models`."""
    rows = [{"id": name, "object": "model", "created": 0, "owned_by": "chat-bff"} for name in names]
    return {"object": "list", "data": rows}


def _citations(sources: Sequence[Source]) -> dict[str, Any]:
    """The sources of the answer, which its text cites as `[id]`; the protocol has no field for them."""
    if not sources:
        return {}
    return {"citations": [source.as_json() for source in sources]}


def _usage(usage: Usage | None) -> dict[str, int]:
    prompt, completion = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
