"""OpenDocument text (.odt, of LibreOffice): headers, body, notes, footers, and the words in pictures."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from lxml import etree

from chat.documents.sandbox import archive, picture
from chat.documents.sandbox.archive import name_of
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.ocr import ScanReader
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.readers import MAX_FILES
from chat.documents.unreadable import Unreadable

PARAGRAPHS = ("{*}p", "{*}h")
SPACES = {"s": " ", "tab": "\t", "line-break": "\n"}
DELETED = "{*}tracked-changes"


def read(data: bytes, limits: Limits) -> Outcome:
    """The text of the file. Raises Unreadable."""
    scan_reader = ScanReader(limits)
    with archive.opened(data) as package:
        manifest = "META-INF/manifest.xml"
        if manifest in package.namelist() and b"encryption-data" in package.read(manifest):
            raise Unreadable("encrypted")
        parts = [archive.xml(package, name) for name in ("styles.xml", "content.xml") if name in package.namelist()]
        if not parts:
            raise Unreadable("damaged")
        texts = ["\n".join(_paragraphs(root)) for root in parts]
        links = [element.get(LINK, "") for root in parts for element in root.iter("{*}image")]
        texts += _picture_texts(package, [link for link in dict.fromkeys(links) if link], scan_reader)
    return scan_reader.outcome("\n".join(text for text in texts if text.strip()))


LINK = "{http://www.w3.org/1999/xlink}href"


def _paragraphs(root: etree._Element) -> Iterator[str]:
    for paragraph in root.iter(*PARAGRAPHS):
        if next(paragraph.iterancestors(DELETED), None) is None:
            yield "".join(_fragments(paragraph))


def _fragments(element: etree._Element) -> Iterator[str]:
    """The text of this paragraph, without the paragraphs of frames and notes anchored in it."""
    yield SPACES.get(name_of(element), "") + (element.text or "")
    for child in element:
        if name_of(child) not in {"p", "h"}:
            yield from _fragments(child)
        yield child.tail or ""


def _picture_texts(package: zipfile.ZipFile, links: list[str], scan_reader: ScanReader) -> Iterator[str]:
    for link in links[: MAX_FILES + 1]:
        if link not in package.namelist():
            scan_reader.skip("picture", None, "damaged")
        else:
            yield scan_reader.read(picture.reader_of(package.read(link)), part="picture")
