"""Typing errors: the known words that an unknown one may have been meant to be, by its letters or by its sound."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from chat.knowledge.breathing import breathing

SHORTEST = 5  # letters of an unknown word; a shorter one resembles too many
# French letters that sound the same, without accents; each is put in place of the one before, in this order.
SOUNDS = [
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
    """Known words by what is left of them after a typing error: a lookup instead of a comparison with every word."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known: dict[str, set[str]] = defaultdict(set)
        self._sounding: dict[str, set[str]] = defaultdict(set)
        for word in breathing(known):
            if len(word) >= SHORTEST - 1 and word.isalpha():
                for form in _blurred(word):
                    self._known[form].add(word)
                self._sounding[_sound(word)].add(word)

    def near(self, word: str) -> set[str]:
        """Known words one error away (a letter more, less, other, two swapped) or of the same sound, best of both."""
        if len(word) < SHORTEST or not word.isalpha():
            return set()
        one_error_away = set[str]().union(*(self._known.get(form, ()) for form in _blurred(word)))
        same_sound = self._sounding.get(_sound(word), set())
        return one_error_away & same_sound or one_error_away or same_sound


def _blurred(word: str) -> set[str]:
    """The word, and the word without any one of its letters: two that share a form are an error apart."""
    return {word} | {word[:place] + word[place + 1 :] for place in range(len(word))}


def _sound(word: str) -> str:
    """How it sounds, roughly: `orthophoniste` and `ortofonist` are one."""
    for pattern, sound in SOUNDS:
        word = pattern.sub(sound, word)
    return word
