"""Server-sent events, the frame that both streaming protocols travel in."""

from __future__ import annotations

from typing import Any

import orjson

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",  # nginx would hold the words back until it has a bufferful
}
# One event, as the API's description puts it.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["data"],
    "properties": {"id": {"type": "string"}, "data": {"type": "string"}},
}
PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"


def frame(body: dict[str, Any], event_id: int | None = None) -> bytes:
    """One event; `event_id` is what a client that lost the connection sends back as `Last-Event-ID`."""
    head = b"" if event_id is None else b"id: %d\n" % event_id
    return head + b"data: " + orjson.dumps(body) + b"\n\n"
