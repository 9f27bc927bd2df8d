"""OpenAI's chat completions, streamed and whole, so that existing clients and tools work against us."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from chat.events import Event, Finish, Usage, text_of
from chat.transcripts import Transcript
from chat.wire import sse

# A cut or stopped answer has no finish reason of its own in this protocol; "stop" would claim that it is whole.
_FINISH_REASONS = {"stop": "stop", "length": "length", "interrupted": "length", "stopped": "length"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What all pieces of one completion share."""

    id: str
    model: str
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, transcript: Transcript) -> dict[str, Any]:
        """The body of a completion that is not streamed."""
        finish = transcript.finish
        assert finish is not None
        message = {"role": "assistant", "content": transcript.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH_REASONS[finish.ending]}
        return self._body("chat.completion", [choice]) | {"usage": _usage(finish.usage)}

    def stream(self, batches: Iterable[Sequence[Event]], *, include_usage: bool) -> Iterator[bytes]:
        """The completion as server-sent events. With `include_usage` it comes last, and is null until then."""
        so_far: dict[str, Any] = {"usage": None} if include_usage else {}
        yield sse.frame(self._chunk({"role": "assistant", "content": ""}) | so_far)
        usage: Usage | None = None
        for batch in batches:
            if not batch:
                yield sse.PING
            if text := text_of(batch):
                yield sse.frame(self._chunk({"content": text}) | so_far)
            for event in batch:
                if isinstance(event, Finish):
                    usage = event.usage
                    yield sse.frame(self._chunk({}, _FINISH_REASONS[event.ending]) | so_far)
        if include_usage:
            yield sse.frame(self._body("chat.completion.chunk", []) | {"usage": _usage(usage)})
        yield sse.DONE

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._body("chat.completion.chunk", [choice])

    def _body(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}


def models(*names: str) -> dict[str, Any]:
    """The body of `GET /v1/models`."""
    rows = [{"id": name, "object": "model", "created": 0, "owned_by": "chat-bff"} for name in names]
    return {"object": "list", "data": rows}


def _usage(usage: Usage | None) -> dict[str, int]:
    prompt, completion = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
