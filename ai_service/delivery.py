"""Sends a reply at the configured pace, or as a fault requires."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from wsgiref.types import StartResponse

from ai_service.connection import Connection
from ai_service.faults import Fault
from ai_service.replies import CompleteReply, ImmediateReply, Reply, StreamReply, error_body

GARBAGE = b"<<< this is no answer }{ \x00\xff\xfe\xc3\x28 \x1b[0m >>>\n" * 20


class Delivery:
    """The delivery of one reply. `pace` is in tokens per second, 0 for no pace."""

    def __init__(self, connection: Connection, start: StartResponse, pace: float) -> None:
        self._connection = connection
        self._start = start
        self._seconds_per_token = 1 / pace if pace else 0.0

    def send(self, reply: Reply, fault: Fault | None = None) -> Iterator[bytes]:
        """The body's chunks. Raises ConnectionAborted or ClientDisconnected if the connection ends before the reply."""
        kind, options = (fault.kind, fault.options) if fault else ("", {})
        match kind:
            case "down":
                self._connection.reset()
            case "hang":
                self._connection.wait()
            case "error":
                reply = ImmediateReply(int(options["status"]), error_body("Injected fault.", "server_error"))
            case "rate_limited":
                body = error_body("Injected rate limit.", "rate_limit_error", code="rate_limit_exceeded")
                reply = ImmediateReply(429, body, (("Retry-After", str(math.ceil(options["retry_after"]))),))
            case "garbage":
                yield from self._garbage(reply)
                return
            case "slow":
                self._connection.wait(options["seconds"])
            case "filtered":
                reply = _filtered(reply)
            case "drip":
                self._connection.seconds_per_byte = options["seconds"]
        yield from self._send(reply, cut_after=int(options["after_tokens"]) if kind == "cut" else None)

    def _send(self, reply: Reply, cut_after: int | None) -> Iterator[bytes]:
        if isinstance(reply, ImmediateReply):
            yield self._complete(reply.status, reply.body, *reply.headers)
        elif isinstance(reply, CompleteReply):
            yield from self._send_complete(reply, cut_after)
        else:
            self._start_response(200, ("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache"))
            yield reply.opening
            yield from self._send_frames(reply.frames, cut_after)
            yield reply.closing

    def _send_complete(self, reply: CompleteReply, cut_after: int | None) -> Iterator[bytes]:
        self._connection.wait(reply.tokens * self._seconds_per_token)
        body = self._complete(200, reply.body)
        if cut_after is not None:
            yield body[: len(body) // 2]
            self._connection.cut()
        yield body

    def _send_frames(self, frames: Iterator[bytes], cut_after: int | None) -> Iterator[bytes]:
        due = time.monotonic()
        for number, frame in enumerate(frames):
            if number == cut_after:
                self._connection.cut()
            if self._seconds_per_token:
                due += self._seconds_per_token  # relative to the start, so that small delays don't add up
                self._connection.wait(due - time.monotonic())
            yield frame
        if cut_after is not None:  # the answer has fewer tokens
            self._connection.cut()

    def _garbage(self, reply: Reply) -> Iterator[bytes]:
        """Bytes that are no answer, with the content type that the client expects."""
        content_type = "application/json" if isinstance(reply, CompleteReply) else "text/event-stream"
        self._start_response(200, ("Content-Type", content_type), ("Content-Length", str(len(GARBAGE))))
        yield GARBAGE

    def _complete(self, status: int, body: bytes, *headers: tuple[str, str]) -> bytes:
        self._start_response(status, ("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers)
        return body

    def _start_response(self, status: int, *headers: tuple[str, str]) -> None:
        self._start(f"{status} {HTTPStatus(status).phrase}", list(headers))


def _filtered(reply: Reply) -> Reply:
    """The reply as a content filter ends it; a reply of the RAG protocol, which has no such end, unchanged."""
    stop, filtered = b'"finish_reason":"stop"', b'"finish_reason":"content_filter"'
    if isinstance(reply, CompleteReply):
        return replace(reply, body=reply.body.replace(stop, filtered))
    if isinstance(reply, StreamReply):
        return replace(reply, closing=reply.closing.replace(stop, filtered))
    return reply
