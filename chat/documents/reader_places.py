"""A semaphore for reading documents in one worker that is fair between senders."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

PLACE_TIMEOUT_SECONDS = 5.0  # the wait for a free place; reading a document takes about as long


class Sender(NamedTuple):
    """The sender of a document: the caller, and the network address, which the families of a school may share."""

    caller_id: str
    address: str


class NoPlace(Exception):
    """No place became free in time."""


class ReaderPlaces:
    """`count` places. A caller has one at a time; an address leaves one to others if there are three or more.

    A free place goes to the longest waiting document whose sender is below these limits; others don't block it.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._count_per_address = max(2, count - 1)
        self._lock = threading.Lock()
        self._waiting: list[_Turn] = []  # in the order of arrival
        self._reading: list[_Turn] = []

    @contextmanager
    def place(self, sender: Sender, *, timeout: float) -> Iterator[None]:
        """A place, for the block. Raises NoPlace after `timeout` seconds."""
        turn = _Turn(sender)
        with self._lock:
            self._waiting.append(turn)
            self._admit()
        try:
            if not turn.admitted.wait(timeout):
                raise NoPlace
            yield
        finally:
            with self._lock:
                (self._reading if turn in self._reading else self._waiting).remove(turn)
                self._admit()

    def _admit(self) -> None:
        for turn in list(self._waiting):
            if self._may_read(turn.sender):
                self._waiting.remove(turn)
                self._reading.append(turn)
                turn.admitted.set()

    def _may_read(self, sender: Sender) -> bool:
        readers = [turn.sender for turn in self._reading]
        return (
            len(readers) < self._count
            and all(reader.caller_id != sender.caller_id for reader in readers)
            and sum(reader.address == sender.address for reader in readers) < self._count_per_address
        )


class _Turn:
    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.admitted = threading.Event()
