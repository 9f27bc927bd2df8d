"""Finds the amounts in a letter: with the sign of a currency, in the columns of a table, and in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from chat.documents.extraction.amount_columns import whole_numbers_in_columns
from chat.documents.extraction.letter import Letter
from chat.documents.extraction.number_words import NUMBER_IN_WORDS, number_in_words
from chat.documents.facts import Amount
from chat.documents.text import collapse_whitespace

EURO = r"(?:€|euros?\b|EUR\b)"
# Families also hear from Québec, Switzerland and Britain. The text shows the currency, the value is the number.
CURRENCY = rf"(?:{EURO}|(?:CA|CAD|US)?\$|£|(?:CHF|GBP|CAD|dollars?|pounds?|livres\ssterling|francs\ssuisses)\b)"
SIGN_BEFORE = r"(?:[€£$]|\b(?:EUR|CHF|GBP|CAD)\b)"
FRENCH = r"(?:\d{1,3}(?:[ .']\d{3}){1,3}|\d{1,9})(?![\d'])"
ENGLISH = r"\d{1,3}(?:,\d{3}){1,3}(?!\d)"
# Units of what is no amount, though it has two decimals.
UNIT = (
    r"\s?(?:%|°|/\s?\d|[x×]\s?\d+\s?cm"
    r"|(?:[kcm]?m[²³]?|k?g|h|km|min|heures?|ans?|mois|jours?|points?|parts?|ETP|ET|DS)\b)"
)
AMOUNT = re.compile(
    rf"""
    (?P<sign>(?<![\d€$£%][ ])(?<![€$£%\w])[-–][ ]?)?
    (?:
        (?P<currency>{SIGN_BEFORE}[ ]?)(?P<after_sign>(?:{ENGLISH}|{FRENCH})(?:[.,]\d\d?(?!\d))?)
      | (?<![\w.,])(?P<number>(?:{ENGLISH}(?=\.\d\d(?!\d))|{FRENCH})(?:[,.]\d{{1,2}})?)[ ]?{CURRENCY}
        (?:(?<=€)(?P<cents>\d\d)(?!\d)|[ ](?P<late_cents>\d\d)(?=[ .,;]?(?:$|[ ][a-z]{{5,}}s[ ]|[.;])))?
        (?:\s?(?:/|par)\s?(?:mois|an|jour|heure|semaine|trimestre)\b)?
      | (?<![\w.,/])(?P<bare>{FRENCH},\d\d|{ENGLISH}\.\d\d)(?![\d/]|[.,]\d|{UNIT})
      | (?:(?<=[ ]{{2}})|(?<=\.[ ]))(?P<in_column>\d{{1,6}}\.\d\d)(?=[ ]*(?:$|[ ]{{2}}|\|))
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
IN_WORDS = re.compile(rf"\b(?P<words>{NUMBER_IN_WORDS})\s{{1,3}}(?:euros?|dollars?|livres\ssterling)\b", re.IGNORECASE)
WORD_BEFORE_CURRENCY = re.compile(r"(?<=[a-zA-Z]\s)(?:euros?|dollars?|livres\ssterling)\b", re.IGNORECASE)
MAX_IN_WORDS = 140
GROUPS = ("after_sign", "number", "bare", "in_column")
HAS_CURRENCY = re.compile(CURRENCY, re.IGNORECASE)


def find_amounts(letter: Letter) -> Iterator[Amount]:
    """The amounts: those in digits in the order of the text, then those in words."""
    has_currency = HAS_CURRENCY.search(letter.plain) is not None
    matches = list(AMOUNT.finditer(letter.plain))
    for match in matches:
        if match["in_column"] and not has_currency:
            continue
        value = _value(match)
        text = collapse_whitespace(letter.original(*match.span())).strip()
        if match["sign"] and match["sign"].endswith(" ") and _is_bullet(letter.plain, match):
            text, value = text[1:].lstrip(), abs(value)
        yield Amount(text, str(value))
    for start, end in whole_numbers_in_columns(letter.plain, [match.span() for match in matches]):
        text = collapse_whitespace(letter.original(start, end))
        yield Amount(text, re.sub(r"[^\d-]", "", text.replace("–", "-")))
    yield from _in_words(letter)


def _in_words(letter: Letter) -> Iterator[Amount]:
    """From the currencies back: a letter has fewer than words that may be numbers."""
    end = 0
    for currency in WORD_BEFORE_CURRENCY.finditer(letter.plain):
        match = IN_WORDS.search(letter.plain, max(end, currency.start() - MAX_IN_WORDS), currency.end())
        if match and (number := number_in_words(match["words"])):
            end = match.end()
            yield Amount(collapse_whitespace(letter.original(*match.span())), str(number))


def _value(match: re.Match[str]) -> Decimal:
    text = next(found for group in GROUPS if (found := match[group]))
    whole, cents = text, match["cents"] or match["late_cents"] or ""
    if decimals := re.search(r"[.,](\d{1,2})\Z", text):
        whole, cents = text[: decimals.start()], decimals[1]
    number = Decimal(f"{re.sub(r'[^0-9]', '', whole)}.{cents}" if cents else re.sub(r"[^0-9]", "", whole))
    return -number if match["sign"] else number


def _is_bullet(plain: str, match: re.Match[str]) -> bool:
    """Whether the sign begins an item of a list: a line that goes on after the amount."""
    line = plain[max(0, match.start() - 40) : match.start()].rpartition("\n")[2]
    return not line.strip() and plain[match.end() : match.end() + 3].partition("\n")[0].strip(" .;,") != ""
