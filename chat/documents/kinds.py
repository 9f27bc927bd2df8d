"""What a file is, by what is in it: its name and what the browser says of it are not believed."""

from __future__ import annotations

import re
from typing import Literal

import filetype

from chat.documents.errors import DocumentError
from chat.documents.text import is_text

Kind = Literal["text", "pdf", "word", "picture"]

PICTURES = {"jpg", "png", "apng", "webp", "tif", "gif", "bmp"}
OTHER_PHOTOS = {"heic", "avif", "jpx", "jxr", "cr2", "psd"}
OTHER_WRITINGS = {"doc", "odt", "rtf", "xls", "xlsx", "ods", "ppt", "pptx", "odp", "epub", "ps"}
# Readers of PDF look for its beginning this far into the file: some scanners write a line of their own before it.
PDF = re.compile(rb"(?:\A|.{0,1023}[\r\n])%PDF-\d", re.DOTALL)
JPEG = b"\xff\xd8\xff"  # every byte is a letter in Latin-1, and a short one has no other
OLD_OFFICE, LOCKED_WORD = b"\xd0\xcf\x11\xe0", "EncryptedPackage".encode("utf-16-le")


def kind_of(data: bytes) -> Kind:
    """What can be done with this file. Raises DocumentError for what can't be read."""
    if not data.strip():
        raise DocumentError("empty")
    if PDF.match(data):
        return "pdf"
    if data.startswith(b"{\\rtf"):
        raise DocumentError("other_word")
    if is_text(data) and not data.startswith(JPEG):
        return "text"
    return _kind_of_binary(data)


def _kind_of_binary(data: bytes) -> Kind:
    if data.startswith(b"PK\x03\x04") and b"word/document.xml" in data:
        return "word"
    if data.startswith(OLD_OFFICE):
        raise DocumentError("encrypted" if LOCKED_WORD in data else "other_word")
    extension = filetype.guess_extension(data)
    if extension in PICTURES:
        return "picture"
    if extension in OTHER_PHOTOS:
        raise DocumentError("old_photo_format")
    if extension in OTHER_WRITINGS:
        raise DocumentError("other_word")
    raise DocumentError("unsupported_type" if extension else "not_text")
