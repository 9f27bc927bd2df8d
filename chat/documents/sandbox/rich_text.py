"""Rich text (.rtf): its text with headers, footers and notes, and the words in pictures."""

from __future__ import annotations

import re

from striprtf.striprtf import rtf_to_text

from chat.documents.sandbox import picture
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.ocr import ScanReader
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.readers import MAX_FILES
from chat.documents.text import MAX_BYTES

# striprtf leaves these groups out; without their first word they are text as any other.
SET_APART = re.compile(r"\\(?:header|footer)[lrf]?\b ?|\\(?:footnote|shptxt)\b ?|\\shp\b ?|\\\*\\shpinst\b ?")
PICTURE = re.compile(r"\\(?:jpeg|png)blip\b[^{}]{0,400}?[\s}]([0-9a-fA-F\s]{200,})")
ANY_PICTURE = re.compile(r"\\(?:jpegblip|pngblip|emfblip|wmetafile|macpict|dibitmap|wbitmap)")


def read(data: bytes, limits: Limits) -> Outcome:
    """The text. Raises Unreadable."""
    source = data.decode("cp1252", "replace")
    images = [_bytes_of(found[1]) for found in PICTURE.finditer(source)]
    scan_reader = ScanReader(limits)
    without_pictures = PICTURE.sub(" ", source)[:MAX_BYTES]
    text: str = rtf_to_text(  # type: ignore[no-untyped-call]
        SET_APART.sub(r"\\par ", without_pictures), encoding="cp1252", errors="replace"
    )
    texts = [scan_reader.read(picture.reader_of(image), part="picture") for image in images[:MAX_FILES]]
    for _ in range(len(ANY_PICTURE.findall(source)) - len(texts)):
        scan_reader.skip("picture", None, "unsupported_type")
    return scan_reader.outcome("\n".join((text, *texts)))


def _bytes_of(hexadecimal: str) -> bytes:
    digits = "".join(hexadecimal.split())
    return bytes.fromhex(digits[: len(digits) // 2 * 2])
