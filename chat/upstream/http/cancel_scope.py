"""Deadline and cancellation of one AI call: how long it may last, and how another thread ends it."""

from __future__ import annotations

import math
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from chat.core.watchdog import Watchdog
from chat.upstream.request import CallError

WATCH_INTERVAL_SECONDS = 0.25  # a watched wait ends at most this much too late
MIN_WATCHED_SECONDS = 1.0  # shorter waits use the socket's own timeout and end on time


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment, on this process' monotonic clock, by which all attempts, waits and reads must have ended."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds until the deadline; negative once it has passed."""
        return self.at - time.monotonic()


class CallCancelled(CallError):
    """The consumer closed the event stream."""

    def __init__(self) -> None:
        super().__init__("client_left")


class CancelScope:
    """The time limits of one call, and the socket it waits on. Any thread may call `cancel()` at any time."""

    def __init__(self, deadline: Deadline, read_timeout: float, first_words_timeout: float = math.inf) -> None:
        self.deadline = deadline
        # By when the first words must arrive; afterwards the deadline.
        self.words_deadline = Deadline(min(deadline.at, time.monotonic() + first_words_timeout))
        self.read_timeout = self._longest_read_timeout = read_timeout
        self.cancelled = threading.Event()
        self.has_expired = False  # the watchdog ended a wait
        self.wait_ends_at = deadline.at  # for the current wait, on the monotonic clock
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._has_timeout = True  # the socket may have one of its own

    @property
    def are_words_overdue(self) -> bool:
        return self.words_deadline is not self.deadline and self.words_deadline.remaining() <= 0

    def words_have_begun(self) -> None:
        """The first words have arrived: from now on the deadline alone limits the call."""
        self.words_deadline = self.deadline

    def begin_reply(self) -> None:
        """Forget a shorter `read_timeout` and an expired wait of the reply before: all attempts have the same scope."""
        self.read_timeout = self._longest_read_timeout
        self.has_expired = False

    def start_wait(self) -> float:
        """Start the time limit of the next wait and return it in seconds.

        Raises TimeoutError past the deadline, CallCancelled after `cancel()`.
        """
        self._raise_if_ended()
        now = time.monotonic()
        self.wait_ends_at = min(now + self.read_timeout, self.words_deadline.at)
        if self.wait_ends_at <= now:
            raise TimeoutError
        return self.wait_ends_at - now

    def receive(self, sock: socket.socket, size: int) -> bytes:
        """At most `size` bytes as soon as any arrive, b"" at the end. Raises OSError, TimeoutError or CallCancelled.

        Call `attach()` and `watch()` first: the watchdog, not the socket's timeout, ends long waits.
        """
        # The hot path, once per chunk of an answer: `start_wait` and `_raise_if_ended` are written out.
        if self.has_expired or self.cancelled.is_set():
            self._raise_if_ended()
        now = time.monotonic()
        self.wait_ends_at = min(now + self.read_timeout, self.words_deadline.at)
        seconds = self.wait_ends_at - now
        if seconds <= 0:
            raise TimeoutError
        timeout = None if seconds >= MIN_WATCHED_SECONDS else seconds
        if timeout is not None or self._has_timeout:
            sock.settimeout(timeout)
            self._has_timeout = timeout is not None
        data = sock.recv(size)
        self.wait_ends_at = self.deadline.at
        if not data:
            self._raise_if_ended()
        return data

    def watch(self) -> None:
        """Let the watchdog end each wait that exceeds its limit, until `detach()`."""
        _watchdog.add(self)

    def attach(self, sock: socket.socket) -> None:
        """Make `cancel()` and `expire()` shut down this socket. Raises CallCancelled after `cancel()`."""
        with self._lock:
            if self.cancelled.is_set():
                raise CallCancelled
            self._socket = sock
            self._has_timeout = True

    def detach(self, sock: socket.socket) -> None:
        """Leave this socket alone from now on: its connection may soon serve another call."""
        with self._lock:
            if self._socket is sock:  # the next attempt may have attached another one already
                self._socket = None
                _watchdog.remove(self)

    def cancel(self) -> None:
        """End the call: the thread that waits on its socket gets CallCancelled."""
        self.cancelled.set()
        self._shut_down_socket()

    def expire(self) -> None:
        """End the current wait: the thread that waits on the socket gets TimeoutError."""
        self.has_expired = True
        self._shut_down_socket()

    def _raise_if_ended(self) -> None:
        if self.cancelled.is_set():
            raise CallCancelled
        if self.has_expired:
            raise TimeoutError

    def _shut_down_socket(self) -> None:
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):
                    # TLS' own shutdown() would free the TLS session while another thread reads from it.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


# A socket timeout set for each read is 5 % of the CPU that a streamed token costs.
_watchdog = Watchdog[CancelScope](
    "cancel-scopes", WATCH_INTERVAL_SECONDS, lambda scope: time.monotonic() > scope.wait_ends_at, CancelScope.expire
)
