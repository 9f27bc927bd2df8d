"""Many short texts, each with some small numbers and their weights, in a tenth of the memory that dicts of lists take.

The texts themselves aren't kept: a text is known by its hash, which is 64 bits wide and salted, so that among tens of
thousands none is taken for another. What the numbers stand for is their owner's affair.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate

from chat.knowledge.breathing import breathing


class Postings:
    """Never changes once built; safe to share between threads."""

    def __init__(self, spread: Mapping[str, int], rows: Iterable[tuple[str, int, float]]) -> None:
        """`spread` says how many rows each text has; a row is a text, a number below 65,536 and a weight.

        The rows are read one by one and not gathered: what a build gathers, the process keeps for ever as fragments.
        """
        texts = sorted(spread, key=hash)
        self._hashes = array("q", map(hash, texts))
        self._starts = array("I", accumulate((spread[text] for text in breathing(texts)), initial=0))
        self._numbers = numbers = array("H", bytes(2 * self._starts[-1]))
        self._weights = weights = array("f", bytes(4 * self._starts[-1]))
        free = dict(zip(breathing(texts), self._starts, strict=False))
        for text, number, weight in rows:
            place = free[text]
            numbers[place], weights[place], free[text] = number, weight, place + 1

    def of(self, text: str) -> list[tuple[int, float]] | None:
        """The numbers of a text, each with its weight, in the order of the rows; None for a text that isn't here."""
        return self.at(hash(text))

    def at(self, sought: int) -> list[tuple[int, float]] | None:
        """The same for who has kept no more than the text's hash either."""
        place = bisect_left(self._hashes, sought)
        if place == len(self._hashes) or self._hashes[place] != sought:
            return None
        run = slice(self._starts[place], self._starts[place + 1])
        return list(zip(self._numbers[run], self._weights[run], strict=True))
