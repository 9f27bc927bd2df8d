"""Connections on which no read outlasts its call.

urllib3's timeouts are per read: a server that sends a byte a second passes them for ever, in its headers as in its
body. Here each read asks the call's `Line` how long it may last, and any thread can hang that line up.
"""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool

from chat.upstream.line import Line

BUFFER_SIZE = 2048  # each stream has one; a piece of an answer has some 200 bytes, and larger reads go past it


class PatientReader(io.RawIOBase):
    """A socket's incoming bytes, each read waiting as long as the line allows."""

    def __init__(self, sock: socket.socket, line: Line) -> None:
        self._socket = sock
        self._hold = sock.makefile("rb", buffering=0)  # the socket outlives its connection's end until this is closed
        self._line = line
        self._may_wait = True
        line.watch()

    def makefile(self, mode: str) -> io.BufferedReader[PatientReader]:
        """What http.client asks of a socket."""
        assert mode == "rb"
        self._buffer: io.BufferedReader[PatientReader] | None = io.BufferedReader(self, BUFFER_SIZE)
        return self._buffer

    def has_more(self) -> bool:
        """Whether a next piece has come in already, beyond the line break that ends the last. Never waits."""
        self._may_wait = False
        try:
            return self._buffer is not None and len(self._buffer.peek()) > 2
        finally:
            self._may_wait = True

    def readinto(self, target: Any) -> int | None:
        if not self._may_wait:
            return None
        return self._line.receive(self._socket, target)

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        # http.client closes this at the reply's last byte, before urllib3 gives the connection back to its pool.
        self._line.disconnect(self._socket)
        self._hold.close()
        self._buffer = None  # it holds us, too: nobody but the garbage collector would free the two
        super().close()


@dataclass(slots=True)
class Call:
    """A request under way: its line, and its reply, as bytes and as HTTP, once that begins."""

    line: Line
    reader: PatientReader | None = None
    response: http.client.HTTPResponse | None = None


# Which call the connection that urllib3 is about to choose will serve: its pool offers no other place to say so.
_call: ContextVar[Call] = ContextVar("call")


@contextmanager
def serving(line: Line) -> Iterator[Call]:
    """A request sent within this block waits on this line."""
    call = Call(line)
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        call = _call.get()
        call.reader, call.response = PatientReader(sock, call.line), self
        super().__init__(call.reader, *args, **kwargs)  # type: ignore[arg-type]  # it only calls makefile


class _Patient(http.client.HTTPConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        line = _call.get().line
        line.connect(self.sock)
        self.sock.settimeout(line.patience())
        super().send(data)


class _PatientHTTP(_Patient, HTTPConnection):
    """Without TLS."""


class _PatientHTTPS(_Patient, HTTPSConnection):
    """With TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _PatientHTTP


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _PatientHTTPS


class PatientAdapter(HTTPAdapter):
    """requests' own adapter over such connections, for one address; it retries nothing."""

    _pool: ConnectionPool | None = None

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> ConnectionPool:
        """One address has one pool: to look for it anew costs each call 50 µs."""
        self._pool = self._pool or super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def build_response(self, request: PreparedRequest, reply: HTTPResponse) -> HTTPResponse:  # type: ignore[override]
        """The reply as urllib3 has it. What requests wraps it in nobody needs; it would take 7 KB of each stream."""
        return reply

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
