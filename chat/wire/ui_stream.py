"""The Vercel AI SDK's UI message stream, version 1: `useChat` reads it as it is.

Older clients check each part strictly: no key beyond the protocol's own. What is ours travels as `data-*` parts and in
`messageMetadata`. A degraded answer is normal text with a `data-notice` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from chat.events import Delta, Event, Finish, Notice, Source, Start
from chat.wire import sse

HEADERS = {**sse.HEADERS, "x-vercel-ai-ui-message-stream": "v1"}
TEXT_ID = "text"


def stream(
    batches: Iterable[Sequence[Event]],
    *,
    message_id: str,
    metadata: dict[str, Any],
    last_metadata: Callable[[], dict[str, Any]] = dict,
    after: Sequence[Event] = (),
) -> Iterator[bytes]:
    """The answer as server-sent events, one piece of bytes for each batch.

    `last_metadata` is asked when the end is known. `after` are events that this client has already: nothing of them is
    repeated. Each frame's SSE id is the number of events that the client has with it, for `Last-Event-ID`.
    """
    writer = _Writer(message_id, metadata, last_metadata)
    for event in after:
        writer.parts(event)
    count = len(after)
    for batch in batches:
        if not batch:
            yield sse.PING
            continue
        count += len(batch)
        parts = [part for event in joined(batch) for part in writer.parts(event)]
        yield b"".join(sse.frame(part) for part in parts[:-1]) + sse.frame(parts[-1], count) if parts else sse.PING
    yield sse.DONE


def joined(batch: Sequence[Event]) -> Iterator[Event]:
    """The same events with neighbouring pieces of text made one: what arrived together is sent together."""
    text: list[str] = []
    for event in batch:
        if isinstance(event, Delta):
            text.append(event.text)
            continue
        if text:
            yield Delta("".join(text))
            text.clear()
        yield event
    if text:
        yield Delta("".join(text))


class _Writer:
    """Knows what has been opened and must be closed."""

    def __init__(self, message_id: str, metadata: dict[str, Any], last_metadata: Callable[[], dict[str, Any]]) -> None:
        self.message_id, self.metadata, self.last_metadata = message_id, metadata, last_metadata
        self.text_is_open = False

    def parts(self, event: Event) -> Iterator[dict[str, Any]]:
        match event:
            case Start():
                yield {"type": "start", "messageId": self.message_id, "messageMetadata": self.metadata}
                yield {"type": "start-step"}
            case Delta():
                if not self.text_is_open:
                    self.text_is_open = True
                    yield {"type": "text-start", "id": TEXT_ID}
                yield {"type": "text-delta", "id": TEXT_ID, "delta": event.text}
            case Source():
                yield {"type": "source-url", "sourceId": event.id, "url": event.url, "title": event.title}
            case Notice():
                yield from self._notice(event)
            case Finish():
                yield from self._finish(event)

    def _notice(self, notice: Notice) -> Iterator[dict[str, Any]]:
        if notice.kind == "status":
            yield {"type": "data-status", "data": {"text": notice.text, **notice.data}, "transient": True}
        else:
            yield {"type": "data-notice", "data": {"kind": notice.kind, "text": notice.text, **notice.data}}

    def _finish(self, finish: Finish) -> Iterator[dict[str, Any]]:
        if self.text_is_open:
            yield {"type": "text-end", "id": TEXT_ID}
        if finish.suggestions:
            yield {"type": "data-suggestions", "data": list(finish.suggestions)}
        yield {"type": "finish-step"}
        yield {
            "type": "finish",
            "messageMetadata": {
                **self.metadata,
                "origin": finish.origin,
                "ending": finish.ending,
                **self.last_metadata(),
            },
        }
