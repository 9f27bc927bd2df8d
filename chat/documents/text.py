"""Decodes and cleans plain text."""

from __future__ import annotations

import base64
import codecs
import re
from contextlib import suppress

from chat.core import unicode_text

MAX_CHARACTERS = 200_000  # of a document that are read; about sixty full pages
# Of a text that are read. UTF-8 and UTF-16 need up to four per character: the text of more is longer than that, too.
MAX_BYTES = 4 * (MAX_CHARACTERS + 2)
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
MIN_BASE64_CHARACTERS = 24  # a shorter one may be a word
# Control characters except tabs, line ends and page breaks; and lone surrogates.
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# The boxes and ticks of Wingdings, by which forms are filled in.
SYMBOLS = {0xF0FE: "☒", 0xF0FD: "☒", 0xF0A8: "☐", 0xF06F: "☐", 0xF0FC: "✓", 0xF0FB: "✗"}
# Control characters that stand for the signs of Windows: Outlook calls cp1252 Latin-1, and so do web pages.
SIGNS = SYMBOLS | {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}


def is_text(data: bytes) -> bool:
    """Whether the bytes, up to MAX_BYTES, decode to text without control characters."""
    text = decode(data)
    return text is not None and not CONTROLS.search(text)


def decode(data: bytes) -> str | None:
    """The text of UTF-8, UTF-16 or Latin-1 bytes, of a long one its beginning; None for anything else."""
    is_whole = len(data) <= MAX_BYTES  # else the last character may be cut
    for encoding in (_marked_encoding(data) or "utf-8", "utf-8", "cp1252"):  # cp1252 is Latin-1 with a euro sign
        with suppress(UnicodeDecodeError):
            return codecs.getincrementaldecoder(encoding)().decode(data[:MAX_BYTES], is_whole)
    return None


def decode_declared(data: bytes, charset: str | None) -> str:
    """The text of bytes in the charset that an e-mail declares; in the likely one if that is missing or wrong."""
    with suppress(LookupError, ValueError):  # no charset of that name, or not that of the text
        return data.decode(_marked_encoding(data) or charset or "utf-8")
    known = data.decode("utf-8", "ignore")
    strays = len(data.decode("utf-8", "replace")) - len(known)
    # A broken UTF-8 text, or one with a footer in another encoding, is still UTF-8 for the most part.
    if strays <= len(known) - len(known.encode("ascii", "ignore")):
        return data.decode("utf-8", STRAY_BYTES)
    return data.decode("cp1252", "replace")


def _marked_encoding(data: bytes) -> str | None:
    return next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)


def _decode_stray_bytes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


STRAY_BYTES = "stray_bytes"
codecs.register_error(STRAY_BYTES, _decode_stray_bytes)


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
    text = CONTROLS.sub("", text.translate(SIGNS)).replace("\r\n", "\n").replace("\r", "\n")
    return unicode_text.normalize("NFC", text).strip()


def collapse_whitespace(text: str) -> str:
    """The text with each run of whitespace replaced by one space."""
    return re.sub(r"\s+", " ", text)
