"""Character n-grams of a word, for the search and for the detection of distress."""

from __future__ import annotations

from collections.abc import Iterable


def with_ends(word: str) -> str:
    """The word with its ends marked, so that its beginning and its end have n-grams of their own."""
    return f" {word} "


def ngrams_of(text: str, lengths: Iterable[int]) -> list[str]:
    """All parts of these lengths, the shortest first; one that occurs twice is there twice."""
    return [text[start : start + length] for length in lengths for start in range(len(text) - length + 1)]
