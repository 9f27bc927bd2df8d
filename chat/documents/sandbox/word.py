"""Word: the text of all parts of a .docx, .docm, .dotx or .dotm, and of the pictures in them."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterable, Iterator

from lxml import etree

from chat.documents.sandbox import archive, form_controls, picture, tables
from chat.documents.sandbox.archive import attribute, name_of
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.ocr import ScanReader
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.readers import with_files
from chat.documents.sandbox.unread_parts import UnreadParts
from chat.documents.unreadable import Unreadable

Part = tuple[str, str]  # the kind of a relationship, and the name of its part
BEFORE, AFTER = ("header",), ("footnotes", "endnotes", "footer", "comments")
TEXT_PARTS = {*BEFORE, *AFTER}
DRAWN = {"diagramData", "chart"}  # SmartArt and charts
EMBEDDED = {"package", "oleObject", "aFChunk"}  # files of other programs, and documents that Word inserts when it opens
# The second version of a drawing, for old programs; and what the author has deleted or moved away.
SKIPPED = {"Fallback", "del", "moveFrom"}


def read(data: bytes, limits: Limits) -> Outcome:
    """The text: headers of all kinds, body, notes, footers, then drawings, pictures and embedded files.

    Raises Unreadable.
    """
    unread = UnreadParts()
    scan_reader = ScanReader(limits, unread)
    with archive.opened(data) as package:
        main = _main_part(package)
        # A program may leave the reference to comments or a footer that it took out, or an empty file in their place.
        written = {entry.filename for entry in package.infolist() if entry.file_size}
        parts = [(kind, name) for kind, name in _related(package, main) if name in written or kind not in TEXT_PARTS]
        names = [name for kind in BEFORE for name in _of_kind(parts, kind)]
        names += [main, *(name for kind in AFTER for name in _of_kind(parts, kind))]
        texts = ["\n".join(_lines(archive.xml(package, name))) for name in names]
        related = list(dict.fromkeys(part for name in names for part in _related(package, name)))
        texts += _drawing_texts(package, [name for kind, name in related if kind in DRAWN], unread)
        texts += _picture_texts(package, list(_of_kind(related, "image")), scan_reader)
        files = list(_files(package, [name for kind, name in related if kind in EMBEDDED], unread))
    outcome = unread.outcome("\n".join(text for text in texts if text.strip()), has_more=bool(files))
    return with_files(outcome, files, limits)


def _main_part(package: zipfile.ZipFile) -> str:
    """The name of the document's part: not every program calls it `word/document.xml`. Raises KeyError."""
    name = next(_of_kind(_related(package, ""), "officeDocument"), "word/document.xml")
    types = archive.xml(package, "[Content_Types].xml")  # no Word file is without
    if not any("word" in element.get("ContentType", "") for element in types):
        raise Unreadable("unsupported_type")
    return name


def _related(package: zipfile.ZipFile, name: str) -> Iterator[Part]:
    """The parts that a part refers to, in the order of its relationships; some may be missing."""
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


def _lines(root: etree._Element) -> Iterator[str]:
    return tables.lines(
        (paragraph, "".join(_fragments(paragraph)))
        for paragraph in root.iter("{*}p")
        if not any(name_of(ancestor) in SKIPPED for ancestor in paragraph.iterancestors())
    )


def _fragments(paragraph: etree._Element) -> Iterator[str]:
    """The text of this paragraph, without the paragraphs of text boxes anchored in it."""
    for element in paragraph.iter(*(f"{{*}}{name}" for name in (*TEXTS, "t", "sym", "checkBox", "ddList"))):
        ancestors = list(element.iterancestors("{*}p", *(f"{{*}}{name}" for name in SKIPPED)))
        if ancestors[0] is paragraph and name_of(element.getparent()) != "tabs":
            yield TEXTS.get(name_of(element)) or _text_of(element)


TEXTS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}


def _text_of(element: etree._Element) -> str:
    """The text of a run, a sign of another font, a tick box or a list of a form."""
    match name_of(element):
        case "sym":
            code = form_controls.number(attribute(element, "char"), 16)
            return form_controls.symbol(attribute(element, "font"), code)
        case "checkBox":
            return form_controls.box(form_controls.is_on(_first_of(element, "checked", "default", missing="0")))
        case "ddList":
            number = form_controls.number(_first_of(element, "result", "default", missing="0"))
            return form_controls.chosen([attribute(each, "val") for each in element.iter("{*}listEntry")], number)
    return element.text or ""


def _first_of(element: etree._Element, *names: str, missing: str) -> str:
    """The value of the first of these children that there is."""
    children = (element.find(f"{{*}}{name}") for name in names)
    return next((attribute(child, "val") for child in children if child is not None), missing)


def _drawing_texts(package: zipfile.ZipFile, names: list[str], unread: UnreadParts) -> Iterator[str]:
    """The words of SmartArt and charts, and the names and values in a chart."""
    for name in unread.first_files(names, "picture"):
        try:
            root = archive.xml(package, name)
        except (KeyError, zipfile.BadZipFile, etree.XMLSyntaxError):
            unread.skip("picture", None, "damaged")
        else:
            series = ("\t".join(value.text or "" for value in each.iter("{*}v")) for each in root.iter("{*}ser"))
            yield "\n".join((*_lines(root), *series))


def _picture_texts(package: zipfile.ZipFile, names: list[str], scan_reader: ScanReader) -> Iterator[str]:
    for name in scan_reader.unread.first_files(names, "picture"):
        try:
            data = package.read(name)
        except (KeyError, zipfile.BadZipFile):
            scan_reader.unread.skip("picture", None, "damaged")
        else:
            yield picture.read_inside(data, scan_reader)


def _files(package: zipfile.ZipFile, names: list[str], unread: UnreadParts) -> Iterator[bytes]:
    for name in unread.first_files(names, "attachment"):
        try:
            yield package.read(name)
        except (KeyError, zipfile.BadZipFile):
            unread.skip("attachment", None, "damaged")
