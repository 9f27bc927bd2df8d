"""A middlebox between a client and a service, which can forget connections without telling anybody."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from tests.support.services import HOST


class Middlebox:
    """Forwards TCP connections to a service. `forget()` silences those that are open: they stay open, and every byte is
    acknowledged and forwarded to nobody.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (str(parts.hostname), parts.port or 80)
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.address = f"{parts.scheme}://{HOST}:{self._listener.getsockname()[1]}"
        self._links: list[_Link] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def connections(self) -> int:
        """Connections accepted so far."""
        return len(self._links)

    @property
    def open_forgotten_connections(self) -> int:
        """Forgotten connections that no side has closed."""
        return sum(link.is_forgotten and not link.is_closed for link in self._links)

    def forget(self) -> None:
        for link in self._links:
            link.is_forgotten = True

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in self._links:
            link.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._links.append(_Link(client, socket.create_connection(self._target)))


class _Link:
    """One forwarded connection."""

    def __init__(self, client: socket.socket, service: socket.socket) -> None:
        self.is_forgotten = self.is_closed = False
        self._ends = client, service
        for source, target in ((client, service), (service, client)):
            threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def close(self) -> None:
        self.is_closed = True
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self.is_forgotten:
                    target.sendall(data)
        self.close()
