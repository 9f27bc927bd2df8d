"""Fair access to the sandbox: first come, first served, with limits per caller and address."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from chat.documents.reader_places import NoPlace, ReaderPlaces, Sender
from tests.support.polling import eventually


class Reader(threading.Thread):
    """A document that is being read until `finish`."""

    def __init__(self, places: ReaderPlaces, caller: str, address: str) -> None:
        super().__init__(daemon=True)
        self._place = places.place(Sender(caller, address), timeout=60)
        self.reads, self.finished = threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with self._place:
            self.reads.set()
            self.finished.wait(60)

    def finish(self) -> None:
        self.finished.set()
        self.join(60)


@pytest.fixture
def send() -> Iterator[object]:
    places, stack = ReaderPlaces(3), ExitStack()

    def send(caller: str, address: str = "") -> Reader:
        known = len(places._waiting) + len(places._reading)
        reader = Reader(places, caller, address or caller)
        eventually(lambda: len(places._waiting) + len(places._reading) == known + 1)
        stack.callback(reader.finished.set)
        return reader

    with stack:
        yield send


def test_a_caller_has_one_place_however_many_documents_they_send(send):
    hostile = [send("a") for _ in range(21)]
    assert send("b").reads.wait(10)
    assert [reader.reads.is_set() for reader in hostile] == [True] + 20 * [False]
    hostile[0].finish()
    assert hostile[1].reads.wait(10)


def test_an_address_leaves_a_place_to_others(send):
    hostile = [send(f"caller {number}", "one address") for number in range(5)]
    assert send("b", "another").reads.wait(10)
    assert sum(reader.reads.is_set() for reader in hostile) == 2


def test_the_longest_waiting_is_next(send):
    readers = [send(name) for name in "abcdef"]
    readers[1].finish()
    assert readers[3].reads.wait(10)
    readers[0].finish()
    assert readers[4].reads.wait(10)
    assert not readers[5].reads.is_set()


def test_who_waits_in_vain_leaves_the_queue():
    places = ReaderPlaces(1)
    with places.place(Sender("a", "x"), timeout=0):
        for _ in range(3):
            with pytest.raises(NoPlace), places.place(Sender("b", "y"), timeout=0.01):
                pass
    with places.place(Sender("c", "z"), timeout=0):
        pass


def test_a_place_is_free_again_after_an_error():
    places = ReaderPlaces(1)
    with suppress(ZeroDivisionError), places.place(Sender("a", "x"), timeout=0):
        raise ZeroDivisionError
    with places.place(Sender("b", "y"), timeout=0):
        pass
