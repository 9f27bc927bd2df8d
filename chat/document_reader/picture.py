"""Pictures: the photograph of a letter, or a scan."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from chat.document_reader import ocr
from chat.document_reader.limits import PICTURE_BYTES, Limits
from chat.document_reader.outcome import Outcome, Unreadable

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")
# The longer side of an A4 page at 300 dpi: beyond it words are read no better, only later.
LONG_SIDE = 3508
# A page sent by a messenger is this small; its letters are read better when they are larger.
SMALL_SIDE = 1800
BYTES = {"1": 1, "L": 1, "P": 1}  # of a dot, as Pillow keeps it; in colour 4

Image.MAX_IMAGE_PIXELS = None  # we count ourselves, after the scaling that JPEG offers for free


def read(data: bytes, limits: Limits) -> Outcome:
    """The words in the picture, those of each page of a TIFF. Raises Unreadable."""
    scans = ocr.Scans(limits)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
            if pages > limits.pages:
                raise Unreadable("too_many_pages")
            texts = [scans.read(partial(_for_reading, page)) for page in _pages(picture, pages)]
    except Image.DecompressionBombError:
        raise Unreadable("too_heavy") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        raise Unreadable("damaged") from None
    return scans.outcome("\n\n".join(texts), pages)


def _pages(picture: Image.Image, count: int) -> Iterator[Image.Image]:
    picture.draft("L", (LONG_SIDE, LONG_SIDE))  # a JPEG is opened at a half, a quarter or an eighth of its size
    for _, frame in zip(range(count), ImageSequence.Iterator(picture), strict=False):
        if frame.width * frame.height * BYTES.get(frame.mode, 4) > PICTURE_BYTES:
            raise Unreadable("too_heavy")
        yield frame


def _for_reading(picture: Image.Image) -> Image.Image:
    """Upright, grey on white, and of a size that suits the reading."""
    grey = (_on_white(picture) if picture.has_transparency_data else picture).convert("L")
    if max(grey.size) > LONG_SIDE:
        grey.thumbnail((LONG_SIDE, LONG_SIDE))
    elif max(grey.size) < SMALL_SIDE:
        grey = grey.resize((grey.width * 2, grey.height * 2), Image.Resampling.BICUBIC)
    return ImageOps.exif_transpose(grey)  # how the camera was held is kept with every copy


def _on_white(picture: Image.Image) -> Image.Image:
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    white.info = picture.info
    return white
