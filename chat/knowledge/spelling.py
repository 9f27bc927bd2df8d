"""Spelling correction: known words that differ from an unknown one by one typing error, or that sound the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from chat.knowledge.cooperative import cooperative
from chat.knowledge.postings import Postings

MIN_LENGTH = 5  # letters of an unknown word; shorter ones have too many candidates
# Replacements that give French homophones the same key, applied in this order to words without accents.
PHONETIC_RULES = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"ph", "f"),
        (r"ch", "S"),
        (r"sc(?=[eiy])|c(?=[eiy])", "s"),
        (r"qu?|c|k", "k"),
        (r"h", ""),
        (r"y", "i"),
        (r"eau|au", "o"),
        (r"ain|ein|im(?=[bp])", "in"),
        (r"em(?=[bpm])|en(?=[^aeiou]|$)|am(?=[bp])", "an"),
        (r"ai|ei|oe", "e"),
        (r"(.)\1+", r"\1"),
        (r"(?:e[rz]|[estxd])+$", ""),
        (r"s|z", "s"),
    )
]


class Spelling:
    """Looks known words up by deletion variants (SymSpell) and by phonetic key, without comparing all of them."""

    def __init__(self, known_words: Iterable[str]) -> None:
        self._words = tuple(word for word in known_words if len(word) >= MIN_LENGTH - 1 and word.isalpha())
        self._by_deletion = self._index_by(_deletion_variants)
        phonetic_keys = {word: (_phonetic_key(word),) for word in cooperative(self._words)}
        self._by_sound = self._index_by(phonetic_keys.__getitem__)

    def candidates(self, word: str) -> set[str]:
        """Known words at edit distance 1 (insertion, deletion, substitution, swap) or with the same sound.

        Words that match in both ways are preferred, then those one error away.
        """
        if len(word) < MIN_LENGTH or not word.isalpha():
            return set()
        one_error_away = {
            known for known in self._lookup(self._by_deletion, _deletion_variants(word)) if _is_one_error(word, known)
        }
        same_sound = self._lookup(self._by_sound, {_phonetic_key(word)})
        return one_error_away & same_sound or one_error_away or same_sound

    def _index_by(self, keys_of: Callable[[str], Collection[str]]) -> Postings:
        row_counts = Counter(key for word in cooperative(self._words) for key in keys_of(word))
        rows = ((key, number, 0.0) for number, word in enumerate(cooperative(self._words)) for key in keys_of(word))
        return Postings(row_counts, rows)

    def _lookup(self, postings: Postings, keys: Collection[str]) -> set[str]:
        return {self._words[number] for key in keys for number, _ in postings.get(key) or ()}


def _deletion_variants(word: str) -> set[str]:
    """The word, and the word without each one of its letters. Words one error apart share a variant."""
    return {word} | {word[:position] + word[position + 1 :] for position in range(len(word))}


def _is_one_error(word: str, known: str) -> bool:
    """Whether words that share a deletion variant are one error apart: `scoler` and `isoler` are not."""
    if len(word) != len(known):
        return True
    different = [position for position in range(len(word)) if word[position] != known[position]]
    return len(different) <= 1 or (len(different) == 2 and _is_swapped(word, known, *different))


def _is_swapped(word: str, known: str, first: int, second: int) -> bool:
    return second == first + 1 and word[first] == known[second] and word[second] == known[first]


def _phonetic_key(word: str) -> str:
    """An approximation of its sound: the same for `orthophoniste` and `ortofonist`."""
    for pattern, sound in PHONETIC_RULES:
        word = pattern.sub(sound, word)
    return word
