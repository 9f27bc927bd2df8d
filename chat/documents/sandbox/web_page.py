"""Web pages (.html): the text that a browser would show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from lxml import etree, html

from chat.documents.sandbox import form_controls
from chat.documents.sandbox.archive import name_of
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.readers import with_files
from chat.documents.text import decode_base64, decode_declared
from chat.documents.unreadable import Unreadable

UNSEEN = {"script", "style", "head", "template", "noscript", "object", "del", "datalist"}
UNSEEN |= {"title", "desc", "metadata", "defs", "symbol"}  # in drawings
IN_LINE = {"a", "abbr", "b", "bdi", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong"}
IN_LINE |= {"sub", "sup", "time", "u", "label", "img", "wbr", "ins"}
IN_LINE |= {"input", "select", "option", "optgroup", "textarea", "tspan"}
WITHOUT_VALUE = {"hidden", "password", "image", "file"}  # kinds of inputs
SOURCES = {"iframe": "src", "frame": "src", "embed": "src", "object": "data"}  # of files shown in the page
DOTS = {"0", "1"}  # width or height of invisible frames
MAX_HEAD_BYTES = 4096  # in which the charset is declared
# A page that declares another one, and is not in UTF-8, declares a wrong one.
CHARSET = re.compile(rb"<meta[^>]{0,200}\bcharset\s?=\s?[\"']?(iso-8859-\d{1,2}|windows-\d{3,4})\b", re.IGNORECASE)
# The mark of a note is no digit of the number before it (`2026<sup>1</sup>`), unlike cents (`12<sup>,50</sup>`).
NOTE_MARK = re.compile(r"\s*[(\[]?\d(?:[,; ]{1,2}\d)*[)\]]?\s*")
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
ADDRESS = re.compile(r"<([\w.%+-]{1,64}@[\w.-]{1,99})>")  # written as text, but an element to the parser
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def read(data: bytes, limits: Limits) -> Outcome:
    """The text, and that of pictures and files inside the file. Raises Unreadable."""
    text, files = read_text(decode_declared(data, _charset_of(data)))
    return with_files(Outcome(text), files, limits)


def _charset_of(data: bytes) -> str | None:
    """The charset that the page declares; None without one, and for a page that is in UTF-8 whatever it declares."""
    try:
        data.decode()
    except UnicodeDecodeError:
        declared = CHARSET.search(data[:MAX_HEAD_BYTES])
        return declared[1].decode() if declared else None
    return None


def read_text(source: str) -> tuple[str, list[bytes]]:
    """The text, and the pictures and files inside the file, empty ones for those elsewhere. Raises Unreadable."""
    source = ADDRESS.sub(r"&lt;\1&gt;", source)
    try:
        # Without `huge_tree` the page would end, and nothing be said, at a text or picture of ten million characters.
        root = html.document_fromstring(source.encode(), parser=html.HTMLParser(encoding="utf-8", huge_tree=True))
    except (etree.ParserError, ValueError):
        raise Unreadable("empty") from None
    except etree.XMLSyntaxError:  # the memory is full: the parser reads on behind every other error
        raise Unreadable("too_heavy") from None
    _show_controls(root)
    lines = "".join(_fragments(root)).splitlines()
    sources = (image.get("src", "") for image in root.iter("img"))
    pictures = (decode_base64(source) for source in sources if source.startswith("data:image"))
    files = [*(data for data in pictures if data), *_files(root)]
    return "\n".join(" ".join(line.split()) for line in lines), files


def _files(root: etree._Element) -> Iterator[bytes]:
    for element in root.iter(*SOURCES):
        source = element.get(SOURCES[name_of(element)], "")
        if "srcdoc" in element.attrib:
            yield f"<!DOCTYPE html>{element.get('srcdoc')}".encode()
        elif source.startswith("data:"):
            head, _, content = source.partition(",")
            yield (decode_base64(source) or b"") if head.endswith(";base64") else unquote_to_bytes(content)
        elif source and not (_is_hidden(element) or {element.get("width"), element.get("height")} & DOTS):
            yield b""


def _is_hidden(element: etree._Element) -> bool:
    return element.get("hidden") is not None or bool(HIDDEN.search(element.get("style", "")))


def _show_controls(root: etree._Element) -> None:
    """Write the values of form controls into the page, and leave out what is not chosen."""
    for control in root.iter("input"):
        kind = control.get("type", "").lower()
        if kind in {"checkbox", "radio"}:
            control.text = f" {form_controls.box('checked' in control.attrib)} "
        elif kind not in WITHOUT_VALUE:
            control.text = f" {control.get('value', '')} "
    for control in root.iter("select"):
        options = list(control.iter("option"))
        chosen = {option for option in options if "selected" in option.attrib}
        if not chosen and "multiple" not in control.attrib:
            chosen = set(options[:1])
        for option in options:
            option.text = f" {option.text or ''} " if option in chosen else ""


def _fragments(root: etree._Element) -> Iterator[str]:
    """The text in order, with line ends around blocks. Without recursion: a page may be nested deeply."""
    raised = 0  # elements around the text
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = name_of(element)
        if name == "sup":
            raised += 1 if event == "start" else -1
        if event == "start" and (name in UNSEEN or _is_hidden(element)):
            for child in list(element):
                element.remove(child)
            element.text = None
        if name and name not in IN_LINE:
            yield "\t" if name in {"td", "th"} else "\n"
        shown = (element.text if name else "") if event == "start" else element.tail
        text = (shown or "").replace("\n", " ")
        yield text.translate(RAISED) if raised and NOTE_MARK.fullmatch(text) else text
