"""Server-sent events, the framing of both streaming protocols."""

from __future__ import annotations

from typing import Any

import orjson

from chat.core.event_position import EventPosition

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "private, no-store",
    "X-Accel-Buffering": "no",  # nginx would delay the text until its buffer is full
}
# The schema of one event in the OpenAPI document.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["data"],
    "properties": {"id": {"type": "string"}, "data": {"type": "string"}},
}
PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"


def frame(body: dict[str, Any], position: EventPosition | None = None) -> bytes:
    """One event. Its position is the SSE id, which a client that reconnects sends back in `Last-Event-ID`."""
    head = b"" if position is None else b"id: %b\n" % str(position).encode()
    return head + b"data: " + orjson.dumps(body) + b"\n\n"
