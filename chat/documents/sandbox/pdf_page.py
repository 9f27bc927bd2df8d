"""Reads one page of a PDF: its text layer is compared with the rendered page, and OCR reads the missing parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import groupby, islice
from typing import NamedTuple

import pypdfium2
from PIL import Image, ImageDraw
from pypdfium2 import raw

from chat.documents.sandbox import form_controls
from chat.documents.sandbox.ocr import ScanReader, has_ink

DOTS_PER_INCH = 300
POINTS_PER_INCH = 72
MAX_PAGE_PIXELS = 12_000_000  # A4 at 300 dpi has 8.7 million; larger pages are rendered at a lower resolution
# A page with an image and fewer letters is a scan: its only text is a page number or the scanner's name.
MIN_LETTERS = 100
MIN_WORDS = 20  # to judge whether they are of a language
MAX_MEAN_LENGTH = 8  # letters in a word
MIN_COMMON_SHARE = 0.06  # of the words; French and English letters have 0.2 to 0.4
COMMON_WORDS = frozenset(
    """
    le la les de des du un une et à au aux en est que qui pour par sur vous votre vos nous ce cette dans ne pas plus
    avec son sa ou mois the of and to in is for you your that with on be
    """.split()  # noqa: SIM905 more readable than a list
)
MAX_UNMAPPED_SHARE = 0.05  # of the characters; more mean a font without a Unicode map
MAX_CHARACTERS_JUDGED = 4000
MIN_PICTURE_SHARE = 0.003  # of the page's area; a smaller picture is an ornament
MIN_UNREAD_SHARE = 0.15  # of the page's area: from this size on, a picture without words is reported as unread
MIN_CURVES = 100  # of drawn shapes: about ten letters as outlines
MAX_OBJECTS = 5000
MAX_BOXES = 500  # check boxes on a page
LINE_POINTS = 2.0  # above and below the middle of a check box there is the text of its line
BOX_KINDS = {raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON}
MARGIN_POINTS = 1.5  # around text that is covered before the rest is read


class Box(NamedTuple):
    """A check box on a page, in points from its lower left corner."""

    left: float
    bottom: float
    right: float
    top: float
    is_ticked: bool


def read(pdf: pypdfium2.PdfDocument, number: int, scan_reader: ScanReader) -> str:
    """The text of page `number`, from 1. Raises PdfiumError."""
    page = pdf[number - 1]
    notes = list(_free_texts(page))
    boxes = list(islice(_boxes(pdf, page), MAX_BOXES))
    if raw.FPDFPage_GetAnnotCount(page) and raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) == raw.FLATTEN_SUCCESS:
        page.close()
        page = pdf[number - 1]  # with the values of form fields, stamps and notes as part of it
    text_page = page.get_textpage()
    # Of lines that run upwards or downwards, as on a page that is shown turned, the other one omits the ends.
    text = _text_inside(page, text_page) if page.get_rotation() % 180 else text_page.get_text_bounded()
    text = "\n".join((text, *(note for note in notes if note not in text)))
    letters = len(re.findall(r"\w", text))
    picture_share, has_drawings = _pictures(page)
    if letters < MIN_LETTERS and (picture_share or has_drawings):
        text = scan_reader.read(partial(_render, page), number) or text
    elif letters and not _is_language(text, text_page):
        scanned = scan_reader.read(partial(_render, page), number)
        text = scanned if _common_share(scanned) > _common_share(text) else text
    elif picture_share or has_drawings:
        text += "\n" + _text_beside(page, text_page, number, scan_reader, picture_share)
    text = "\n".join((text, *_lines_of(boxes, text_page)))
    page.close()
    return text


def _text_inside(page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage) -> str:
    """The text whose characters lie on the visible part of the page."""
    left, bottom, right, top = page.get_bbox()

    def is_inside(number: int) -> bool:
        x0, y0, x1, y1 = text_page.get_charbox(number)
        is_shown = left <= (x0 + x1) / 2 <= right and bottom <= (y0 + y1) / 2 <= top
        return is_shown or bool(raw.FPDFText_IsGenerated(text_page, number) == 1)  # spaces and line ends have no place

    runs = (list(run) for shown, run in groupby(range(text_page.count_chars()), is_inside) if shown)
    return "\n".join(text_page.get_text_range(run[0], len(run)) for run in runs)


def _free_texts(page: pypdfium2.PdfPage) -> Iterator[str]:
    """The text of annotations typed onto the page; some programs store no appearance for it."""
    for number in range(min(raw.FPDFPage_GetAnnotCount(page), MAX_OBJECTS)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if raw.FPDFAnnot_GetSubtype(annotation) == raw.FPDF_ANNOT_FREETEXT:
            size = raw.FPDFAnnot_GetStringValue(annotation, b"Contents", None, 0)
            buffer = (raw.FPDF_WCHAR * (size // 2 + 1))()
            raw.FPDFAnnot_GetStringValue(annotation, b"Contents", buffer, size)
            yield bytes(buffer)[: max(0, size - 2)].decode("utf-16-le", "ignore").replace("\r", "\n")
        raw.FPDFPage_CloseAnnot(annotation)


def _boxes(pdf: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> Iterator[Box]:
    """The check boxes and radio buttons: their ticks are drawings, and empty ones show nothing."""
    if pdf.formenv is None:
        return
    for number in range(min(raw.FPDFPage_GetAnnotCount(page), MAX_OBJECTS)):
        annotation, place = raw.FPDFPage_GetAnnot(page, number), raw.FS_RECTF()
        is_box = raw.FPDFAnnot_GetFormFieldType(pdf.formenv, annotation) in BOX_KINDS
        is_ticked = is_box and bool(raw.FPDFAnnot_IsChecked(pdf.formenv, annotation))
        raw.FPDFAnnot_GetRect(annotation, place)
        raw.FPDFPage_CloseAnnot(annotation)
        if is_box:
            yield Box(place.left, place.bottom, place.right, place.top, is_ticked)


def _lines_of(boxes: list[Box], text_page: pypdfium2.PdfTextPage) -> Iterator[str]:
    """Each line that has boxes, with them at their places: `Accord ☒ Refus ☐`."""
    while boxes:
        middle = (boxes[0].bottom + boxes[0].top) / 2
        line = sorted(box for box in boxes if box is boxes[0] or box.bottom < middle < box.top)
        boxes = [box for box in boxes if box not in line]
        between = partial(text_page.get_text_bounded, bottom=middle - LINE_POINTS, top=middle + LINE_POINTS)
        lefts, rights = (None, *(box.right for box in line)), (*(box.left for box in line), None)
        texts = (between(left=left, right=right) for left, right in zip(lefts, rights, strict=True))
        marks = (*(form_controls.box(box.is_ticked) for box in line), "")
        yield " ".join(" ".join(f"{text} {mark}".split()) for text, mark in zip(texts, marks, strict=True)).strip()


def _pictures(page: pypdfium2.PdfPage) -> tuple[float, bool]:
    """The share of the page's area that pictures cover, and whether it has drawings that may be letters."""
    page_area = max(1.0, page.get_width() * page.get_height())
    share, curves = 0.0, 0
    kinds = [raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_SHADING]
    for shape in islice(page.get_objects(kinds, max_depth=4), MAX_OBJECTS):
        if shape.type == raw.FPDF_PAGEOBJ_PATH:
            curves += _curves(shape) if curves < MIN_CURVES else 0
            continue
        left, bottom, right, top = shape.get_bounds()
        area = max(0.0, right - left) * max(0.0, top - bottom) / page_area
        share += area if area >= MIN_PICTURE_SHARE else 0.0
    return share, curves >= MIN_CURVES


def _curves(path: pypdfium2.PdfObject) -> int:
    count = min(raw.FPDFPath_CountSegments(path), MAX_OBJECTS)
    kinds = (raw.FPDFPathSegment_GetType(raw.FPDFPath_GetPathSegment(path, number)) for number in range(count))
    return [kind == raw.FPDF_SEGMENT_BEZIERTO for kind in kinds].count(True) // 3


def _is_language(text: str, text_page: pypdfium2.PdfTextPage) -> bool:
    """Whether the text is what people read on the page; not so for a font that maps its shapes to other letters."""
    count = min(text_page.count_chars(), MAX_CHARACTERS_JUDGED)
    unmapped = sum(raw.FPDFText_HasUnicodeMapError(text_page, number) == 1 for number in range(count))
    return unmapped <= MAX_UNMAPPED_SHARE * count and _common_share(text) >= MIN_COMMON_SHARE


def _common_share(text: str) -> float:
    """The share of words that every letter has; 1 for too few words to say."""
    words = re.findall(r"[^\W\d_]+", text[:MAX_CHARACTERS_JUDGED].lower())
    count = max(len(words), sum(map(len, words)) // MAX_MEAN_LENGTH)  # a wrong letter may stand for the spaces
    if count < MIN_WORDS:
        return 1.0 if words else 0.0
    return sum(word in COMMON_WORDS for word in words) / count


def _text_beside(
    page: pypdfium2.PdfPage,
    text_page: pypdfium2.PdfTextPage,
    number: int,
    scan_reader: ScanReader,
    picture_share: float,
) -> str:
    """The text that OCR reads on the page, without the text layer."""
    rest = _render(page, text_page)
    if not has_ink(rest):
        return ""
    box = rest.point(lambda shade: 255 * (shade < 128)).getbbox()
    text = scan_reader.read(lambda: rest.crop(box), number, "picture", is_letter=False)
    if not text.strip() and picture_share > MIN_UNREAD_SHARE:
        scan_reader.unread.skip("picture", number, "no_words")
    return text


def _render(page: pypdfium2.PdfPage, without: pypdfium2.PdfTextPage | None = None) -> Image.Image:
    """The page in grey; if asked, with its text covered."""
    scale = DOTS_PER_INCH / POINTS_PER_INCH
    pixels = page.get_width() * page.get_height() * scale**2
    bitmap = page.render(scale=scale * min(1, (MAX_PAGE_PIXELS / max(pixels, 1)) ** 0.5), grayscale=True)
    image: Image.Image = bitmap.to_pil()
    if without is not None:
        image = image.copy()
        places, draw = bitmap.get_posconv(page), ImageDraw.Draw(image)
        for number in range(min(without.count_rects(), MAX_OBJECTS)):
            left, bottom, right, top = without.get_rect(number)
            x0, y0 = places.to_bitmap(left - MARGIN_POINTS, top + MARGIN_POINTS)
            x1, y1 = places.to_bitmap(right + MARGIN_POINTS, bottom - MARGIN_POINTS)
            draw.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), fill=255)
    return image
