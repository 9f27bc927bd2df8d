"""The events of one answer as they come."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import overload

from chat.events import Delta, Event


class Said(Sequence[Event]):
    """A list of events that only grows, and is small: all pieces of text in one buffer, and where each of them ends.

    An answer of half a minute has some 300 pieces of 9 characters, and thousands of answers are being written at a
    time. As objects they would take 36 KB an answer instead of 4, and each garbage collection would look at all of them
    while everybody waits.
    """

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("I")
        self._others: dict[int, Event] = {}  # by their number

    def extend(self, new: Sequence[Event]) -> None:
        """By one thread at a time; what was there before may be read meanwhile."""
        for event in new:
            if isinstance(event, Delta):
                self._text += event.text.encode("utf-8", "surrogatepass")
            else:
                self._others[len(self._ends)] = event
            self._ends.append(len(self._text))

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        numbers = range(len(self._ends))[index]
        return self._at(numbers) if isinstance(numbers, int) else [self._at(number) for number in numbers]

    def __iter__(self) -> Iterator[Event]:
        return iter(self[:])

    @property
    def text(self) -> str:
        """All pieces of text together."""
        return self._text.decode("utf-8", "surrogatepass")

    def _at(self, number: int) -> Event:
        if (other := self._others.get(number)) is not None:
            return other
        begin = self._ends[number - 1] if number else 0
        return Delta(self._text[begin : self._ends[number]].decode("utf-8", "surrogatepass"))
