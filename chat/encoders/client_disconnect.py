"""Detects that a client has closed its connection while it waits for an answer.

A server notices a closed connection only when it writes. While the AI is silent it writes nothing, and the paid call
would continue without a reader. So a watchdog polls the sockets of waiting clients.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from django.http import HttpRequest

from chat.core.watchdog import Watchdog

POLL_SECONDS = 0.25

Item = TypeVar("Item")


def cancel_on_disconnect(request: HttpRequest, items: Iterable[Item], cancel: Callable[[], object]) -> Iterator[Item]:
    """The same items. Calls `cancel`, possibly from another thread, when the client disconnects.

    For answers that cannot be resumed. A resumable stream continues without its reader.
    """
    with watch_connection(request, cancel):
        try:
            yield from items
        except GeneratorExit:  # the server noticed the disconnect first, when it wrote
            cancel()
            raise


@contextmanager
def watch_connection(request: HttpRequest, on_disconnect: Callable[[], object]) -> Iterator[None]:
    """Inside the block, call `on_disconnect` once if the client disconnects. Needs a server that passes its socket."""
    connection = request.META.get("gunicorn.socket")
    if connection is None:
        yield
        return
    client = _Client(connection.fileno(), on_disconnect)
    _watchdog.add(client)
    try:
        yield
    finally:
        _watchdog.remove(client)


@dataclass(eq=False, slots=True)
class _Client:
    """A waiting client. The file descriptor of its socket is valid until the client is removed from the watchdog."""

    descriptor: int
    on_disconnect: Callable[[], object]


def _is_disconnected(client: _Client) -> bool:
    poll = select.poll()  # of the descriptor: a socket object would wait for its timeout, a duplicate may fail
    poll.register(client.descriptor, select.POLLRDHUP)  # reported even if unread bytes remain
    return bool(poll.poll(0))


# `remove` returns only when no check is running: afterwards the descriptor may belong to another connection.
_watchdog = Watchdog[_Client](
    "client-disconnect", POLL_SECONDS, _is_disconnected, lambda client: client.on_disconnect()
)
