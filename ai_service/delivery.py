"""How an answer goes out: at the pace of a model that writes, or as a fault will have it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from http import HTTPStatus
from wsgiref.types import StartResponse

from ai_service.connection import Connection
from ai_service.faults import Fault
from ai_service.replies import Instant, Plain, Reply, error_body

GARBAGE = b"<<< this is no answer }{ \x00\xff\xfe\xc3\x28 \x1b[0m >>>\n" * 20


class Delivery:
    """One answer on its way. `pace` is in tokens per second, 0 for as fast as it can."""

    def __init__(self, connection: Connection, start: StartResponse, pace: float) -> None:
        self._connection = connection
        self._start = start
        self._seconds_per_token = 1 / pace if pace else 0.0

    def send(self, reply: Reply, fault: Fault | None = None) -> Iterator[bytes]:
        """The body's chunks. Raises Broken or ClientLeft when the connection has ended before the answer."""
        kind, options = (fault.kind, fault.options) if fault else ("", {})
        match kind:
            case "down":
                self._connection.reset()
            case "hang":
                self._connection.rest()
            case "error":
                reply = Instant(int(options["status"]), error_body("Told to fail.", "server_error"))
            case "rate_limited":
                body = error_body("Told to slow down.", "rate_limit_error", code="rate_limit_exceeded")
                reply = Instant(429, body, (("Retry-After", str(math.ceil(options["retry_after"]))),))
            case "garbage":
                yield from self._garbage(reply)
                return
            case "slow":
                self._connection.rest(options["seconds"])
            case "drip":
                self._connection.seconds_per_byte = options["seconds"]
        yield from self._answer(reply, cut_after=int(options["after_tokens"]) if kind == "cut" else None)

    def _answer(self, reply: Reply, cut_after: int | None) -> Iterator[bytes]:
        if isinstance(reply, Instant):
            yield self._whole(reply.status, reply.body, *reply.headers)
        elif isinstance(reply, Plain):
            yield from self._written_at_once(reply, cut_after)
        else:
            self._begin(200, ("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache"))
            yield reply.opening
            yield from self._written_live(reply.frames, cut_after)
            yield reply.closing

    def _written_at_once(self, reply: Plain, cut_after: int | None) -> Iterator[bytes]:
        self._connection.rest(reply.tokens * self._seconds_per_token)
        body = self._whole(200, reply.body)
        if cut_after is not None:
            yield body[: len(body) // 2]
            self._connection.cut()
        yield body

    def _written_live(self, frames: Iterator[bytes], cut_after: int | None) -> Iterator[bytes]:
        due = time.monotonic()
        for number, frame in enumerate(frames):
            if number == cut_after:
                self._connection.cut()
            if self._seconds_per_token:
                due += self._seconds_per_token  # counted from the start, so that small delays don't add up
                self._connection.rest(due - time.monotonic())
            yield frame
        if cut_after is not None:  # the answer was shorter than that
            self._connection.cut()

    def _garbage(self, reply: Reply) -> Iterator[bytes]:
        """What doesn't follow the protocol, under the very label the client waits for."""
        label = "application/json" if isinstance(reply, Plain) else "text/event-stream"
        self._begin(200, ("Content-Type", label), ("Content-Length", str(len(GARBAGE))))
        yield GARBAGE

    def _whole(self, status: int, body: bytes, *headers: tuple[str, str]) -> bytes:
        self._begin(status, ("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers)
        return body

    def _begin(self, status: int, *headers: tuple[str, str]) -> None:
        self._start(f"{status} {HTTPStatus(status).phrase}", list(headers))
