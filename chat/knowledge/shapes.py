"""Texts by the shapes of their words: likeness that survives a misspelling, an ending or a compound.

Every word is cut into its pieces of three to five letters, its ends marked; two texts are as like as the angle between
their pieces is small, rare pieces counting most (tf-idf, cosine) and those in half of the texts not at all: leaving
them out spares three quarters of the work and finds as well.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from chat.knowledge.breathing import breathing
from chat.knowledge.postings import Postings

SHORTEST, LONGEST = 3, 5  # letters of a piece, the ends of a word included
COMMON = 0.5  # share of the texts


Cut = Callable[[str], Iterable[str]]


class Shape(NamedTuple):
    """A word, by itself: what it has in common with each text, and the square of its length as a vector."""

    pieces: array[int]  # their hashes
    in_common: array[float]
    square: float


class Shapes:
    """A few dozen texts. Never changes once built; safe to share between threads."""

    def __init__(self, texts: Sequence[str], ignored: frozenset[str]) -> None:
        self._ignored = ignored
        self._size = len(texts)
        most = max(1, int(COMMON * self._size))
        self._unknown, *rarities = (math.log((self._size + 1) / (count + 0.5)) for count in range(most + 1))
        self._rarity = [0.0, *rarities]  # of a piece, by the number of texts that are told apart by it
        cut = lru_cache(maxsize=512)(_pieces)  # an article uses its words again and again
        spread = Counter(piece for text in breathing(texts) for piece in set(self._pieces(text, cut)))
        telling = {piece: count if count <= most else 0 for piece, count in spread.items()}
        self._texts_with = Postings(telling, self._weighed(texts, cut, telling))
        # Whoever asks, the words are mostly the same; to add up what they have is a tenth of the work of finding it.
        self._shape = lru_cache(maxsize=2048)(self._make_shape)

    def likeness(self, words: Iterable[str]) -> list[float]:
        """How alike these words and each of the texts are, between 0 and 1."""
        shapes = [self._shape(word) for word in words if word not in self._ignored]
        columns = zip(*(shape.in_common for shape in shapes), strict=True)
        in_common: list[float] = [sum(column) for column in columns] or [0.0] * self._size
        square = sum([shape.square for shape in shapes])
        pieces = list(chain.from_iterable([shape.pieces for shape in shapes]))
        if len(set(pieces)) < len(pieces):
            square += self._damp(in_common, Counter(pieces))
        length = math.sqrt(square) or 1.0
        return [each / length for each in in_common]

    def _damp(self, in_common: list[float], counts: Counter[int]) -> float:
        """Take off what is too much, where a piece counted in full each time; returns what to add to the square."""
        square = 0.0
        for piece, count in counts.items():
            if count > 1:
                rows, rarity = self._known(piece)
                square += (_damped(count) ** 2 - count) * rarity**2
                for number, weight in rows:
                    in_common[number] += (_damped(count) - count) * rarity * weight
        return square

    def _make_shape(self, word: str) -> Shape:
        pieces = array("q", map(hash, _pieces(word)))
        in_common, square = array("f", bytes(4 * self._size)), 0.0
        for rows, rarity in map(self._known, pieces):
            square += rarity**2
            for number, weight in rows:
                in_common[number] += rarity * weight
        return Shape(pieces, in_common, square)

    def _known(self, piece: int) -> tuple[Sequence[tuple[int, float]], float]:
        """The texts that have a piece, and its rarity."""
        rows = self._texts_with.at(piece)
        return ((), self._unknown) if rows is None else (rows, self._rarity[len(rows)])

    def _weighed(self, texts: Sequence[str], cut: Cut, telling: Mapping[str, int]) -> Iterator[tuple[str, int, float]]:
        """The pieces of every text as a vector of length 1."""
        for number, text in enumerate(breathing(texts)):
            weights = {
                piece: _damped(count) * self._rarity[spread]
                for piece, count in Counter(self._pieces(text, cut)).items()
                if (spread := telling[piece])
            }
            length = math.hypot(*weights.values())
            for piece, weight in weights.items():
                yield piece, number, weight / length

    def _pieces(self, text: str, cut: Cut) -> Iterator[str]:
        return chain.from_iterable(cut(word) for word in text.split() if word not in self._ignored)


def _pieces(word: str) -> list[str]:
    word = f" {word} "
    return [
        word[start : start + length]
        for length in range(SHORTEST, LONGEST + 1)
        for start in range(len(word) - length + 1)
    ]


def _damped(count: int) -> float:
    """What a piece counts that is there so many times."""
    return 1 + math.log(count)
