"""Word: the text of a .docx with its headers, tables, text boxes and fields, in the order of the page."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from itertools import chain

import docx
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from lxml import etree

from chat.document_reader import picture
from chat.document_reader.limits import Limits
from chat.document_reader.outcome import Outcome, Unreadable

UNPACKED_BYTES = 100 * 1024 * 1024
ENTRIES = 2000
PARAGRAPH, TEXT, TAB, BREAK = qn("w:p"), qn("w:t"), qn("w:tab"), qn("w:br")
# What is drawn anew for old programs stands there a second time.
SECOND_COPY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


def read(data: bytes, limits: Limits) -> Outcome:
    """The text; of a file that holds nothing but a picture, the words in it. Raises Unreadable."""
    try:
        _check(data)
        document = docx.Document(io.BytesIO(data))
        text = "\n".join(chain.from_iterable(_paragraphs(root) for root in _roots(document)))
    except MemoryError:
        raise
    except (zipfile.BadZipFile, PackageNotFoundError, etree.XMLSyntaxError, KeyError, ValueError, OSError, EOFError):
        raise Unreadable("damaged") from None
    if text.strip():
        return Outcome(text)
    return _read_pictures(document, limits)


def _check(data: bytes) -> None:
    """Raises Unreadable for what would fill the memory when unpacked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable("encrypted")
    if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > UNPACKED_BYTES:
        raise Unreadable("too_heavy")


def _roots(document: Document) -> Iterator[etree._Element]:
    """Header, body and footer. A header that two sections share is given once."""
    headers = [section.header for section in document.sections]
    footers = [section.footer for section in document.sections]
    yield from (header._element for header in headers if not header.is_linked_to_previous)
    yield document.element.body
    yield from (footer._element for footer in footers if not footer.is_linked_to_previous)


def _paragraphs(root: etree._Element) -> Iterator[str]:
    for paragraph in root.iter(PARAGRAPH):
        if next(paragraph.iterancestors(SECOND_COPY), None) is None:
            yield "".join(_pieces(paragraph))


def _pieces(paragraph: etree._Element) -> Iterator[str]:
    """The words of this paragraph, without those of a text box that hangs on it."""
    for piece in paragraph.iter(TEXT, TAB, BREAK):
        if next(piece.iterancestors(PARAGRAPH)) is paragraph:
            yield piece.text or "" if piece.tag == TEXT else "\t" if piece.tag == TAB else "\n"


def _read_pictures(document: Document, limits: Limits) -> Outcome:
    parts = document.part.package.iter_parts()
    pictures = [part.blob for part in parts if part.content_type.startswith("image/")]
    if not pictures:
        raise Unreadable("empty")
    return picture.read(max(pictures, key=len), limits)
