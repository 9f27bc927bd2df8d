"""The text of a document. It knows text for now; another kind of file is another reader."""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from contextlib import suppress
from pathlib import PurePath


class DocumentError(Exception):
    """A document that can't be used. `code` is `empty`, `unsupported_type` or `not_text`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


# How files of other kinds begin, and how pictures from a phone are named. A reader for one of them takes its place.
SIGNATURES = {
    b"%PDF": "PDF files",
    b"PK\x03\x04": "Word, OpenDocument and ZIP files",
    b"\xd0\xcf\x11\xe0": "old Word files",
    b"{\\rtf": "RTF files",
    b"\x89PNG": "images",
    b"\xff\xd8\xff": "images",
    b"GIF8": "images",
    b"II*\x00": "images",
    b"MM\x00*": "images",
}
SUFFIXES = {".avif": "images", ".heic": "images", ".heif": "images", ".webp": "images"}
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
SHORTEST_BASE64 = 24  # shorter than that it may be a word
# All but tabs, line ends and page breaks, which is what a text needs; and halves of characters.
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def read(data: bytes | str, file_name: str) -> str:
    """The text of a document: UTF-8, UTF-16 or Latin-1 bytes, or pasted text, or the base64 of any of them.

    Raises DocumentError for what is empty and for what isn't text.
    """
    if isinstance(data, str):
        encoded = _from_base64(data)
        text = CONTROLS.sub("", data) if encoded is None else _decoded(encoded, file_name)
    else:
        text = _decoded(data, file_name)
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not text:
        raise DocumentError("empty", "The document has no text.")
    return text


def _from_base64(text: str) -> bytes | None:
    """What the text encodes; None when it is plain text."""
    text = text.strip()
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if " " in text or len(text) < SHORTEST_BASE64:
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None


def _decoded(data: bytes, file_name: str) -> str:
    text = _characters(data)
    kind = next((kind for beginning, kind in SIGNATURES.items() if data.startswith(beginning)), None)
    if text is None or CONTROLS.search(text):
        kind = kind or SUFFIXES.get(PurePath(file_name).suffix.lower())
        if kind is None:
            raise DocumentError("not_text", "The document is not a text.")
    if kind:
        raise DocumentError("unsupported_type", f"{kind} can't be read yet: paste the text instead.")
    assert text is not None
    return text


def _characters(data: bytes) -> str | None:
    encodings = [encoding for mark, encoding in BYTE_ORDER_MARKS.items() if data.startswith(mark)]
    for encoding in (*encodings, "utf-8", "cp1252"):  # the latter is Latin-1 with a euro sign
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return None
