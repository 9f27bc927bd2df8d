"""How long a call may last, and how it is ended from outside."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from chat.upstream.exchange import CallError


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on this process' monotonic clock, by which all must be over: attempts, waits and the last byte."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds; negative once it has passed."""
        return self.at - time.monotonic()


class HangUpError(CallError):
    """Whoever asked has gone."""

    def __init__(self) -> None:
        super().__init__("client_left")


class Line:
    """What one call may wait for, and the socket it waits on. Any thread may hang up, at any moment."""

    def __init__(self, deadline: Deadline, read_timeout: float) -> None:
        self.deadline = deadline
        self.read_timeout = read_timeout
        self.left = threading.Event()  # set once the caller has hung up
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def patience(self) -> float:
        """Seconds that the next wait may last. Raises TimeoutError past the deadline, HangUpError once hung up."""
        if self.left.is_set():
            raise HangUpError
        seconds = min(self.read_timeout, self.deadline.left())
        if seconds <= 0:
            raise TimeoutError
        return seconds

    def connect(self, sock: socket.socket) -> None:
        """From here on the call waits on this socket. Raises HangUpError when nobody waits for the call any more."""
        with self._lock:
            if self.left.is_set():
                raise HangUpError
            self._socket = sock

    def disconnect(self, sock: socket.socket) -> None:
        """The reply has ended: the connection may soon serve another call, and hanging up must not touch it."""
        with self._lock:
            if self._socket is sock:
                self._socket = None

    def hang_up(self) -> None:
        """Wake whoever waits on this line, with an error."""
        self.left.set()
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):
                    # Not TLS' own shutdown: that takes the session away beneath the thread that reads it.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
