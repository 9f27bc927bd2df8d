"""What the reader hands back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """The text of a document; of a long scan perhaps only that of the first pages."""

    text: str
    pages: int = 1
    pages_read: int = 1


class Unreadable(Exception):
    """The document can't be read; `code` says why: see `chat.documents.errors`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
