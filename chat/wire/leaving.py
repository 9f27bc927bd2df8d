"""Noticing that somebody who waits for an answer has hung up.

A server writes to its client only when there is something to write, so a client that leaves while nothing is said goes
unnoticed – and what is done for it goes on, paid for and read by nobody. Here the connection itself is looked at.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

from django.http import HttpRequest

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
    # A descriptor of our own: its timeout is nobody else's, and it stays ours when the server closes the connection.
    with closing(socket.socket(fileno=os.dup(connection.fileno()))) as copy:
        copy.settimeout(0)
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(copy, over, leave), name="leaving", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


def _watch(connection: socket.socket, over: threading.Event, leave: Callable[[], object]) -> None:
    while not over.wait(LOOK_EVERY_SECONDS):
        if _has_hung_up(connection):
            leave()
            return


def _has_hung_up(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:  # nothing to read: it waits, as it should
        return False
    except OSError:
        return True
