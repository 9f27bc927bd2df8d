"""One connection to an AI service, and the idle ones. No wait on a connection outlasts its call's scope."""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import threading
import time
import weakref
from urllib.parse import SplitResult

import requests.adapters

from chat.upstream.http.cancel_scope import CancelScope

# A request without a TCP acknowledgement fails after this time, and is sent again on a fresh connection.
UNACKNOWLEDGED_SECONDS = 3
SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    # Middleboxes drop connections that are idle for minutes, without a reset.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 20),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_SECONDS * 1000),
]


class Connection:
    """A TCP connection, with TLS for an https address. `idle_since` is when its last reply ended, monotonic."""

    def __init__(self, address: SplitResult, tls: ssl.SSLContext | None, timeout: float) -> None:
        """Connect, within so many seconds. Raises OSError."""
        port = address.port or (443 if address.scheme == "https" else 80)
        self.idle_since = 0.0
        try:
            self.socket = socket.create_connection((address.hostname or "", port), timeout)
            for option in SOCKET_OPTIONS:
                self.socket.setsockopt(*option)
            if tls is not None:
                self.socket = _with_tls(self.socket, tls, address.hostname)
        except TimeoutError as error:
            raise OSError(errno.ETIMEDOUT, "no connection in time") from error

    def send(self, data: bytes, scope: CancelScope) -> None:
        """Send a request. Raises OSError, or as CancelScope.start_wait."""
        scope.attach(self.socket)
        self.socket.settimeout(scope.start_wait())
        self.socket.sendall(data)

    def receive_at_once(self, size: int) -> bytes | None:
        """Bytes that have arrived, b"" at the end; None if there are none. TLS sends some that are not the reply's."""
        self.socket.settimeout(0)
        try:
            return self.socket.recv(size)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError:
            return b""

    def is_quiet(self) -> bool:
        """Whether the connection is open, with nothing to read."""
        poll = select.poll()
        poll.register(self.socket.fileno(), select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self.socket.close()


class IdleConnections:
    """Open connections to one address between two requests; the last one used is used first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        weakref.finalize(self, _close, self._idle)

    def take(self, max_idle_seconds: float) -> Connection | None:
        """A connection that has been idle for at most so many seconds, and is still open; None if there is none."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if time.monotonic() - connection.idle_since <= max_idle_seconds and connection.is_quiet():
                return connection
            connection.close()

    def put(self, connection: Connection) -> None:
        connection.idle_since = time.monotonic()
        with self._lock:
            if len(self._idle) < self._limit:
                self._idle.append(connection)
                return
        connection.close()


def _close(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()


def _with_tls(plain: socket.socket, tls: ssl.SSLContext, host: str | None) -> ssl.SSLSocket:
    try:
        return tls.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def tls_context() -> ssl.SSLContext:
    """Trusts the certificate authorities that requests trusts, and those in the file that REQUESTS_CA_BUNDLE names."""
    context = ssl.create_default_context(cafile=requests.adapters.DEFAULT_CA_BUNDLE_PATH)
    if own_bundle := os.environ.get("REQUESTS_CA_BUNDLE"):
        context.load_verify_locations(own_bundle)
    context.set_alpn_protocols(["http/1.1"])
    return context
