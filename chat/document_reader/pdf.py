"""PDF: the text in it; of pages that are scans, what can be read in their picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from chat.document_reader import ocr
from chat.document_reader.limits import CHARACTERS, Limits
from chat.document_reader.outcome import Outcome, Unreadable

DOTS_PER_INCH = 300
POINTS_PER_INCH = 72
PAGE_PIXELS = 12_000_000  # an A4 page has 8.7 million at 300 dpi; what is larger is drawn coarser
# A page with a picture and fewer letters than that is a scan; its letters are the scanner's name, or a page number.
FEW_LETTERS = 100


def read(data: bytes, limits: Limits) -> Outcome:
    """The text of all pages, in order. Raises Unreadable."""
    pdf = _opened(data)
    if len(pdf) > limits.pages:
        raise Unreadable("too_many_pages")
    if pdf.get_formtype() != raw.FORMTYPE_NONE:
        pdf.init_forms()
    scans = ocr.Scans(limits)
    texts: list[str] = []
    for text in _pages(pdf, scans):
        texts.append(text)
        if sum(map(len, texts)) > CHARACTERS:
            break
    return scans.outcome("\n\n".join(texts), pages=len(pdf))


def _opened(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        raise Unreadable("encrypted" if locked else "damaged") from None


def _pages(pdf: pypdfium2.PdfDocument, scans: ocr.Scans) -> Iterator[str]:
    for number in range(len(pdf)):
        try:
            page = _filled(pdf, number)
        except pypdfium2.PdfiumError:
            raise Unreadable("damaged") from None
        yield _text(page, scans)
        page.close()


def _filled(pdf: pypdfium2.PdfDocument, number: int) -> pypdfium2.PdfPage:
    """The page; what was filled into its form has become part of it."""
    page = pdf[number]
    if page.formenv and page.flatten() == raw.FLATTEN_SUCCESS:
        page.close()
        page = pdf[number]
    return page


def _text(page: pypdfium2.PdfPage, scans: ocr.Scans) -> str:
    text: str = page.get_textpage().get_text_bounded()
    if len(re.findall(r"\w", text)) < FEW_LETTERS and _has_picture(page):
        return scans.read(partial(_drawn, page)) or text
    return text


def _has_picture(page: pypdfium2.PdfPage) -> bool:
    return next(page.get_objects([raw.FPDF_PAGEOBJ_IMAGE], max_depth=4), None) is not None


def _drawn(page: pypdfium2.PdfPage) -> Image.Image:
    scale = DOTS_PER_INCH / POINTS_PER_INCH
    pixels = page.get_width() * page.get_height() * scale**2
    drawn = page.render(scale=scale * min(1, (PAGE_PIXELS / max(pixels, 1)) ** 0.5), grayscale=True)
    picture: Image.Image = drawn.to_pil()
    return picture
