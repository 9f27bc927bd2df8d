"""Words in pictures, read by tesseract with its French model."""

from __future__ import annotations

import io
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial

from PIL import Image

from chat.document_reader.confinement import end_after
from chat.document_reader.limits import Limits
from chat.document_reader.outcome import Outcome, Unreadable

# A picture in which fewer words are found is not of a letter.
FEW_WORDS = 3
WORD = re.compile(r"[^\W\d_]{3,}")


class Scans:
    """Reads picture after picture as long as there is time, and knows how many were left."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left_out: list[str] = []  # the codes of why
        self._longest = 0.0  # seconds that a picture took
        self._found_words = False

    def read(self, draw: Callable[[], Image.Image]) -> str:
        """The words in what is drawn; none when there is no time left to draw and read it, or nobody to read."""
        if self._left_out or self._limits.seconds_left() < self._longest:
            self._left_out.append(self._left_out[0] if self._left_out else "too_slow")
            return ""
        began = time.monotonic()
        try:
            text = words_in(draw(), self._limits.seconds_left())
        except Unreadable as error:
            self._left_out.append(error.code)
            return ""
        self._longest = max(self._longest, time.monotonic() - began)
        self._found_words = True
        return text

    def outcome(self, text: str, pages: int) -> Outcome:
        """What was read in all. Raises Unreadable when nothing was."""
        if not text.strip() and self._left_out:
            raise Unreadable(self._left_out[0])
        if self._found_words and len(WORD.findall(text)) < FEW_WORDS:
            raise Unreadable("no_words")
        return Outcome(text, pages, pages - len(self._left_out))


def words_in(picture: Image.Image, seconds: float) -> str:
    """The words in a grey picture, turned upright by what they say. Raises Unreadable.

    The picture goes through a pipe: nothing of a letter is ever written to a disk.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise Unreadable("no_ocr")
    bitmap = io.BytesIO()
    picture.save(bitmap, "PPM")  # the plainest format there is; a grey one is called PGM
    with subprocess.Popen(  # noqa: S603 - a fixed command; not `run`, which would kill it, and nobody may here
        [program, "stdin", "stdout", "-l", "fra", "--psm", "1", "--dpi", "300"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=partial(end_after, seconds),  # noqa: PLW1509 - there is one thread here
    ) as tesseract:
        words, complaint = tesseract.communicate(bitmap.getvalue())
    if tesseract.returncode == -signal.SIGALRM:
        raise Unreadable("too_slow")
    if tesseract.returncode:
        raise Unreadable("no_ocr" if b"data file" in complaint else "too_heavy")
    return words.decode("utf-8", "replace").replace("\f", "\n")
