"""Reads a PDF: text layer and OCR of its pages, and embedded files."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pypdfium2
from pypdfium2 import raw

from chat.documents.kinds import detect_kind
from chat.documents.sandbox import pdf_page
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.ocr import ScanReader
from chat.documents.sandbox.outcome import MAX_UNREAD, Outcome
from chat.documents.sandbox.readers import with_files
from chat.documents.sandbox.unread_parts import UnreadParts
from chat.documents.text import MAX_CHARACTERS
from chat.documents.unreadable import Unreadable

# The placeholder text of an XFA form, which only Adobe Reader can show.
PLACEHOLDER = re.compile(r"Please wait|Veuillez patienter|Adobe (?:Acrobat )?Reader", re.IGNORECASE)
PLACEHOLDER_CHARACTERS = 2000
DATA = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,100}[<{\[]")  # XML and JSON


def read(data: bytes, limits: Limits) -> Outcome:
    """The text of all pages, in order, and of the files in the document. Raises Unreadable."""
    pdf = _open(data)
    if len(pdf) > limits.pages:
        raise Unreadable("too_many_pages")
    pdf.init_forms()
    unread = UnreadParts()
    scan_reader = ScanReader(limits, unread)
    text = "\n\n".join(_page_texts(pdf, scan_reader))
    is_xfa = pdf.get_formtype() in {raw.FORMTYPE_XFA_FULL, raw.FORMTYPE_XFA_FOREGROUND}
    if is_xfa and len(text) < PLACEHOLDER_CHARACTERS and PLACEHOLDER.search(text):
        raise Unreadable("needs_adobe")
    files = list(_files(pdf, unread))
    return with_files(unread.outcome(text, len(pdf), has_more=bool(files)), files, limits)


def _open(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        is_encrypted = error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        raise Unreadable("encrypted" if is_encrypted else "damaged") from None


def _page_texts(pdf: pypdfium2.PdfDocument, scan_reader: ScanReader) -> Iterator[str]:
    characters = 0
    for number in range(1, len(pdf) + 1):
        if characters > MAX_CHARACTERS:
            scan_reader.unread.skip("page", number, "too_many_pages")
            continue
        try:
            text = pdf_page.read(pdf, number, scan_reader)
        except pypdfium2.PdfiumError:
            text = ""
            scan_reader.unread.skip("page", number, "damaged")
        characters += len(text)
        yield text


def _files(pdf: pypdfium2.PdfDocument, unread: UnreadParts) -> Iterator[bytes]:
    """The files in a portfolio, or attached; without data for programs, which invoices carry."""
    count = min(pdf.count_attachments(), MAX_UNREAD)  # a malicious file may claim billions
    for number in unread.first_files(range(count), "attachment"):
        try:
            data = bytes(pdf.get_attachment(number).get_data())
            if detect_kind(data) != "text" or not DATA.match(data):
                yield data
        except pypdfium2.PdfiumError:
            unread.skip("attachment", None, "damaged")
        except Unreadable as error:
            unread.skip("attachment", None, error.code)
