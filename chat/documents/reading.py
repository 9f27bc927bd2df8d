"""The text of a document, whatever it came as."""

from __future__ import annotations

from dataclasses import dataclass

from chat.document_reader.limits import CHARACTERS
from chat.documents import apart
from chat.documents.kinds import Kind, kind_of
from chat.documents.text import decoded, from_base64, tidied


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a document, at most `CHARACTERS` of it; of a long scan perhaps only that of the first pages."""

    text: str
    kind: Kind = "text"
    pages: int = 1
    pages_read: int = 1


def read(data: bytes | str) -> Document:
    """A file's bytes, pasted text, or the base64 of a file. Raises DocumentError."""
    if isinstance(data, str):
        encoded = from_base64(data)
        return _of_text(data) if encoded is None else read(encoded)
    kind = kind_of(data)
    if kind == "text":
        return _of_text(decoded(data) or "")
    outcome = apart.read(kind, data)
    return Document(tidied(outcome.text), kind, outcome.pages, outcome.pages_read)


def _of_text(text: str) -> Document:
    return Document(tidied(text[:CHARACTERS]))
