"""A compact, append-only list of an answer's events."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import overload

from chat.core.events import Delta, Event


class EventBuffer(Sequence[Event]):
    """An append-only sequence of events. All `Delta` texts share one buffer; `_ends` holds the end of each.

    An answer of 30 s has about 300 deltas of 9 characters, and thousands of answers are produced at a time. As objects
    they would take 36 KB per answer instead of 4, and each garbage collection would traverse them and pause everything.
    """

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("I")  # byte offset in `_text` after each event
        self._others: dict[int, Event] = {}  # events other than Delta, by index

    def extend(self, new: Sequence[Event]) -> None:
        """Append events. Only one thread may call this at a time; others may read earlier events meanwhile."""
        for event in new:
            if isinstance(event, Delta):
                self.add_words(event.text)
            else:
                self._others[len(self._ends)] = event
                self._ends.append(len(self._text))

    def add_words(self, text: str) -> int:
        """Append a `Delta` of this text, as `extend` does. Returns the number of events."""
        self._text += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._text))
        return len(self._ends)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        indexes = range(len(self._ends))[index]
        return self._at(indexes) if isinstance(indexes, int) else [self._at(each) for each in indexes]

    def __iter__(self) -> Iterator[Event]:
        return iter(self[:])

    @property
    def text(self) -> str:
        """The text of all deltas."""
        return self._text_between(0, len(self._text))

    @property
    def has_text(self) -> bool:
        """Whether there is a `Delta`."""
        return len(self._ends) > len(self._others)

    def merged(self) -> list[Event]:
        """The events, with the text between two others as one `Delta`. Another thread may add events meanwhile."""
        count, begin = len(self._ends), 0
        merged: list[Event] = []
        for index in [*self._others, count]:
            if index <= count:
                end = self._end_before(index)
                merged += [Delta(self._text_between(begin, end))] if begin < end else []
                merged += [self._others[index]] if index < count else []
                begin = end
        return merged

    def _at(self, index: int) -> Event:
        if (other := self._others.get(index)) is not None:
            return other
        return Delta(self._text_between(self._end_before(index), self._ends[index]))

    def _end_before(self, index: int) -> int:
        """The byte offset of this event's text."""
        return self._ends[index - 1] if index else 0

    def _text_between(self, begin: int, end: int) -> str:
        return self._text[begin:end].decode("utf-8", "surrogatepass")
