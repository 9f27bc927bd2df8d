"""Runs of words that belong together, found in a text: the longest first, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Words = tuple[str, ...]


class Phrases:
    """Never changes once built; safe to share between threads."""

    def __init__(self, known: Iterable[Words]) -> None:
        self._known = frozenset(known)
        self._longest: dict[str, int] = {}
        for phrase in self._known:
            self._longest[phrase[0]] = max(len(phrase), self._longest.get(phrase[0], 1))

    def may_be_in(self, words: Iterable[str]) -> bool:
        """Whether any begins with one of these words: for most texts all there is to find out."""
        return not self._longest.keys().isdisjoint(words)

    def cut(self, words: Sequence[str]) -> Iterator[slice]:
        """Where the phrases are, and the words between them one by one: together, the whole text."""
        start = 0
        while start < len(words):
            end = min(start + self._longest.get(words[start], 1), len(words))
            while end > start + 1 and tuple(words[start:end]) not in self._known:
                end -= 1
            yield slice(start, end)
            start = end
