"""The Vercel AI SDK's UI message stream, version 1, as `useChat` reads it.

Older clients reject parts with unknown keys, so our own fields are sent as `data-*` parts and in `messageMetadata`. A
degraded answer is normal text with an additional `data-notice`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import orjson

from chat.core.event_position import EventPosition
from chat.core.events import Delta, Event, Finish, Notice, Source, Start, text_of, text_of_event
from chat.encoders import sse
from chat.encoders.outlet import ClientOutlet

HEADERS = {**sse.HEADERS, "x-vercel-ai-ui-message-stream": "v1"}
TEXT_ID = "text"


def merge_text(batch: Sequence[Event]) -> Iterator[tuple[Event, int]]:
    """The same events with adjacent text merged, each with the number of events that it replaces."""
    for kind, group in groupby(batch, type):
        events = list(group)
        if kind is Delta and len(events) > 1:
            yield Delta(text_of(events)), len(events)
        else:
            yield from ((event, 1) for event in events)


def source_part(source: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a source that is given in its JSON form (`Source.as_json`)."""
    part: dict[str, Any]
    if source["url"]:
        part = {"type": "source-url", "sourceId": source["id"], "url": source["url"]}
    else:
        part = {"type": "source-document", "sourceId": source["id"], "mediaType": "text/plain"}
    part["title"] = source["title"]
    if source.get("asOf"):  # the protocol has no other field for a date
        part["providerMetadata"] = {"bff": {"asOf": source["asOf"], "outdated": source["outdated"]}}
    return part


class MessageWriter:
    """Writes one stream of a message, whose client has received the first `after` events.

    `last_metadata` is called when the end is known, for fields that are not known before. `count` events have been
    sent; the client `has_text` once the text part is open.
    """

    def __init__(
        self,
        message_id: str,
        metadata: dict[str, Any],
        last_metadata: Callable[[], dict[str, Any]] = dict,
        *,
        after: int = 0,
    ) -> None:
        self.count = after
        self.has_text = False
        self._message_id = message_id
        self._metadata = metadata
        self._last_metadata = last_metadata
        self._answer = EventPosition.at(message_id, 0).answer.encode()
        self._has_sent_text = False

    @property
    def has_begun(self) -> bool:
        return self.count > 0

    def stream(
        self,
        batches: Iterable[Sequence[Event]],
        *,
        first_events: Callable[[int], Sequence[Event]] = lambda count: (),
        outlet: ClientOutlet | None = None,
    ) -> Iterator[bytes]:
        """The answer as server-sent events, one bytes object for each batch.

        The events that the client has received already, which `first_events(count)` returns, are not sent again. The
        last frame of each event has the event's position as its SSE id. Words that are pushed to the `outlet` continue
        this stream; they are in none of the batches.
        """
        after = self.count
        for batch in batches:
            if batch and self.count == after:
                self.skip(first_events(after))
            yield self.frames(batch) or sse.PING
            if outlet is not None and self._has_sent_text:
                outlet.open(self)  # this text has been sent: the server has come for what follows
        yield sse.DONE

    def words(self, text: str) -> bytes:
        """The frame of the next `Delta`, once others have been sent; `pushed` tells that it was sent."""
        return b'id: %b-%d\ndata: {"type":"text-delta","id":"text","delta":%b}\n\n' % (
            self._answer,
            self.count + 1,
            orjson.dumps(text),
        )

    def pushed(self) -> None:
        self.count += 1

    def skip(self, events: Sequence[Event]) -> None:
        """Apply events that the client has received, without sending them."""
        for event in events:
            list(self.parts(event))
        self._has_sent_text = False

    def frames(self, batch: Sequence[Event]) -> bytes:
        sent = self.count, self.has_text, self._has_sent_text
        frames: list[bytes] = []
        try:
            for event, event_count in merge_text(batch):
                self.count += event_count
                if parts := list(self.parts(event)):
                    frames += map(sse.frame, parts[:-1])
                    frames.append(sse.frame(parts[-1], EventPosition.at(self._message_id, self.count)))
        except Exception:
            self.count, self.has_text, self._has_sent_text = sent  # nothing of this batch is sent
            raise
        return b"".join(frames)

    def parts(self, event: Event) -> Iterator[dict[str, Any]]:
        if text := text_of_event(event):
            yield from self._text(text)
        match event:
            case Start():
                yield {"type": "start", "messageId": self._message_id, "messageMetadata": self._metadata}
                yield {"type": "start-step"}
            case Source():
                yield source_part(event.as_json())
            case Notice():
                yield from self._notice(event)
            case Finish():
                yield from self._finish(event)

    def _text(self, text: str) -> Iterator[dict[str, Any]]:
        if not self.has_text:
            self.has_text = True
            yield {"type": "text-start", "id": TEXT_ID}
        self._has_sent_text = True
        yield {"type": "text-delta", "id": TEXT_ID, "delta": text}

    def _notice(self, notice: Notice) -> Iterator[dict[str, Any]]:
        if notice.kind in {"status", "interim"}:
            yield {"type": f"data-{notice.kind}", "data": {"text": notice.text, **notice.data}, "transient": True}
        elif notice.kind == "facts":
            yield {"type": "data-facts", "data": notice.data}
        elif notice.kind != "help":  # a help notice is part of the text
            yield {"type": "data-notice", "data": {"kind": notice.kind, "text": notice.text, **notice.data}}

    def _finish(self, finish: Finish) -> Iterator[dict[str, Any]]:
        if self.has_text:
            yield {"type": "text-end", "id": TEXT_ID}
        if finish.suggestions:
            yield {"type": "data-suggestions", "data": list(finish.suggestions)}
        yield {"type": "finish-step"}
        yield {
            "type": "finish",
            "messageMetadata": {
                **self._metadata,
                "origin": finish.origin,
                "ending": finish.ending,
                **self._last_metadata(),
            },
        }
