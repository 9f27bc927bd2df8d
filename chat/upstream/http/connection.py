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
from collections import deque
from collections.abc import Iterable, Sequence

import requests.adapters

from chat.upstream.http.cancel_scope import CallCancelled, CancelScope, Deadline
from chat.upstream.http.resolver import AddressInfo, Resolver

# A request without a TCP acknowledgement fails after this time, and is sent again on a fresh connection.
UNACKNOWLEDGED_SECONDS = 3
LEAST_SECONDS = 0.001  # a socket without any time left would not wait, or wait forever
SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    # Middleboxes drop connections that are idle for minutes, without a reset.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 20),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_SECONDS * 1000),
]


class Connection:
    """A TCP connection, with TLS if a context is given. `idle_since` is when its last reply ended, monotonic."""

    def __init__(self, resolver: Resolver, tls: ssl.SSLContext | None, timeout: float, scope: CancelScope) -> None:
        """Connect, all within so many seconds. Raises OSError, CallCancelled, or ValueError for a bad name."""
        deadline = Deadline.after(timeout)
        self.idle_since = 0.0
        try:
            self.socket = _connected(resolver.addresses(timeout), deadline, scope)
            if tls is not None:
                self.socket.settimeout(max(LEAST_SECONDS, deadline.remaining()))
                self.socket = _with_tls(self.socket, tls, resolver.host)
        except TimeoutError as error:
            raise OSError(errno.ETIMEDOUT, "no connection in time") from error

    def send(self, data: bytes, scope: CancelScope) -> None:
        """Send a request. Raises OSError, or as CancelScope.start_wait."""
        scope.attach(self.socket)
        self.socket.settimeout(scope.start_wait())
        self.socket.sendall(data)

    def receive_within(self, seconds: float, size: int) -> bytes | None:
        """Bytes as soon as any arrive, b"" at the end; None if there are none in time, or at once for 0 seconds.

        TLS also receives records without data.
        """
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(size)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError as error:
            # TCP's own timeout has a number. It is the end of the connection.
            return None if isinstance(error, TimeoutError) and error.errno is None else b""

    def is_quiet(self) -> bool:
        """Whether the connection is open, with nothing to read."""
        poll = select.poll()
        poll.register(self.socket.fileno(), select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self.socket.close()


class IdleConnections:
    """Open connections to one address between two requests; the last one used is used first.

    Of no use is one that has been idle for more than `max_idle_seconds`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._idle: deque[Connection] = deque()  # the last one used is the last one
        weakref.finalize(self, _close, self._idle)

    def take(self, max_idle_seconds: float) -> Connection | None:
        """A connection that is still open and of use; None if there is none."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if time.monotonic() - connection.idle_since <= max_idle_seconds and connection.is_quiet():
                return connection
            connection.close()

    def put(self, connection: Connection, max_idle_seconds: float) -> None:
        """Keep this connection, and close those of no use, which are left after a burst."""
        connection.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(connection)
            useless = [] if len(self._idle) <= self._limit else [self._idle.popleft()]
            while connection.idle_since - self._idle[0].idle_since > max_idle_seconds:
                useless.append(self._idle.popleft())
        _close(useless)


def _close(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.close()


def _connected(addresses: Sequence[AddressInfo], deadline: Deadline, scope: CancelScope) -> socket.socket:
    """A connection to the first address that accepts one; each gets an equal share of the time that is left."""
    for left in range(len(addresses), 0, -1):
        if scope.cancelled.is_set():
            raise CallCancelled
        try:
            return _connected_to(addresses[-left], max(LEAST_SECONDS, deadline.remaining() / left))
        except OSError:
            if left == 1:
                raise
    raise OSError("no address")


def _connected_to(address: AddressInfo, timeout: float) -> socket.socket:
    family, kind, protocol, _, target = address
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(timeout)
        connection.connect(target)
        for option in SOCKET_OPTIONS:
            connection.setsockopt(*option)
    except BaseException:
        connection.close()
        raise
    return connection


def _with_tls(plain: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
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
