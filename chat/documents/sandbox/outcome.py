"""The result of reading one document: its raw `Outcome`, and the `Reading` that leaves the sandbox."""

from __future__ import annotations

from dataclasses import dataclass

from chat.documents.extraction import Extract
from chat.documents.unreadable import Unread

MAX_UNREAD = 500  # parts in a `Reading`


@dataclass(frozen=True, slots=True)
class Outcome:
    """The text of a document, and what of it was not read."""

    text: str
    pages: int = 1
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The result that leaves the sandbox: the text has its identifiers of persons masked."""

    extract: Extract
    pages: int
    unread: tuple[Unread, ...]
