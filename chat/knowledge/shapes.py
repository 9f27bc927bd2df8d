"""Texts by the shapes of their words: likeness that survives a misspelling, an ending or a compound.

Every word is cut into its pieces of three to five letters, its ends marked; two texts are as like as the angle between
their pieces is small, rare pieces counting most (tf-idf, cosine) and those in half of the texts not at all: leaving
them out spares three quarters of the work and finds as well.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from chat.knowledge.breathing import breathing

SHORTEST, LONGEST = 3, 5  # letters of a piece, the ends of a word included
COMMON = 0.5  # share of the texts


class Shapes:
    """A few dozen texts. Never changes once built; safe to share between threads."""

    def __init__(self, texts: Sequence[str], ignored: frozenset[str]) -> None:
        self._ignored = ignored
        pieces = [self._pieces(text) for text in breathing(texts)]
        spread = Counter(piece for counts in pieces for piece in counts)
        self._rarity = {piece: self._rarity_of(count, len(texts)) for piece, count in spread.items()}
        self._unknown = self._rarity_of(0, len(texts))
        self._texts_with: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, counts in enumerate(breathing(pieces)):
            for piece, weight in self._weighed(counts).items():
                if weight:
                    self._texts_with[piece].append((number, weight))

    @staticmethod
    def _rarity_of(count: int, texts: int) -> float:
        return math.log((texts + 1) / (count + 0.5)) if count <= max(1, COMMON * texts) else 0.0

    def likeness(self, text: str) -> dict[int, float]:
        """Between 0 and 1 for the number of each text that shares a piece with this one."""
        likeness: dict[int, float] = defaultdict(float)
        for piece, weight in self._weighed(self._pieces(text)).items():
            for number, its_weight in self._texts_with.get(piece, ()):
                likeness[number] += weight * its_weight
        return likeness

    def _pieces(self, text: str) -> Counter[str]:
        words = (f" {word} " for word in text.split() if word not in self._ignored)
        return Counter(
            word[start : start + length]
            for word in words
            for length in range(SHORTEST, LONGEST + 1)
            for start in range(len(word) - length + 1)
        )

    def _weighed(self, counts: Counter[str]) -> dict[str, float]:
        """The pieces as a vector of length 1."""
        weights = {
            piece: (1 + math.log(count)) * self._rarity.get(piece, self._unknown) for piece, count in counts.items()
        }
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {piece: weight / length for piece, weight in weights.items()}
