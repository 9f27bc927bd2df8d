"""Web pages (.html): the text that a browser would show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree, html

from chat.documents.sandbox.archive import name_of
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.readers import with_files
from chat.documents.text import decode, decode_base64
from chat.documents.unreadable import Unreadable

UNSEEN = {"script", "style", "head", "template", "noscript", "object", "svg", "del"}
IN_LINE = {"a", "abbr", "b", "bdi", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong"}
IN_LINE |= {"sub", "sup", "time", "u", "label", "img", "wbr", "ins"}
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def read(data: bytes, limits: Limits) -> Outcome:
    """The text, and the words of pictures inside the file. Raises Unreadable."""
    text, pictures = read_text(decode(data) or "")
    return with_files(Outcome(text), pictures, limits)


def read_text(source: str) -> tuple[str, list[bytes]]:
    """The text, and the pictures inside the file. Raises Unreadable."""
    try:
        root = html.document_fromstring(source.encode(), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, ValueError):
        raise Unreadable("empty") from None
    lines = "".join(_fragments(root)).splitlines()
    sources = (image.get("src", "") for image in root.iter("img"))
    pictures = (decode_base64(source) for source in sources if source.startswith("data:image"))
    return "\n".join(" ".join(line.split()) for line in lines), [data for data in pictures if data]


def _fragments(root: etree._Element) -> Iterator[str]:
    """The text in order, with line ends around blocks. Without recursion: a page may be nested deeply."""
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = name_of(element)
        if event == "start" and (name in UNSEEN or HIDDEN.search(element.get("style", ""))):
            for child in list(element):
                element.remove(child)
            element.text = None
        if name and name not in IN_LINE:
            yield "\t" if name in {"td", "th"} else "\n"
        shown = (element.text if name else "") if event == "start" else element.tail
        yield (shown or "").replace("\n", " ")
