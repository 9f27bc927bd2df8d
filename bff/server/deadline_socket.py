"""Bounds the time in which a client sends a request: one that sends a byte now and then would hold a greenlet."""

from __future__ import annotations

import socket
import time
from typing import Any

from gunicorn.http.errors import ParseException

HEAD_SECONDS = 10.0  # from its first byte
# Of a body. Each 64 KB that arrive renew it, but none is stored: the slowest mobile network has ten times that rate.
BODY_SECONDS = 10.0
BODY_BYTES = 64 * 1024


class HeadTimeout(ParseException):  # type: ignore[misc]  # gunicorn ships no types
    """The head of a request did not arrive in time."""


class DeadlineSocket:
    """Wraps a client's connection for reading. The wait for the first byte of a request is gunicorn's `keepalive`.

    `recv` raises HeadTimeout before the body begins, then TimeoutError, which Django takes for a lost connection.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.expect_head()

    def expect_head(self) -> None:
        self._is_body, self._deadline = False, float("inf")

    def expect_body(self) -> None:
        self._is_body, self._deadline = True, time.monotonic() + BODY_SECONDS

    def recv(self, size: int) -> bytes:
        is_waiting = self._deadline == float("inf")
        data = self.connection.recv(size) if is_waiting else self._recv_in_time(size)
        if is_waiting:
            self._deadline = time.monotonic() + HEAD_SECONDS
        elif self._is_body:
            earned = len(data) / BODY_BYTES * BODY_SECONDS
            self._deadline = min(self._deadline + earned, time.monotonic() + BODY_SECONDS)
        return data

    def _recv_in_time(self, size: int) -> bytes:
        # Responses have no such limit: they use the connection itself.
        self.connection.settimeout(max(self._deadline - time.monotonic(), 0.001))
        try:
            return self.connection.recv(size)
        except TimeoutError as error:
            if self._is_body:
                raise
            raise HeadTimeout from error
        finally:
            self.connection.settimeout(None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)
