"""Typing errors: the known words that an unknown one may have been meant to be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

SHORTEST = 4  # letters of an unknown word; a shorter one resembles too many


class Spelling:
    """Known words by what is left of them after a typing error: a lookup instead of a comparison with every word."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known: dict[str, set[str]] = defaultdict(set)
        for word in known:
            if len(word) >= SHORTEST - 1 and word.isalpha():
                for form in _blurred(word):
                    self._known[form].add(word)

    def near(self, word: str) -> set[str]:
        """Known words one error away: a letter more, less, other, or two swapped."""
        if len(word) < SHORTEST or not word.isalpha():
            return set()
        return set().union(*(self._known.get(form, ()) for form in _blurred(word)))


def _blurred(word: str) -> set[str]:
    """The word, and the word without any one of its letters: two that share a form are an error apart."""
    return {word} | {word[:place] + word[place + 1 :] for place in range(len(word))}
