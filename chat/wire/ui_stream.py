"""The Vercel AI SDK's UI message stream, version 1: `useChat` reads it as it is.

Older clients check each part strictly: no key beyond the protocol's own. What is ours travels as `data-*` parts and in
`messageMetadata`. A degraded answer is normal text with a `data-notice` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from chat.events import Delta, Event, Finish, Notice, Source, Start, text_of, words_of
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
    repeated. Where an event is complete, its frame's SSE id is how many the client has now, for `Last-Event-ID`.
    """
    writer = _Writer(message_id, metadata, last_metadata)
    for event in after:
        writer.parts(event)
    count = len(after)
    for batch in batches:
        if not batch:
            yield sse.PING
            continue
        frames: list[bytes] = []
        for event, how_many in joined(batch):
            count += how_many
            parts = list(writer.parts(event))
            frames += [sse.frame(part, count if part is parts[-1] else None) for part in parts]
        yield b"".join(frames) or sse.PING
    yield sse.DONE


def joined(batch: Sequence[Event]) -> Iterator[tuple[Event, int]]:
    """The same events, and how many each stands for: neighbouring pieces of text become one."""
    for is_text, group in groupby(batch, lambda event: isinstance(event, Delta)):
        events = list(group)
        if is_text:
            yield Delta(text_of(events)), len(events)
        else:
            yield from ((event, 1) for event in events)


class _Writer:
    """Knows what has been opened and must be closed."""

    def __init__(self, message_id: str, metadata: dict[str, Any], last_metadata: Callable[[], dict[str, Any]]) -> None:
        self.message_id, self.metadata, self.last_metadata = message_id, metadata, last_metadata
        self.text_is_open = False

    def parts(self, event: Event) -> Iterator[dict[str, Any]]:
        if words := words_of(event):
            yield from self._words(words)
        match event:
            case Start():
                yield {"type": "start", "messageId": self.message_id, "messageMetadata": self.metadata}
                yield {"type": "start-step"}
            case Source():
                yield {"type": "source-url", "sourceId": event.id, "url": event.url, "title": event.title}
            case Notice():
                yield from self._notice(event)
            case Finish():
                yield from self._finish(event)

    def _words(self, words: str) -> Iterator[dict[str, Any]]:
        if not self.text_is_open:
            self.text_is_open = True
            yield {"type": "text-start", "id": TEXT_ID}
        yield {"type": "text-delta", "id": TEXT_ID, "delta": words}

    def _notice(self, notice: Notice) -> Iterator[dict[str, Any]]:
        if notice.kind == "status":
            yield {"type": "data-status", "data": {"text": notice.text, **notice.data}, "transient": True}
        elif notice.kind == "facts":
            yield {"type": "data-facts", "data": notice.data}
        elif notice.kind != "help":  # its words are in the text
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
