"""Typing errors: the known words that an unknown one may have been meant to be, by its letters or by its sound."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from chat.knowledge.breathing import breathing
from chat.knowledge.postings import Postings

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
        self._known = tuple(word for word in known if len(word) >= SHORTEST - 1 and word.isalpha())
        self._blurred = self._words_by(_blurred)
        sounds = {word: (_sound(word),) for word in breathing(self._known)}
        self._sounding = self._words_by(sounds.__getitem__)

    def near(self, word: str) -> set[str]:
        """Known words one error away (a letter more, less, other, two swapped) or of the same sound, best of both."""
        if len(word) < SHORTEST or not word.isalpha():
            return set()
        one_error_away = self._found(self._blurred, _blurred(word))
        same_sound = self._found(self._sounding, {_sound(word)})
        return one_error_away & same_sound or one_error_away or same_sound

    def _words_by(self, forms: Callable[[str], Collection[str]]) -> Postings:
        spread = Counter(form for word in breathing(self._known) for form in forms(word))
        rows = ((form, number, 0.0) for number, word in enumerate(breathing(self._known)) for form in forms(word))
        return Postings(spread, rows)

    def _found(self, words: Postings, forms: Collection[str]) -> set[str]:
        return {self._known[number] for form in forms for number, _ in words.of(form) or ()}


def _blurred(word: str) -> set[str]:
    """The word, and the word without any one of its letters: two that share a form are an error apart."""
    return {word} | {word[:place] + word[place + 1 :] for place in range(len(word))}


def _sound(word: str) -> str:
    """How it sounds, roughly: `orthophoniste` and `ortofonist` are one."""
    for pattern, sound in SOUNDS:
        word = pattern.sub(sound, word)
    return word
