"""Which passages an answer cites while it is being written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chat.core.events import Source
from chat.core.question import Passage

_CITATION = re.compile(r"\[(\d{1,2})\]")
_LONGEST_CITATION = len("[12]")


class Citations:
    """Finds the passages that a growing text cites as `[n]`; the `id` of their source is that number."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = dict(enumerate(passages, start=1))  # not cited so far
        self._end = ""  # end of the text so far: a citation may be split between two pieces

    def of(self, piece: str) -> Sequence[Source]:
        """The sources that the text cites for the first time in its next piece."""
        text = self._end + piece
        self._end = text[-_LONGEST_CITATION:]
        if "]" not in piece:
            return ()
        found = [(digits, self._passages.pop(int(digits), None)) for digits in _CITATION.findall(text)]
        return [passage.source(digits.lstrip("0")) for digits, passage in found if passage]
