"""Noticing that somebody who waits for an answer has hung up.

A server writes to its client only when there is something to write, so a client that leaves while nothing is said goes
unnoticed – and what is done for it goes on, paid for and read by nobody. Here the connection itself is looked at.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from django.http import HttpRequest

from chat.patrol import Patrol

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
    client = _Client(connection.fileno(), leave)
    _watch.begin(client)
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


def _has_hung_up(client: _Client) -> bool:
    try:
        # A copy: its timeout is nobody else's.
        with socket.socket(fileno=os.dup(client.descriptor)) as connection:
            connection.settimeout(0)
            return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:  # nothing to read: it waits, as it should
        return False
    except OSError:
        return True


# A descriptor may be another connection's as soon as the watch has ended.
_watch = Patrol[_Client]("leaving", LOOK_EVERY_SECONDS, _has_hung_up, lambda client: client.leave())
