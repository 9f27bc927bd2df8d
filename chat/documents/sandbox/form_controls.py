"""The text of form controls: a box with or without its tick, and the entry chosen from a list."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chat.documents.text import SYMBOLS

TICKED, UNTICKED = "☒", "☐"
OTHER_SYMBOL = "▪"
WINGDINGS_2 = {0xF052: TICKED, 0xF0A3: UNTICKED, 0xF050: "✓", 0xF04F: "✗"}
PRIVATE = 0xF000  # the codes of fonts of symbols in Unicode begin here
NO = re.compile(r"0|false|off|no", re.IGNORECASE)


def is_on(value: str) -> bool:
    """The truth of an attribute of Word or OpenDocument."""
    return not NO.fullmatch(value)


def box(is_ticked: bool) -> str:
    """A check box or radio button."""
    return TICKED if is_ticked else UNTICKED


def number(digits: str, base: int = 10) -> int:
    """The number in an attribute; -1 for anything else."""
    try:
        return int(digits, base)
    except ValueError:
        return -1


def chosen(entries: Sequence[str], number: int) -> str:
    """The entry that a list shows, counted from 0; empty for a number that it does not have."""
    return entries[number] if 0 <= number < len(entries) else ""


def symbol(font: str, code: int) -> str:
    """A character of a font: the sign that it shows, if that is known."""
    private = code | PRIVATE
    if code <= 0xFF or code == private:
        is_known = font.lower().startswith("wingdings")
        return (SYMBOLS | WINGDINGS_2).get(private, OTHER_SYMBOL) if is_known else OTHER_SYMBOL
    return chr(code) if code < 0xD800 else OTHER_SYMBOL
