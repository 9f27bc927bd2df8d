"""Rich text (.rtf): its text with headers, footers, notes and form fields, and the words in pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from striprtf.striprtf import rtf_to_text

from chat.documents.sandbox import form_controls, picture
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.ocr import ScanReader
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.unread_parts import UnreadParts
from chat.documents.text import MAX_BYTES

# striprtf leaves these groups out; without their first word they are text as any other.
SET_APART = re.compile(
    r"\\(?:header|footer)[lrf]?\b ?|\\(?:footnote|shptxt|dptxbxtext|shp)\b ?|\\\*\\(?:shpinst|do|annotation)\b ?"
)
# Groups that are cut out: pictures, their copies for old programs, data for programs, and the orders of fields.
GROUP = re.compile(
    r"\{\s{0,9}(?:\\\*\s{0,9})?\\(pict|nonshppict|objdata|datastore|themedata|colorschememapping|fldinst)\b"
)
# What such a group, or deleted and moved text, can begin or end with.
MARK = re.compile(
    r"\\bin(?P<size>\d{1,9}) ?|\\(?P<change>deleted|mvf)\b ?|\\(?P<end>deleted0|mvf0|plain)\b|\\[\\{}]|[{}]"
)
MAX_MARKS = MAX_BYTES  # what is read is taken apart whole, even if it is nothing but braces
CHANGES = {"deleted", "mvf"}
CONTROL = re.compile(r"\\[a-z]{1,32}-?\d{0,10}\s?")
READABLE = re.compile(r"\\(?:jpeg|png)blip\b")
BINARY = re.compile(r"\\bin(\d{1,9}) ?")
OBJECT = re.compile(r"\{\\object\b")  # a file of another program
FIELD = re.compile(r"\\fftype([012])")
VALUES = (re.compile(r"\\ffres(\d{1,4})"), re.compile(r"\\ffdefres(\d{1,4})"))
NO_VALUE = 25  # the field was not changed: its default holds
ENTRY = re.compile(r"\{\\\*\\ffl ([^{}]{0,300})\}")
SYMBOL = re.compile(r"SYMBOL\s{1,9}(\d{1,5})\s.{0,40}?\"(Wingdings[^\"]{0,9})\"", re.DOTALL)
LINK = re.compile(r"\bHYPERLINK\s{1,9}\"([^\"{}]{1,2000})\"")


def read(data: bytes, limits: Limits) -> Outcome:
    """The text, of a very long one its beginning. Raises Unreadable."""
    unread = UnreadParts()
    scan_reader = ScanReader(limits, unread)
    pieces = list(_pieces(data.decode("latin-1")))
    source = "".join(_text_of(kind, piece) for kind, piece in pieces)
    text: str = rtf_to_text(  # type: ignore[no-untyped-call]
        SET_APART.sub(r"\\par ", source[:MAX_BYTES]), encoding="cp1252", errors="replace"
    )
    pictures = [_picture(piece) for kind, piece in pieces if kind == "pict"]
    readable = [image for image in pictures if image]
    words = [picture.read_inside(image, scan_reader) for image in unread.first_files(readable, "picture")]
    for _ in range(len(pictures) - len(readable)):
        unread.skip("picture", None, "unsupported_type")
    for _ in OBJECT.finditer(source):
        unread.skip("attachment", None, "unsupported_type")
    if pieces[-1][0] == "rest" or len(source) > MAX_BYTES:
        unread.skip("rest", None, "too_heavy")
    return unread.outcome("\n".join((text, *words)))


def _pieces(source: str) -> Iterator[tuple[str, str]]:
    """The file in pieces, each with the word of its group, empty for most of it. In one pass.

    What follows after MAX_MARKS braces and words is a last piece called `rest`, without its text.
    """
    start, at, depth = 0, 0, 0
    kind, outer = "", 0  # of the piece: its group, and the depth of that
    for _ in range(MAX_MARKS):
        mark = MARK.search(source, at)
        if mark is None:
            yield kind, source[start:]
            return
        at = mark.end() + int(mark["size"] or 0)
        opens, closes = mark[0] == "{", mark[0] == "}"
        depth += opens
        if not kind:
            group = GROUP.match(source, mark.start()) if opens else None
            if word := group[1] if group else mark["change"]:
                yield "", source[start : mark.start()]
                start, kind, outer = mark.start(), word, depth
        elif depth == outer and (closes or (kind in CHANGES and mark["end"])):
            end = mark.start() if kind in CHANGES else at
            yield kind, source[start:end]
            start, kind = end, ""
        depth -= closes
    yield kind, source[start:at]
    yield "rest", ""


def _text_of(kind: str, piece: str) -> str:
    match kind:
        case "":
            return piece.encode("latin-1").decode("cp1252", "replace")
        case "fldinst":
            return " " + _field(piece)  # else its first word would belong to the control word before it
        case "deleted" | "mvf":
            return ""
    return " "


def _picture(group: str) -> bytes:
    """A JPEG or PNG picture; empty for others."""
    body = group.removesuffix("}")
    if binary := BINARY.search(body):
        head, data = body[: binary.start()], body[binary.end() :][: int(binary[1])].encode("latin-1")
    else:
        control = CONTROL.match(body, body.rfind("\\"))
        end = max(control.end() if control else 0, body.rfind("}") + 1)
        head, data = body[:end], _bytes_of(body[end:])
    return data if READABLE.search(head) else b""


def _bytes_of(hexadecimal: str) -> bytes:
    digits = re.sub(r"[^0-9a-fA-F]", "", hexadecimal)
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _field(orders: str) -> str:
    """The text of a form field, of a sign that is a field, or of a link's target; empty for others."""
    if sign := SYMBOL.search(orders):
        return form_controls.symbol(sign[2], int(sign[1]))
    if link := LINK.search(orders):
        return f"({link[1]}) "
    kind = FIELD.search(orders)
    if kind is None or kind[1] == "0":  # a text: it follows as the field's result
        return ""
    values = [int(found[1]) for pattern in VALUES if (found := pattern.search(orders))]
    value = next((value for value in values if value != NO_VALUE), 0)
    return form_controls.box(value > 0) if kind[1] == "1" else form_controls.chosen(ENTRY.findall(orders), value)
