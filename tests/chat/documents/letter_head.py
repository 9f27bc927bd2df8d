"""A letter of one sentence, and what is found in it."""

from __future__ import annotations

from chat.documents.extraction import find_facts

HEAD = "MDPH du Nord\nLille, le 12 mars 2026\n\nMadame,\n"  # a Thursday


def days(sentence: str) -> tuple[list[str], list[str]]:
    """The deadlines in a letter of that sentence, and its other days without that of the letter."""
    found = {date.iso: date.kind for date in find_facts(HEAD + sentence).dates if date.iso and date.kind != "letter"}
    deadlines = sorted(iso for iso, kind in found.items() if kind == "deadline")
    return deadlines, sorted(found.keys() - set(deadlines))
