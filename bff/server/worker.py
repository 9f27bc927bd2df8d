"""gunicorn's gevent worker with a graceful shutdown that interrupts no response.

gunicorn's own worker closes its listening sockets within a second of the signal: a load balancer gets no response from
`/readyz`, and clients that are connecting get a reset. When the whole instance stops, this worker has two phases:

1. *Draining.* It accepts connections and serves all requests, closes each connection after its response, and `/readyz`
   returns 503. This lasts until all requests open at the signal have ended, and at least DRAIN_SECONDS, the time in
   which load balancers notice.
2. *Finishing.* It accepts the connections already queued and closes the listening sockets: the load balancer retries
   refused connections on another instance. The process exits when the remaining requests have ended.

A worker that stops alone (SIGHUP, `max_requests`) only finishes: the other workers share its listening sockets. At
`max_requests` it waits until no other one is being replaced, or until a signal.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

from gevent import get_hub, getcurrent
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.http.errors import ParseException
from gunicorn.workers.ggevent import GeventWorker

from bff import settings
from bff.server import malformed_requests, replacement
from bff.server.coalescing_socket import CoalescingSocket
from bff.server.deadline_socket import BODY_BYTES, DeadlineSocket
from chat.documents.reader_places import PLACE_TIMEOUT_SECONDS
from health import draining
from observability import logs

log = logs.get_logger(__name__)

# A signal to the whole process group may reach a worker before the arbiter has started draining.
DRAINING_SIGNAL_SECONDS = 0.2
HEARTBEAT_SECONDS = 0.1
# After connecting or receiving a response, a client may be sending its next request. A proxy in front must close idle
# connections sooner than this (docs/deploy/nginx.conf): a request sent while we close the connection is lost.
IDLE_SECONDS = 1.0
# For the rest of a body that was refused: a client that is cut off while it sends may not see the response.
DISCARD_SECONDS = 10.0


def longest_response_seconds() -> float:
    """The longest time that a response can take: a document's, unless AI_DEADLINE_CHAT is much longer."""
    document = PLACE_TIMEOUT_SECONDS + settings.DOCUMENT_TIMEOUT_SECONDS + settings.AI_DEADLINE_ANALYZE
    return float(max(settings.AI_DEADLINE_CHAT, document) + 5)


@dataclass(slots=True)
class Connection:
    """A client's connection. `idle_since` is monotonic time, None while a request is processed."""

    socket: socket.socket
    idle_since: float | None

    @property
    def is_idle(self) -> bool:
        return self.idle_since is not None and time.monotonic() - self.idle_since > IDLE_SECONDS


class Listener:
    """A listening socket's address, which gunicorn asks for with each connection, also after the socket was closed."""

    def __init__(self, listening: socket.socket) -> None:
        self._address = listening.getsockname()

    def getsockname(self) -> Any:
        return self._address


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Serves until a signal or `max_requests` sets `alive` to False."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections: dict[object, Connection] = {}  # by the greenlet that serves it
        self.servers: list[StreamServer] = []
        self.is_told_to_stop = False  # by a signal

    def run(self) -> None:
        get_hub().print_exception = _log_exception
        self.servers = [self._open(listener) for listener in self.sockets]
        self._wait_while(lambda: self.alive)
        self._wait_while(lambda: True, DRAINING_SIGNAL_SECONDS)
        self._wait_for_other_workers()
        if draining.is_active():
            self._drain()
        for server in self.servers:
            _close(server)
        self._wait_while(self._is_busy, longest_response_seconds())
        if self.connections:
            self.log.warning("Worker stopped before all responses ended")
        replacement.worker_ended()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.is_told_to_stop = True
        super().handle_exit(sig, frame)

    def handle(self, listener: Listener, client: socket.socket, addr: Any) -> None:
        greenlet = getcurrent()
        self.connections[greenlet] = Connection(client, time.monotonic())
        try:
            super().handle(listener, DeadlineSocket(client), addr)
        finally:
            del self.connections[greenlet]

    def handle_request(self, listener_name: Any, req: Any, sock: DeadlineSocket, addr: Any) -> None:
        if draining.is_active():
            self.alive = False  # gunicorn then closes each connection after its response
        connection, outgoing = self.connections[getcurrent()], CoalescingSocket(sock.connection)
        connection.idle_since = None
        sock.expect_body()
        is_last = False
        try:
            try:
                super().handle_request(listener_name, req, outgoing, addr)
            except StopIteration:
                is_last = True
            outgoing.flush()
            _discard_rest(req)
            if is_last:
                raise StopIteration
        finally:
            outgoing.flush()
            sock.expect_head()
            connection.idle_since = time.monotonic()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        if malformed_requests.is_malformed(exc):
            malformed_requests.refuse(client, exc)
        else:
            super().handle_error(req, client, addr, exc)

    def _open(self, listener: socket.socket) -> StreamServer:
        listener.setblocking(True)
        handle = partial(self.handle, Listener(listener))
        server = StreamServer(listener, handle=handle, spawn=Pool(self.worker_connections))
        if self.cfg.workers > 1:
            # Accept at most 10 connections per wake-up and leave the rest to other workers. Fewer would be too slow: a
            # busy worker wakes up ten times a second, and queued clients would wait for half a minute.
            server.max_accept = 10
        server.start()
        return server

    def _wait_for_other_workers(self) -> None:
        """At `max_requests`: serve on while another worker is being replaced, and while its successor starts."""
        self._wait_while(lambda: not (self.is_told_to_stop or draining.is_active() or replacement.begin()))

    def _drain(self) -> None:
        """Serve until the requests open now have ended, and for DRAIN_SECONDS at least."""
        busy = [connection for connection in self.connections.values() if connection.idle_since is None]
        started = time.monotonic()
        self._wait_while(
            lambda: (
                any(connection.idle_since is None for connection in busy)
                or time.monotonic() - started < settings.DRAIN_SECONDS
            ),
            settings.DRAIN_SECONDS + longest_response_seconds(),
        )

    def _is_busy(self) -> bool:
        """Close idle connections; whether others, or background work, remain.

        The pools also have the connections that were accepted a moment ago, whose greenlets have not begun.
        """
        self._close_idle_connections()
        return any(len(server.pool) for server in self.servers) or draining.has_background_work()

    def _close_idle_connections(self) -> None:
        """Close keep-alive connections for reading, unless a request has arrived, which is still served."""
        for connection in self.connections.values():
            if connection.is_idle and not _has_unread(connection.socket):
                with suppress(OSError):
                    # gevent's shutdown would raise EBADF, logged as an error, in the greenlet that waits to read.
                    connection.socket._sock.shutdown(socket.SHUT_RD)  # type: ignore[attr-defined]

    def _wait_while(self, condition: Callable[[], bool], seconds: float = float("inf")) -> None:
        """Wait until the condition is false, at most `seconds`, and send the arbiter heartbeats meanwhile."""
        until = time.monotonic() + seconds
        while condition() and time.monotonic() < until:
            self.notify()
            time.sleep(HEARTBEAT_SECONDS)


def _discard_rest(request: Any) -> None:
    """Read what was not read of a request's body, for DISCARD_SECONDS. Raises StopIteration: close the connection.

    gunicorn would read it as a part of the next request, and send an error behind the response when it stops.
    """
    until = time.monotonic() + DISCARD_SECONDS
    try:
        while request.body.read(BODY_BYTES):
            if time.monotonic() > until:
                raise StopIteration
    except (OSError, ParseException) as error:
        raise StopIteration from error


def _has_unread(client: socket.socket) -> bool:
    """Whether bytes, or the connection's end, have arrived. Closed for reading, its client would seem to have left."""
    poll = select.poll()
    poll.register(client.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _log_exception(_context: object, _kind: type, raised: BaseException | None, _trace: object) -> None:
    """Replaces gevent's handler, which prints. A quick shutdown raises SystemExit in greenlets: not an error."""
    if isinstance(raised, Exception):
        log.error("Uncaught exception in a greenlet", exc_info=raised)


def _close(server: StreamServer) -> None:
    """Accept all queued connections, then close: closing the last copy of a socket resets those in its queue."""
    with suppress(OSError):
        while accepted := server.do_read():
            server.do_handle(*accepted)
    server.close()
