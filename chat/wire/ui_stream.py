"""The Vercel AI SDK's UI message stream, version 1: `useChat` reads it as it is.

Older clients check each part strictly: no key beyond the protocol's own. What is ours travels as `data-*` parts and in
`messageMetadata`. A degraded answer is normal text with a `data-notice` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from chat.bookmark import Bookmark
from chat.events import Delta, Event, Finish, Notice, Source, Start, text_of, words_of
from chat.wire import sse

HEADERS = {**sse.HEADERS, "x-vercel-ai-ui-message-stream": "v1"}
TEXT_ID = "text"


@dataclass(frozen=True, slots=True)
class Reply:
    """What all parts of one message share; `last_metadata` is asked when its end is known."""

    message_id: str
    metadata: dict[str, Any]
    last_metadata: Callable[[], dict[str, Any]] = dict

    def stream(
        self,
        batches: Iterable[Sequence[Event]],
        *,
        after: int = 0,
        said: Callable[[int], Sequence[Event]] = lambda until: (),
    ) -> Iterator[bytes]:
        """The answer as server-sent events, one piece of bytes for each batch.

        `after` is how many events this client has already, which `said` tells by then: nothing of them is repeated.
        Where an event is complete, its frame has a bookmark as its SSE id, which `Last-Event-ID` brings back.
        """
        writer = _Writer(self, after)
        for batch in batches:
            if batch and writer.count == after:
                writer.take_as_written(said(after))
            yield writer.frames(batch) or sse.PING
        yield sse.DONE


def joined(batch: Sequence[Event]) -> Iterator[tuple[Event, int]]:
    """The same events, and how many each stands for: neighbouring pieces of text become one."""
    for kind, group in groupby(batch, type):
        events = list(group)
        if kind is Delta and len(events) > 1:
            yield Delta(text_of(events)), len(events)
        else:
            yield from ((event, 1) for event in events)


class _Writer:
    """Knows what has been opened and must be closed, and how many events have been told."""

    def __init__(self, reply: Reply, count: int) -> None:
        self.reply = reply
        self.count = count
        self.text_is_open = False

    def take_as_written(self, events: Sequence[Event]) -> None:
        for event in events:
            list(self.parts(event))

    def frames(self, batch: Sequence[Event]) -> bytes:
        frames: list[bytes] = []
        for event, how_many in joined(batch):
            self.count += how_many
            if parts := list(self.parts(event)):
                frames += map(sse.frame, parts[:-1])
                frames.append(sse.frame(parts[-1], Bookmark.at(self.reply.message_id, self.count)))
        return b"".join(frames)

    def parts(self, event: Event) -> Iterator[dict[str, Any]]:
        if words := words_of(event):
            yield from self._words(words)
        match event:
            case Start():
                yield {"type": "start", "messageId": self.reply.message_id, "messageMetadata": self.reply.metadata}
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
                **self.reply.metadata,
                "origin": finish.origin,
                "ending": finish.ending,
                **self.reply.last_metadata(),
            },
        }
