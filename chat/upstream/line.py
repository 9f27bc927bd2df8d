"""How long a call may last, and how it is ended from outside."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chat.patrol import Patrol
from chat.upstream.exchange import CallError

LOOK_EVERY_SECONDS = 0.25  # a watched wait ends this late at most
WATCHED_SECONDS = 1.0  # shorter waits end on time


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
        self.until = deadline.at  # of the wait under way, on the monotonic clock
        self.has_expired = False  # that wait lasted too long
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def patience(self) -> float:
        """Seconds that the next wait may last. Raises TimeoutError past the deadline, HangUpError once hung up."""
        self._check()
        now = time.monotonic()
        self.until = min(now + self.read_timeout, self.deadline.at)
        if self.until <= now:
            raise TimeoutError
        return self.until - now

    def receive(self, sock: socket.socket, target: Any) -> int:
        """Wait for bytes; 0 at their end. Raises TimeoutError, HangUpError.

        Once `watch` has been called a long wait needs no timer.
        """
        seconds = self.patience()
        sock.settimeout(None if seconds >= WATCHED_SECONDS else seconds)
        size = sock.recv_into(target)
        self.until = self.deadline.at
        if not size:
            self._check()
        return size

    def watch(self) -> None:
        """From here on, until `disconnect`, each wait that lasts too long is ended from outside."""
        _watch.begin(self)

    def connect(self, sock: socket.socket) -> None:
        """From here on the call waits on this socket. Raises HangUpError when nobody waits for the call any more."""
        with self._lock:
            if self.left.is_set():
                raise HangUpError
            self._socket = sock

    def disconnect(self, sock: socket.socket) -> None:
        """The reply has ended: the connection may soon serve another call, and hanging up must not touch it."""
        with self._lock:
            if self._socket is sock:  # and not the next attempt's already
                self._socket = None
                _watch.end(self)

    def hang_up(self) -> None:
        """Wake whoever waits on this line, with an error."""
        self.left.set()
        self._cut()

    def expire(self) -> None:
        """The same, because it has been waited long enough."""
        self.has_expired = True
        self._cut()

    def _check(self) -> None:
        """Raise what a wait was ended by, if that was from outside."""
        if self.left.is_set():
            raise HangUpError
        if self.has_expired:
            raise TimeoutError

    def _cut(self) -> None:
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):
                    # Not TLS' own shutdown: that takes the session away beneath the thread that reads it.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


# A timer for each read was a twentieth of the CPU that a streamed token costs.
_watch = Patrol[Line]("lines", LOOK_EVERY_SECONDS, lambda line: time.monotonic() > line.until, Line.expire)
