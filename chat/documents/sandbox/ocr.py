"""Text recognition in images by tesseract, with its French model."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial

from PIL import Image

from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.restrictions import exit_after
from chat.documents.sandbox.unread_parts import UnreadParts, has_words
from chat.documents.unreadable import Part, Unreadable

DARK = 128  # darker grey values (0 to 255) count as ink
BLANK = (255, 255)
MIN_INK = 0.001  # share of dark pixels: less is dust on an empty page


class ScanReader:
    """Recognises the images of one document while there is time; those it does not read are added to `unread`."""

    def __init__(self, limits: Limits, unread: UnreadParts) -> None:
        self.unread = unread
        self._limits = limits
        self._gave_up = ""  # the code why no more images are read
        self._longest = 0.0  # seconds for the slowest image so far

    def read(
        self,
        render: Callable[[], Image.Image],
        page: int | None = None,
        part: Part = "page",
        *,
        is_letter: bool = True,
    ) -> str:
        """The text of the rendered image; empty if it has none, if time is short or if it cannot be read.

        One that can be a letter and has no words is reported as unread.

        After the first image that there was no time or no program for, no other is tried.
        """
        try:
            return self._recognise(render, part, is_letter=is_letter)
        except Unreadable as error:
            if error.code in {"too_slow", "no_ocr"}:
                self._gave_up = error.code
            self.unread.skip(part, page, error.code)
            return ""

    def _recognise(self, render: Callable[[], Image.Image], part: Part, *, is_letter: bool) -> str:
        if self._gave_up or self._limits.seconds_left() < self._longest:
            raise Unreadable(self._gave_up or "too_slow")
        started_at = time.monotonic()
        image = render()
        if is_letter and not has_ink(image):
            # A scan of an empty page has dust: this picture could not be drawn.
            if part == "page" and image.getextrema() == BLANK:
                raise Unreadable("no_words")
            return ""
        text = recognise(image, self._limits.seconds_left())
        self._longest = max(self._longest, time.monotonic() - started_at)
        if is_letter and not has_words(text):
            raise Unreadable("no_words")
        return text


def has_ink(image: Image.Image) -> bool:
    """Whether the greyscale image is more than an empty page."""
    return sum(image.histogram()[:DARK]) > MIN_INK * image.width * image.height


def recognise(image: Image.Image, seconds: float) -> str:
    """The text of a greyscale image, in any orientation. Raises Unreadable.

    The image is sent through a pipe: nothing of a document is written to disk.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise Unreadable("no_ocr")
    bitmap = io.BytesIO()
    image.save(bitmap, "PPM")  # uncompressed; greyscale makes it a PGM
    with _start(program, seconds) as tesseract:
        text, errors = tesseract.communicate(bitmap.getvalue())
    if tesseract.returncode == -signal.SIGALRM:
        raise Unreadable("too_slow")
    if tesseract.returncode:
        raise Unreadable("no_ocr" if b"data file" in errors else "too_heavy")
    return text.decode("utf-8", "replace").replace("\f", "\n")


def _start(program: str, seconds: float) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - a fixed command; `run` would send signals, which the sandbox forbids
            [program, "stdin", "stdout", "-l", "fra", "--psm", "1", "--dpi", "300"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=partial(exit_after, seconds),  # noqa: PLW1509 - this process has one thread
        )
    except OSError:  # the system has no more processes, for example; the document is not damaged
        raise Unreadable("no_ocr") from None
