"""Compact postings lists: (number, weight) pairs by key, in a tenth of the memory of dicts of lists.

Keys are stored as their 64-bit salted hashes only: among tens of thousands of keys a collision is practically excluded.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate

from chat.knowledge.cooperative import cooperative


class Postings:
    """Immutable, safe to share between threads."""

    def __init__(self, row_counts: Mapping[str, int], rows: Iterable[tuple[str, int, float]]) -> None:
        """`row_counts` has the number of rows of each key; a row is a key, a number below 65,536 and a weight.

        Rows are consumed one by one: a list of all rows would leave fragmented memory in the process.
        """
        keys = sorted(row_counts, key=hash)
        self._hashes = array("q", map(hash, keys))
        self._starts = array("I", accumulate((row_counts[key] for key in cooperative(keys)), initial=0))
        self._numbers = numbers = array("H", bytes(2 * self._starts[-1]))
        self._weights = weights = array("f", bytes(4 * self._starts[-1]))
        next_free = dict(zip(cooperative(keys), self._starts, strict=False))
        for key, number, weight in rows:
            position = next_free[key]
            numbers[position], weights[position], next_free[key] = number, weight, position + 1

    def get(self, key: str) -> list[tuple[int, float]] | None:
        """The (number, weight) pairs of a key, in the order of the rows; None for an unknown key."""
        return self.get_by_hash(hash(key))

    def get_by_hash(self, key_hash: int) -> list[tuple[int, float]] | None:
        """Like `get`, for a caller that stores only the hash of the key."""
        position = position_of(self._hashes, key_hash)
        if position is None:
            return None
        rows = slice(self._starts[position], self._starts[position + 1])
        return list(zip(self._numbers[rows], self._weights[rows], strict=True))


def position_of(hashes: array[int], key_hash: int) -> int | None:
    """The position of a hash among sorted ones; None if it is not among them."""
    position = bisect_left(hashes, key_hash)
    return position if position < len(hashes) and hashes[position] == key_hash else None
