"""Sends words to one client at the moment they arrive, while the thread that writes its response waits."""

from __future__ import annotations

from typing import Protocol

from django.http import HttpRequest


class Connection(Protocol):
    """The client's connection, as a server offers it that can send without the response's own thread."""

    @property
    def has_unsent(self) -> bool: ...

    def push(self, body: bytes) -> bool: ...


class WordWriter(Protocol):
    """Encodes words within one response."""

    def words(self, text: str) -> bytes:
        """The frame of this text. It may not be sent after all."""
        ...

    def pushed(self) -> None:
        """The frame was sent."""
        ...


class ClientOutlet:
    """An outlet (see chat.runs), from a run to the client of one response. `frames` and `bytes` were sent through it.

    It takes nothing until its encoder opens it, which is when all that words need before them has been sent.
    """

    def __init__(self, connection: Connection) -> None:
        self.frames = self.bytes = 0
        self._connection = connection
        self._writer: WordWriter | None = None

    def open(self, writer: WordWriter) -> None:
        self._writer = writer

    @property
    def has_unsent(self) -> bool:
        return self._connection.has_unsent

    def push(self, text: str) -> bool:
        if self._writer is None:
            return False
        frame = self._writer.words(text)
        if not self._connection.push(frame):
            return False
        self._writer.pushed()
        self.frames += 1
        self.bytes += len(frame)
        return True


def outlet_to(request: HttpRequest) -> ClientOutlet | None:
    """The outlet to the client of this request; None if the server can't push."""
    connection = request.META.get("gunicorn.socket")
    return ClientOutlet(connection) if connection is not None and hasattr(connection, "push") else None
