"""Plain text, in the encodings that letters come in."""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from contextlib import suppress

from chat.documents.errors import DocumentError

BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
SHORTEST_BASE64 = 24  # shorter than that it may be a word
# All but tabs, line ends and page breaks, which is what a text needs; and halves of characters.
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def is_text(data: bytes) -> bool:
    """Whether these bytes are text and nothing else."""
    text = decoded(data)
    return text is not None and not CONTROLS.search(text)


def decoded(data: bytes) -> str | None:
    """The characters of UTF-8, UTF-16 or Latin-1 bytes; None when they are something else."""
    encodings = [encoding for mark, encoding in BYTE_ORDER_MARKS.items() if data.startswith(mark)]
    for encoding in (*encodings, "utf-8", "cp1252"):  # the latter is Latin-1 with a euro sign
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return None


def from_base64(text: str) -> bytes | None:
    """What a pasted text encodes; None when it is plain text."""
    text = text.strip()
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if " " in text or len(text) < SHORTEST_BASE64:
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None


def tidied(text: str) -> str:
    """Line ends and accents made alike, stray controls left out. Raises DocumentError when nothing is left."""
    text = CONTROLS.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise DocumentError("empty")
    return text


def on_one_line(text: str) -> str:
    """The same words with single spaces between them."""
    return re.sub(r"\s+", " ", text)
