"""How far a client has come in an answer: travels as the id of each server-sent event, and back in `Last-Event-ID`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHAPE = re.compile(r"([A-Za-z0-9]{1,8})-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Bookmark:
    """So many events of one answer; `answer` is how its message's id begins, for the next answer counts anew."""

    answer: str
    events: int

    @classmethod
    def at(cls, message_id: str, events: int) -> Bookmark:
        return cls(message_id[:8], events)

    @classmethod
    def parse(cls, text: str) -> Bookmark | None:
        """None for anything else."""
        found = _SHAPE.fullmatch(text)
        return cls(found[1], int(found[2])) if found else None

    def is_of(self, message_id: str) -> bool:
        return message_id[:8] == self.answer

    def __str__(self) -> str:
        return f"{self.answer}-{self.events}"
