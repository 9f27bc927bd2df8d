"""Cuts out the sentence or the paragraph around a place of a letter."""

from __future__ import annotations

import re

# Not behind leaders or an abbreviation, as in `sam. 11 juillet`, `M. Martin`.
# Nor at the end of a line that leaves a phrase open, as capitals do: `8 JOURS AVANT` `L'HOSPITALISATION`.
_OPEN = "".join(
    rf"(?<!\b(?i:{word})\n)"
    for word in ("avant", "le", "la", "les", "du", "des", "de", "au", "et", "ou", "pour", "par")
)
SENTENCE_END = re.compile(
    r"[.;!?](?<!\.\.\..)(?<!\b(?i:lun|mar|mer|jeu|ven|sam|dim).)(?<!\b(?i:merc|vend).)(?<!\b(?:Dr|Me).)(?<!\bM.)"
    # `entre le 28 janv. et le 15 févr.`
    r"(?!(?<=\b(?i:avr|oct|nov|d[ée]c).)\s[a-zà-ÿ\d])(?!(?<=\b(?i:janv|f[ée]vr|juil|sept).)\s[a-zà-ÿ\d])\s"
    rf"|\n{_OPEN}\s{{0,3}}(?=[\n>A-ZÀÉÊ•→►-]|\d{{1,2}}[.)]\s)"
)


def before(plain: str, place: int, length: int, number: int = 1) -> str:
    """What stands before the place in its sentence, or the last `number` of sentences, at most `length` characters."""
    return " ".join(SENTENCE_END.split(plain[max(0, place - length) : place])[-number:])


def after(plain: str, place: int, length: int) -> str:
    """What stands after the place in its sentence, at most `length` characters."""
    return SENTENCE_END.split(plain[place : place + length])[0]


def paragraph_start(plain: str, place: int, length: int = 1000) -> int:
    """Where the paragraph of a place begins, at most `length` characters before it."""
    earliest = max(0, place - length)
    found = plain.rfind("\n\n", earliest, place)
    return found if found >= 0 else earliest
