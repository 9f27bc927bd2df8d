"""Sends requests to one AI service: on an idle connection that still works, else on a fresh one."""

from __future__ import annotations

import errno
import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from requests import PreparedRequest

from chat.upstream.http.cancel_scope import CallCancelled, CancelScope
from chat.upstream.http.connection import Connection, IdleConnections, tls_context
from chat.upstream.http.parallel_tries import ParallelTries
from chat.upstream.http.reply import BrokenReply, Reply
from chat.upstream.http.resolver import Resolver
from chat.upstream.request import CallError
from observability import logs

log = logs.get_logger(__name__)

FAILURES = (OSError, ValueError, BrokenReply)  # of a connection; ValueError: an address or a header that can't be sent


class Adapter:
    """Sends the requests that `requests` has prepared for one address. It retries no failure of the service.

    The call's CancelScope limits each wait, and any thread can end it: requests' own adapter has a timeout per read,
    which a server that sends one byte a second never meets, and costs half a millisecond of CPU more per message.
    """

    def __init__(self, address: str, *, connections: int, connect_timeout: float) -> None:
        self._address = urlsplit(address)
        self._connect_timeout = connect_timeout
        self._resolver = Resolver(self._address)
        self._idle = IdleConnections(connections)
        self._tls = tls_context() if self._address.scheme == "https" else None
        self._parallel_tries = ParallelTries()

    def send(self, request: PreparedRequest, *, scope: CancelScope) -> Reply:
        """Send the request and wait for the head of the reply. Release the reply afterwards.

        It is sent again on a fresh connection if a reused one fails: that was closed meanwhile, no byte was
        acknowledged, or it stays silent and the fresh one answers first. None of these is a failure of the service.
        Raises CallError.
        """
        data = _bytes_of(request, self._address)
        connection = self._idle.take(settings.AI_POOL_IDLE_SECONDS)
        if connection is not None:
            try:
                return self._send_on_reused(connection, data, scope)
            except CallError as error:
                if error.code != "connection":
                    raise
        return self._begun(self._send_on_fresh(data, scope), scope)

    def release(self, reply: Reply) -> None:
        """Keep the connection for the next request if the reply was read to its end."""
        if reply.close():
            self._idle.put(reply.connection, settings.AI_POOL_IDLE_SECONDS)

    def _send_on_reused(self, connection: Connection, data: bytes, scope: CancelScope) -> Reply:
        reply = self._sent(connection, data, scope)
        with _closed_on_failure(reply, scope):
            is_silent = 0 < settings.AI_STALE_SECONDS < scope.start_wait() and not reply.take_arrived(
                settings.AI_STALE_SECONDS
            )
            first = self._try_in_parallel(reply, data, scope) if is_silent else reply
        return self._begun(first, scope)

    def _try_in_parallel(self, silent: Reply, data: bytes, scope: CancelScope) -> Reply:
        """Send the request on a fresh connection, too. Returns the reply that begins first; the other one is closed."""
        with self._parallel_tries.begin() as is_allowed:
            if not is_allowed:
                return silent
            try:
                fresh = self._send_on_fresh(data, scope)
            except CallCancelled:
                raise
            except CallError:
                log.info("AI connection silent", outcome="no_other")
                silent.resume()
                return silent
            try:
                first = _first_to_begin([silent, fresh], scope.start_wait())
                scope.start_wait()  # raises if the call was cancelled meanwhile
            except BaseException:
                fresh.close()
                raise
            if first is silent and not silent.is_cut:
                self._parallel_tries.was_needless()
            elif first is not None and not fresh.is_cut:
                log.info("AI connection silent", outcome="replaced")
                silent.close()
                return fresh
            else:
                log.info("AI connection silent", outcome="no_other")
            fresh.close()
            silent.resume()
            return silent

    def _send_on_fresh(self, data: bytes, scope: CancelScope) -> Reply:
        try:
            timeout = min(self._connect_timeout, scope.start_wait())
            connection = Connection(self._resolver, self._tls, timeout, scope)
        except FAILURES as error:
            raise translated(error, scope, otherwise=CallError("connection")) from error
        return self._sent(connection, data, scope)

    def _sent(self, connection: Connection, data: bytes, scope: CancelScope) -> Reply:
        with _closed_on_failure(connection, scope):
            try:
                connection.send(data, scope)
            except OSError:
                reply = Reply(connection, scope)
                if reply.has_come_early():
                    return reply
                reply.close()
                raise
            return Reply(connection, scope)

    def _begun(self, reply: Reply, scope: CancelScope) -> Reply:
        with _closed_on_failure(reply, scope):
            reply.begin()
        return reply


@contextmanager
def _closed_on_failure(target: Connection | Reply, scope: CancelScope) -> Iterator[None]:
    """Close the connection if the block fails. A failure of the connection becomes a CallError."""
    try:
        yield
    except FAILURES as error:
        target.close()
        raise translated(error, scope, otherwise=CallError("connection")) from error
    except CallError:
        target.close()
        raise


def translated(error: Exception, scope: CancelScope, otherwise: CallError) -> CallError:
    """The CallError for a failure of a connection."""
    if scope.cancelled.is_set():
        return CallCancelled()
    if scope.deadline.remaining() <= 0:
        return CallError("deadline")
    # TCP has given up: Python reports that as a TimeoutError like that of a read.
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        return otherwise
    if scope.has_expired or isinstance(error, TimeoutError):
        return CallError("first_words_timeout" if scope.are_words_overdue else "read_timeout")
    return otherwise


def _first_to_begin(replies: Sequence[Reply], seconds: float) -> Reply | None:
    """The first reply that begins within so many seconds, or whose connection ends."""
    poll = select.poll()
    for reply in replies:
        poll.register(reply.connection.socket.fileno(), select.POLLIN)
    ends_at = time.monotonic() + seconds
    while (remaining := ends_at - time.monotonic()) > 0 and poll.poll(remaining * 1000):
        if begun := next((reply for reply in replies if reply.take_arrived()), None):
            return begun
    return None


def _bytes_of(request: PreparedRequest, address: SplitResult) -> bytes:
    """The request as it is sent. Raises CallError for a header that would be more than one."""
    host = address.netloc.rpartition("@")[2]
    lines = [f"POST {request.path_url} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise CallError("connection")
    assert isinstance(request.body, bytes)
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + request.body
