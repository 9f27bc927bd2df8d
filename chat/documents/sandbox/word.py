"""Word: the text of all parts of a .docx, .docm, .dotx or .dotm, and of the pictures in them."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterable, Iterator

from lxml import etree

from chat.documents.sandbox import archive, picture
from chat.documents.sandbox.archive import name_of
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.ocr import ScanReader
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.readers import MAX_FILES
from chat.documents.unreadable import Unreadable

Part = tuple[str, str]  # the kind of a relationship, and the name of its part
BEFORE, AFTER = ("header",), ("footnotes", "endnotes", "footer", "comments")
# The second version of a drawing, for old programs; and what the author has deleted or moved away.
SKIPPED = {"Fallback", "del", "moveFrom"}


def read(data: bytes, limits: Limits) -> Outcome:
    """The text: headers of all kinds, body, notes, footers, then the words in pictures. Raises Unreadable."""
    scan_reader = ScanReader(limits)
    with archive.opened(data) as package:
        main = _main_part(package)
        parts = list(_related(package, main))
        names = [name for kind in BEFORE for name in _of_kind(parts, kind)]
        names += [main, *(name for kind in AFTER for name in _of_kind(parts, kind))]
        texts = ["\n".join(_paragraphs(archive.xml(package, name))) for name in names]
        pictures = dict.fromkeys(image for name in names for image in _of_kind(_related(package, name), "image"))
        texts += _picture_texts(package, list(pictures), scan_reader)
    return scan_reader.outcome("\n".join(text for text in texts if text.strip()))


def _main_part(package: zipfile.ZipFile) -> str:
    """The name of the document's part: not every program calls it `word/document.xml`. Raises KeyError."""
    name = next(_of_kind(_related(package, ""), "officeDocument"), "word/document.xml")
    types = archive.xml(package, "[Content_Types].xml")  # no Word file is without
    if not any("word" in element.get("ContentType", "") for element in types):
        raise Unreadable("unsupported_type")
    return name


def _related(package: zipfile.ZipFile, name: str) -> Iterator[Part]:
    """The parts that a part refers to, in the order of its relationships; without those that are missing."""
    folder, file = posixpath.split(name)
    relationships = posixpath.join(folder, "_rels", f"{file}.rels")
    if relationships not in package.namelist():
        return
    for element in archive.xml(package, relationships):
        target = posixpath.normpath(posixpath.join("/", folder, element.get("Target", ""))).lstrip("/")
        if element.get("TargetMode") != "External":
            yield posixpath.basename(element.get("Type", "")), target


def _of_kind(parts: Iterable[Part], kind: str) -> Iterator[str]:
    return (name for each, name in parts if each == kind)


def _paragraphs(root: etree._Element) -> Iterator[str]:
    for paragraph in root.iter("{*}p"):
        if not any(name_of(ancestor) in SKIPPED for ancestor in paragraph.iterancestors()):
            yield "".join(_fragments(paragraph))


def _fragments(paragraph: etree._Element) -> Iterator[str]:
    """The text of this paragraph, without the paragraphs of text boxes anchored in it."""
    for element in paragraph.iter("{*}t", "{*}tab", "{*}br", "{*}cr", "{*}noBreakHyphen", "{*}sym"):
        ancestors = list(element.iterancestors("{*}p", *(f"{{*}}{name}" for name in SKIPPED)))
        if ancestors[0] is paragraph and name_of(element.getparent()) != "tabs":
            yield TEXTS.get(name_of(element)) or element.text or ""


TEXTS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011", "sym": "▪"}


def _picture_texts(package: zipfile.ZipFile, names: list[str], scan_reader: ScanReader) -> Iterator[str]:
    for name in names[:MAX_FILES]:
        try:
            data = package.read(name)
        except (KeyError, zipfile.BadZipFile):
            scan_reader.skip("picture", None, "damaged")
        else:
            yield scan_reader.read(picture.reader_of(data), part="picture")
    for _ in names[MAX_FILES:]:
        scan_reader.skip("picture", None, "too_many_pages")
