"""Finds known multi-word phrases in a text: longest match first, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Words = tuple[str, ...]


class Phrases:
    """A set of phrases. Immutable, safe to share between threads."""

    def __init__(self, phrases: Iterable[Words]) -> None:
        self._phrases = frozenset(phrases)
        self._max_length: dict[str, int] = {}  # by first word
        for phrase in self._phrases:
            self._max_length[phrase[0]] = max(len(phrase), self._max_length.get(phrase[0], 1))

    def may_occur_in(self, words: Iterable[str]) -> bool:
        """Whether any phrase begins with one of these words: a cheap test that rules out most texts."""
        return not self._max_length.keys().isdisjoint(words)

    def occur_in(self, words: Sequence[str]) -> bool:
        """Whether the text contains any of the phrases."""
        return self.may_occur_in(words) and any(tuple(words[each]) in self._phrases for each in self.segment(words))

    def segment(self, words: Sequence[str]) -> Iterator[slice]:
        """Slices that cover the whole text in order: one for each phrase, one for each other word."""
        start = 0
        while start < len(words):
            end = min(start + self._max_length.get(words[start], 1), len(words))
            while end > start + 1 and tuple(words[start:end]) not in self._phrases:
                end -= 1
            yield slice(start, end)
            start = end
