"""gunicorn's gevent worker, with an end that cuts nobody off.

gunicorn's own closes its door within a second of being told to go: a load balancer that asks `/readyz` gets no answer,
and whoever is just connecting gets a reset. This one goes in two steps when the whole instance stops:

1. *Draining.* The door stays open, everyone is served, each reply ends its connection, and `/readyz` says 503 – until
   all that was under way at the signal has ended, and for DRAIN_SECONDS at least: load balancers need that to notice.
2. *Finishing.* The door is closed, after whoever stood in it was let in. Connections refused now go to another
   instance. What was begun meanwhile ends; then the process does.

A worker that goes alone (SIGHUP, `max_requests`) only finishes: its siblings serve at the same door.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from gevent import get_hub, getcurrent
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.workers.ggevent import GeventWorker

from bff import malformed, settings
from bff.outgoing import Outgoing
from health import draining
from observability import logs

log = logs.get_logger(__name__)

# A signal to the whole process group may come to us before the arbiter has told everyone what it means.
HEARSAY_SECONDS = 0.2
BEAT_SECONDS = 0.1
# Who has connected, or has just been answered, may have the next request on its way. A proxy in front must close the
# connections that it keeps earlier than this (docs/deploy/nginx.conf): what it sends on one as we hang up is lost.
NEXT_REQUEST_SECONDS = 1.0


def longest_answer() -> float:
    """Seconds after which an answer has ended, whatever happens."""
    return float(max(settings.AI_DEADLINE_CHAT, settings.AI_DEADLINE_ANALYZE) + 5)


@dataclass(slots=True)
class Client:
    """A connection; `quiet_since`, on the monotonic clock, while there is no request on it."""

    socket: socket.socket
    quiet_since: float | None

    @property
    def is_idle(self) -> bool:
        return self.quiet_since is not None and time.monotonic() - self.quiet_since > NEXT_REQUEST_SECONDS


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Serves until `alive` is taken from it, by a signal or by `max_requests`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clients: dict[object, Client] = {}  # by the greenlet that serves them

    def run(self) -> None:
        get_hub().print_exception = _log_crash
        doors = [self._open(listener) for listener in self.sockets]
        self._beat_while(lambda: self.alive)
        self._beat_while(lambda: True, HEARSAY_SECONDS)
        if draining.started():
            self._drain()
        for door in doors:
            _close(door)
        self._beat_while(self._has_to_finish, longest_answer())
        if self.clients:
            self.log.warning("Worker leaves in the middle of answers")

    def handle(self, listener: socket.socket, client: socket.socket, addr: Any) -> None:
        greenlet = getcurrent()
        self.clients[greenlet] = Client(client, time.monotonic())
        try:
            super().handle(listener, client, addr)
        finally:
            del self.clients[greenlet]

    def handle_request(self, listener_name: Any, req: Any, sock: socket.socket, addr: Any) -> None:
        if draining.started():
            self.alive = False  # each reply ends its connection, also before our own signal has come
        client, outgoing = self.clients[getcurrent()], Outgoing(sock)
        client.quiet_since = None
        try:
            super().handle_request(listener_name, req, outgoing, addr)
        finally:
            outgoing.flush()
            client.quiet_since = time.monotonic()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        if malformed.is_malformed(exc):
            malformed.refuse(client, exc)
        else:
            super().handle_error(req, client, addr, exc)

    def _open(self, listener: socket.socket) -> StreamServer:
        listener.setblocking(True)
        door = StreamServer(listener, handle=partial(self.handle, listener), spawn=Pool(self.worker_connections))
        if self.cfg.workers > 1:
            # Not all who come at a time: a sibling may have less to do. But a few: a busy worker comes here ten times a
            # second, and who is not let in then waits for half a minute.
            door.max_accept = 10
        door.start()
        return door

    def _drain(self) -> None:
        """Serve on; see above. What began before the signal has ended afterwards."""
        begun, since = [client for client in self.clients.values() if client.quiet_since is None], time.monotonic()
        self._beat_while(
            lambda: (
                any(client.quiet_since is None for client in begun) or time.monotonic() - since < settings.DRAIN_SECONDS
            ),
            settings.DRAIN_SECONDS + longest_answer(),
        )

    def _has_to_finish(self) -> bool:
        """Whether anybody still waits for something from here."""
        self._hang_up_on_idlers()
        return bool(self.clients) or draining.is_work_under_way()

    def _hang_up_on_idlers(self) -> None:
        """End the connections kept open for a next request. One that has come in already is still read and served."""
        for client in self.clients.values():
            if client.is_idle:
                with suppress(OSError):
                    # gevent's own would raise EBADF in whoever waits for the next request: logged as an error.
                    client.socket._sock.shutdown(socket.SHUT_RD)  # type: ignore[attr-defined]

    def _beat_while(self, holds: Callable[[], bool], seconds: float = float("inf")) -> None:
        """Wait, and let the arbiter see that we are well."""
        until = time.monotonic() + seconds
        while holds() and time.monotonic() < until:
            self.notify()
            time.sleep(BEAT_SECONDS)


def _log_crash(_context: object, _kind: type, raised: BaseException | None, _trace: object) -> None:
    """In place of gevent's own, which prints; a quick stop ends a greenlet by SystemExit, and is no crash."""
    if isinstance(raised, Exception):
        log.error("Uncaught exception in a greenlet", exc_info=raised)


def _close(door: StreamServer) -> None:
    """Let in who has connected already: closing the last copy of a listening socket resets who waits in its queue."""
    with suppress(OSError):
        while visitor := door.do_read():
            door.do_handle(*visitor)
    door.close()
