"""Unicode normalisation of untrusted text, in time linear in its length.

`unicodedata.normalize` sorts each run of combining marks in quadratic time (CPython 3.11: 400 KB of them take a
minute), so runs are cut first. No language puts more than a few marks on a letter.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

MAX_MARKS = 8  # in a row; the stream-safe text format of Unicode (UAX 15) allows 30
_FIRST_MARK, _END_OF_MARKS = 0x300, 0x20000  # no Unicode version has marks outside


def normalize(form: Literal["NFC", "NFKC", "NFD", "NFKD"], text: str) -> str:
    """`unicodedata.normalize`, after each run of combining marks has been cut to its first MAX_MARKS."""
    if not text.isascii() and _POSSIBLE_RUN.search(text):
        text = _LONG_RUN.sub(lambda run: run[0][:MAX_MARKS], text)
    return unicodedata.normalize(form, text)  # noqa: TID251 - the one place that bounds the runs


def _is_mark(character: str) -> bool:
    """Whether it joins the run of marks before it, itself or by what it decomposes to (U+0F73, U+FF9E)."""
    return bool(unicodedata.combining(unicodedata.normalize("NFKD", character)[0]))  # noqa: TID251 - one character


_MARKS = "".join(filter(_is_mark, map(chr, range(_FIRST_MARK, _END_OF_MARKS))))
_LONG_RUN = re.compile(f"[{_MARKS}]{{{MAX_MARKS + 1},}}")
# Python's `re` searches single characters above U+FFFF one by one, but a range of them at once.
_POSSIBLE_MARK = f"[{''.join(mark for mark in _MARKS if mark < chr(0x10000))}\U00010000-\U0001ffff]"
_POSSIBLE_RUN = re.compile(f"{_POSSIBLE_MARK}{_POSSIBLE_MARK}{{{MAX_MARKS}}}")
