"""Noticing that somebody who waits for an answer has hung up.

A server writes to its client only when there is something to write, so a client that leaves while nothing is said goes
unnoticed – and what is done for it goes on, paid for and read by nobody. Here the connection itself is looked at.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from django.http import HttpRequest

from observability import logs

log = logs.get_logger(__name__)

LOOK_EVERY_SECONDS = 0.25

Said = TypeVar("Said")


def attended(request: HttpRequest, said: Iterable[Said], leave: Callable[[], object]) -> Iterator[Said]:
    """What is said, for as long as the client is there. `leave` is called when it goes, from whichever thread.

    For answers that can't be taken up again; a stream that can be resumed is better left to go on.
    """
    with watching(request, leave):
        try:
            yield from said
        except GeneratorExit:  # the server found out first, when it wrote
            leave()
            raise


@contextmanager
def watching(request: HttpRequest, leave: Callable[[], object]) -> Iterator[None]:
    """While the block lasts, call `leave` once if the client hangs up. A server that lends no socket is not watched."""
    connection = request.META.get("gunicorn.socket")
    if connection is None:
        yield
        return
    client = _watch.begin(connection.fileno(), leave)
    try:
        yield
    finally:
        _watch.end(client)


@dataclass(eq=False, slots=True)
class _Client:
    """Somebody who waits: their connection's descriptor, ours to look at until the watch ends, and what their going
    means."""

    descriptor: int
    leave: Callable[[], object]


class _Watch:
    """Looks after all who wait in this process, with one thread, which lives while there are any.

    Most have their answer before it looks for the first time: they cost nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: set[_Client] = set()
        self._watcher: threading.Thread | None = None

    def begin(self, descriptor: int, leave: Callable[[], object]) -> _Client:
        client = _Client(descriptor, leave)
        with self._lock:
            self._clients.add(client)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._look_after_all, name="leaving", daemon=True)
                self._watcher.start()
        return client

    def end(self, client: _Client) -> None:
        """From here on the descriptor may be another connection's: it isn't looked at any more."""
        with self._lock:
            self._clients.discard(client)

    def _look_after_all(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            with self._lock:
                gone = [client for client in self._clients if _has_hung_up(client.descriptor)]
                self._clients.difference_update(gone)
                is_over = not self._clients
                if is_over:
                    self._watcher = None
            for client in gone:
                _tell(client)
            if is_over:
                return


_watch = _Watch()


def _tell(client: _Client) -> None:
    try:
        client.leave()
    except Exception:
        log.exception("Nobody could be told that a client left")


def _has_hung_up(descriptor: int) -> bool:
    try:
        # A copy: its timeout is nobody else's.
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            connection.settimeout(0)
            return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:  # nothing to read: it waits, as it should
        return False
    except OSError:
        return True
