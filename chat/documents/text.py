"""Decodes and cleans plain text."""

from __future__ import annotations

import base64
import codecs
import re
from contextlib import suppress

from chat.core import unicode_text

MAX_CHARACTERS = 200_000  # of a document that are read; about sixty full pages
MAX_BYTES = 4 * MAX_CHARACTERS  # of a text that are read; UTF-8 and UTF-16 need up to four per character
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
MIN_BASE64_CHARACTERS = 24  # a shorter one may be a word
# Control characters except tabs, line ends and page breaks; and lone surrogates.
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def is_text(data: bytes) -> bool:
    """Whether the bytes, up to MAX_BYTES, decode to text without control characters."""
    text = decode(data)
    return text is not None and not CONTROLS.search(text)


def decode(data: bytes) -> str | None:
    """The text of UTF-8, UTF-16 or Latin-1 bytes, of a long one its beginning; None for anything else."""
    encodings = [encoding for mark, encoding in BYTE_ORDER_MARKS.items() if data.startswith(mark)]
    is_whole = len(data) <= MAX_BYTES  # else the last character may be cut
    for encoding in (*encodings, "utf-8", "cp1252"):  # cp1252 is Latin-1 with a euro sign
        with suppress(UnicodeDecodeError):
            return codecs.getincrementaldecoder(encoding)().decode(data[:MAX_BYTES], is_whole)
    return None


def decode_base64(text: str) -> bytes | None:
    """The bytes encoded by a base64 text or `data:` URL; None for any other text."""
    text = text.strip()
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if " " in text or len(text) < MIN_BASE64_CHARACTERS:
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None


def clean(text: str) -> str:
    """The text with normal line ends and Unicode (NFC), without control characters; it may be empty."""
    text = CONTROLS.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return unicode_text.normalize("NFC", text).strip()


def collapse_whitespace(text: str) -> str:
    """The text with each run of whitespace replaced by one space."""
    return re.sub(r"\s+", " ", text)
