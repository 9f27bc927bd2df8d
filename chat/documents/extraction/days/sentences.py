"""Cuts out the sentence or the paragraph around a place of a letter."""

from __future__ import annotations

import re

# Not behind leaders or an abbreviation, as in `sam. 11 juillet`, `M. Martin`.
SENTENCE_END = re.compile(
    r"(?<!\.\.\.)(?<!\b(?:lun|mar|mer|jeu|ven|sam|dim))(?<!\b(?:Dr|Me))(?<!\bM)[.;!?]\s"
    r"|\n\s{0,3}(?=[\n>A-ZÀÉÊ•→►-]|\d{1,2}[.)]\s)"
)


def before(plain: str, place: int, length: int) -> str:
    """What stands before the place in its sentence, at most `length` characters."""
    return SENTENCE_END.split(plain[max(0, place - length) : place])[-1]


def after(plain: str, place: int, length: int) -> str:
    """What stands after the place in its sentence, at most `length` characters."""
    return SENTENCE_END.split(plain[place : place + length])[0]


def paragraph_start(plain: str, place: int, length: int = 1000) -> int:
    """Where the paragraph of a place begins, at most `length` characters before it."""
    earliest = max(0, place - length)
    found = plain.rfind("\n\n", earliest, place)
    return found if found >= 0 else earliest
