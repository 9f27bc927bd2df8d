"""The same letter as word processors, scanners and e-mail programs write it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable


def _between_digits(text: str, space: str) -> str:
    return re.sub(r"(?<=\d) (?=\d{3}\b)", space, text)


def _before_units(text: str, space: str) -> str:
    return re.sub(r" (?=[€%:;?!]|euros\b)", space, text)


TYPOGRAPHIES: dict[str, Callable[[str], str]] = {
    "as typed": str,
    "no-break spaces before units": lambda text: _before_units(_between_digits(text, "\u00a0"), "\u00a0"),
    "narrow no-break spaces": lambda text: _before_units(_between_digits(text, "\u202f"), "\u202f"),
    "thin spaces": lambda text: _between_digits(_before_units(text, "\u2009"), "\u2009"),
    "figure spaces": lambda text: _between_digits(text, "\u2007"),
    "no-break spaces everywhere": lambda text: text.replace(" ", "\u00a0"),
    "curly apostrophes": lambda text: text.replace("'", "\u2019"),
    "no-break hyphens": lambda text: re.sub(r"(?<=\w)-(?=\w)", "\u2011", text),
    "soft hyphens": lambda text: re.sub(r"(?<=[a-z]{3})(?=[a-z]{3})", "\u00ad", text),
    "decomposed accents": lambda text: unicodedata.normalize("NFD", text),  # noqa: TID251 - not a stranger's
    "raised ordinals": lambda text: re.sub(r"\b1er\b", "1\u1d49\u02b3", text),
    "full-width digits": lambda text: text.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)}),
    "zero-width spaces": lambda text: text.replace(" ", " \u200b"),
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
}
