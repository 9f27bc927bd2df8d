"""Server-sent events, the frame that both streaming protocols travel in."""

from __future__ import annotations

from typing import Any

import orjson

from chat.bookmark import Bookmark

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


def frame(body: dict[str, Any], bookmark: Bookmark | None = None) -> bytes:
    """One event; the bookmark is what a client that lost the connection sends back as `Last-Event-ID`."""
    head = b"" if bookmark is None else b"id: %b\n" % str(bookmark).encode()
    return head + b"data: " + orjson.dumps(body) + b"\n\n"
