"""Reads numbers in French words: `douze`, `deux cent cinquante`, `mille deux cents`, `vingt-et-un`."""

from __future__ import annotations

import re

WORDS = {
    "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9,
    "dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16, "vingt": 20,
    "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "septante": 70, "huitante": 80,
    "nonante": 90, "cent": 100, "cents": 100, "mille": 1000, "mil": 1000,
}  # fmt: skip
_WORD = "|".join(sorted(WORDS, key=len, reverse=True))
NUMBER_IN_WORDS = rf"(?<![\w-])(?:{_WORD})(?:[\s-](?:et[\s-])?(?:{_WORD})\b){{0,9}}"


def number_in_words(text: str) -> int:
    """The number; `quatre-vingts` multiplies, all else adds up to the next hundred or thousand."""
    total = part = 0
    for word in re.findall(_WORD, text.lower()):
        value = WORDS[word]
        if value == 1000:
            total, part = (total + (part or 1) * 1000), 0
        elif value == 100:
            part = max(part, 1) * 100
        elif value == 20 and part % 100 == 4:
            part += 76
        else:
            part += value
    return total + part
