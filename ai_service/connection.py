"""One client's connection: noticing that the client has left, and mistreating it on purpose."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ECONNRESET
from typing import Any, NoReturn

import gevent
from gevent.pywsgi import WSGIHandler

READABLE = 1  # the event loop's name for "there is something to read, or the other end has closed"
RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for zero seconds: closing sends RST instead of FIN
FOREVER = 10 * 365 * 24 * 3600.0


class ClientLeft(ConnectionResetError):
    """The other end has closed while we were at work for it. The server closes its own end and says nothing."""

    def __init__(self) -> None:
        super().__init__(ECONNRESET, "the client has left")


class Broken(ConnectionResetError):
    """We break the connection on purpose. The server closes it and writes nothing more."""

    def __init__(self) -> None:
        super().__init__(ECONNRESET, "broken on purpose")


class Connection:
    """What a call may do with the connection it came by, beside writing its answer."""

    def __init__(self, sock: Any) -> None:
        # Else a token waits for the acknowledgement of the one before: 40 ms on a connection that is kept alive.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        self._worker = gevent.getcurrent()
        self.seconds_per_byte = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within this block ClientLeft is raised where we wait, as soon as the client closes its end."""
        watcher = gevent.get_hub().loop.io(self._socket.fileno(), READABLE)
        watcher.start(self._look, watcher)
        try:
            yield
        finally:
            watcher.stop()
            watcher.close()

    def rest(self, seconds: float = FOREVER) -> None:
        """Let the others work for so many seconds."""
        gevent.sleep(max(seconds, 0))

    def reset(self) -> NoReturn:
        """Tear the connection down with RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        raise Broken

    def cut(self) -> NoReturn:
        """Close in good order, whatever was promised: all that was written arrives, and no more."""
        raise Broken

    def _look(self, watcher: Any) -> None:
        """Called by the event loop, so it must not block: peek at what has made the socket readable."""
        try:
            waiting = self._socket._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            waiting = b""
        # Either way this socket has nothing more to tell: a next request sent too early would wake us for ever.
        watcher.stop()
        if not waiting:
            self._worker.kill(ClientLeft(), block=False)


class Handler(WSGIHandler):  # type: ignore[misc]  # gevent ships no types
    """pywsgi's handler; it hands its connection to the application and can write byte by byte."""

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ["ai_service.connection"] = self.connection = Connection(self.socket)
        return environ

    def _sendall(self, data: bytes | bytearray) -> None:
        pause = self.connection.seconds_per_byte
        if not pause:
            super()._sendall(data)
            return
        for byte in bytes(data):
            super()._sendall(bytes([byte]))
            self.connection.rest(pause)

    def log_request(self) -> None:
        """The ledger keeps what matters."""
