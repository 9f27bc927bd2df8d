"""A client's connection: detects its disconnect, and breaks or delays it for faults."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ECONNRESET
from typing import Any, NoReturn

import gevent
from gevent.pywsgi import WSGIHandler

READABLE = 1  # libev's event: data, or the end of the stream
RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for zero seconds: closing sends RST instead of FIN
ENDLESS = 10 * 365 * 24 * 3600.0


class ClientDisconnected(ConnectionResetError):
    """The client has closed the connection before the end of its reply."""

    def __init__(self) -> None:
        super().__init__(ECONNRESET, "the client has disconnected")


class ConnectionAborted(ConnectionResetError):
    """A fault has ended the connection. The server closes it and writes nothing more."""

    def __init__(self) -> None:
        super().__init__(ECONNRESET, "aborted by a fault")


class Connection:
    """The operations on the connection of a request, beside writing its reply."""

    def __init__(self, sock: Any) -> None:
        # Without it each token waits for the previous one's acknowledgement: 40 ms on a kept-alive connection.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        self._greenlet = gevent.getcurrent()
        self.seconds_per_byte = 0.0

    @contextmanager
    def watch_disconnect(self) -> Iterator[None]:
        """Within the block ClientDisconnected is raised at a wait as soon as the client closes its end."""
        watcher = gevent.get_hub().loop.io(self._socket.fileno(), READABLE)
        watcher.start(self._on_readable, watcher)
        try:
            yield
        finally:
            watcher.stop()
            watcher.close()

    def wait(self, seconds: float = ENDLESS) -> None:
        """Wait while other greenlets run."""
        gevent.sleep(max(seconds, 0))

    def reset(self) -> NoReturn:
        """Close the connection with RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        raise ConnectionAborted

    def cut(self) -> NoReturn:
        """Close the connection with FIN: the client receives what was written, and no more."""
        raise ConnectionAborted

    def _on_readable(self, watcher: Any) -> None:
        """Peek whether the socket has data or has ended. Runs in the event loop, so it must not block."""
        try:
            data = self._socket._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        # A pipelined request keeps the socket readable and would call this again and again.
        watcher.stop()
        if not data:
            self._greenlet.kill(ClientDisconnected(), block=False)


class Handler(WSGIHandler):  # type: ignore[misc]  # gevent ships no types
    """pywsgi's handler. It passes its Connection to the application and can write byte by byte."""

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
            self.connection.wait(pause)

    def log_request(self) -> None:
        """Requests are recorded in the ledger instead."""
