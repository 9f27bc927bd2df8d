"""Images: photos and scans of letters, recognised by OCR."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pi_heif
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from chat.documents.sandbox.limits import MAX_IMAGE_BYTES, Limits
from chat.documents.sandbox.ocr import ScanReader
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.unread_parts import MAX_FILES, UnreadParts
from chat.documents.unreadable import Unreadable

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF")
KNOWN_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"II*\0", b"MM\0*", b"GIF8", b"BM")
PAGED = {"TIFF", "GIF"}  # faxes and slides; other formats have frames of the same picture
# Pixels of the longer side. 3508 is A4 at 300 dpi: a larger image is read more slowly and no better.
MAX_SIDE = 3508
# A smaller image, as messengers send it, is read better when enlarged.
MIN_SIDE = 1800
# In another document, a smaller image without words is a logo: no letter would be legible in it.
MIN_LETTER_PIXELS = 100_000
BYTES_PER_PIXEL = {"1": 1, "L": 1, "P": 1}  # in Pillow's memory, by mode; 4 in all others

pi_heif.register_heif_opener()
pi_heif.options.DECODE_THREADS = 1  # the stack of each thread counts as memory
Image.MAX_IMAGE_PIXELS = None  # replaced by the check in `_frames`, which follows the free downscaling of JPEG


def read(data: bytes, limits: Limits) -> Outcome:
    """The text of the image, or of all pages of a TIFF. Raises Unreadable."""
    unread = UnreadParts()
    scan_reader = ScanReader(limits, unread)
    with _opened(data) as image:
        pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        if pages > limits.pages:
            raise Unreadable("too_many_pages")
        is_ornament = limits.depth > 0 and image.width * image.height < MIN_LETTER_PIXELS
        texts = [
            scan_reader.read(
                partial(_prepare_for_ocr, frame),
                number,
                "picture" if is_ornament else "page",
                is_letter=not is_ornament,
            )
            for number, frame in enumerate(_frames(image, pages), 1)
        ]
    outcome = unread.outcome("\n\n".join(texts), pages)
    if not outcome.text.strip() and not is_ornament:
        raise Unreadable("no_words")
    return outcome


def read_inside(data: bytes, scan_reader: ScanReader) -> str:
    """The words of a picture in a document, of all pages of a TIFF. A large one without words is reported as unread."""
    try:
        with _opened(data) as image:
            is_letter = image.width * image.height >= MIN_LETTER_PIXELS
            frames = _frames(image, MAX_FILES if image.format == "TIFF" else 1)
            texts = [
                scan_reader.read(partial(_prepare_for_ocr, frame), part="picture", is_letter=is_letter)
                for frame in frames
            ]
            if is_letter and image.format in PAGED and getattr(image, "n_frames", 1) > len(texts):
                scan_reader.unread.skip("picture", None, "too_many_pages")
    except Unreadable as error:
        scan_reader.unread.skip("picture", None, error.code)
        return ""
    return "\n".join(texts)


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            yield image
    except Image.DecompressionBombError:
        raise Unreadable("too_heavy") from None
    except UnidentifiedImageError:
        is_known = data.startswith(KNOWN_SIGNATURES) or data[4:8] == b"ftyp"
        raise Unreadable("damaged" if is_known else "unsupported_type") from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise Unreadable("damaged") from None


def _frames(image: Image.Image, count: int) -> Iterator[Image.Image]:
    image.draft("L", (MAX_SIDE, MAX_SIDE))  # decodes a JPEG at a half, a quarter or an eighth of its size
    for _, frame in zip(range(count), ImageSequence.Iterator(image), strict=False):
        if frame.width * frame.height * BYTES_PER_PIXEL.get(frame.mode, 4) > MAX_IMAGE_BYTES:
            raise Unreadable("too_heavy")
        yield frame


def _prepare_for_ocr(image: Image.Image) -> Image.Image:
    """Greyscale on white, upright, and scaled to a size that suits OCR."""
    grey = (_on_white(image) if image.has_transparency_data else image).convert("L")
    if max(grey.size) > MAX_SIDE:
        grey.thumbnail((MAX_SIDE, MAX_SIDE))
    elif max(grey.size) < MIN_SIDE:
        grey = grey.resize((grey.width * 2, grey.height * 2), Image.Resampling.BICUBIC)
    return ImageOps.exif_transpose(grey)  # Pillow's copies keep the EXIF orientation


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    white.info = image.info
    return white
