"""A client's position in an answer: the id of each server-sent event, which comes back in `Last-Event-ID`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORMAT = re.compile(r"([A-Za-z0-9]{1,8})-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class EventPosition:
    """After the first `count` events of one answer. `answer` is the beginning of the answer's message id."""

    answer: str
    count: int

    @classmethod
    def at(cls, message_id: str, count: int) -> EventPosition:
        return cls(message_id[:8], count)

    @classmethod
    def parse(cls, text: str) -> EventPosition | None:
        """The inverse of `str()`. None for any other text."""
        match = _FORMAT.fullmatch(text)
        return cls(match[1], int(match[2])) if match else None

    def belongs_to(self, message_id: str) -> bool:
        return message_id[:8] == self.answer

    def __str__(self) -> str:
        return f"{self.answer}-{self.count}"
