"""Turns a file or pasted text into a `Document`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chat.documents import sandbox_client
from chat.documents.errors import DocumentError
from chat.documents.extraction import Extract, extract
from chat.documents.facts import Facts
from chat.documents.kinds import Kind, detect_kind
from chat.documents.reader_places import Sender
from chat.documents.text import decode, decode_base64
from chat.documents.unreadable import Unread, Unreadable

# A longer text is read in the sandbox: a short one takes a few milliseconds, less than to start a process.
MAX_BYTES_IN_WORKER = 2 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """The text and facts of a document, and its unread parts."""

    extract: Extract
    kind: Kind = "text"
    pages: int = 1
    unread: tuple[Unread, ...] = ()

    @property
    def pages_read(self) -> int:
        """The number of pages, without those of which nothing was read."""
        return self.pages - len({each.page for each in self.unread if each.part == "page"})

    def extent(self) -> dict[str, Any]:
        """How much was read, as clients receive it."""
        unread = [asdict(each) for each in self.unread]
        return {"pages": self.pages, "pagesRead": self.pages_read, "unread": unread}

    @property
    def text(self) -> str:
        """Without identifiers of persons, at most MAX_CHARACTERS; empty if masking failed."""
        return self.extract.text

    @property
    def facts(self) -> Facts:
        return self.extract.facts


def read(data: bytes | str, sender: Sender) -> Document:
    """Read the bytes of a file, pasted text, or a file in base64. Raises DocumentError."""
    if isinstance(data, str):
        decoded = decode_base64(data)
        return _read("text", data.encode(errors="ignore"), sender) if decoded is None else read(decoded, sender)
    try:
        kind = detect_kind(data)
    except Unreadable as error:
        raise DocumentError(error.code) from None
    return _read(kind, data, sender)


def _read(kind: Kind, data: bytes, sender: Sender) -> Document:
    if kind == "text" and len(data) <= MAX_BYTES_IN_WORKER:
        found = extract(decode(data) or "")
        if found is None:
            raise DocumentError("empty")
        return Document(found)
    reading = sandbox_client.read(kind, data, sender)
    return Document(reading.extract, kind, reading.pages, reading.unread)
