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
CURRENCY = (
    rf"(?:{EURO}|(?:CA|CAD|US)?\$|£|(?:CHF|GBP|CAD|dollars?|pounds?|livres\ssterling|francs\ssuisses)\b|S?Fr\.(?=\s|$))"
)
SIGN_BEFORE = r"(?:[€£$]|\b(?:EUR|CHF|GBP|CAD)\b|\bS?Fr\.)"
NO_CENTS = r"[.,][-–—]{1,2}"  # `200.-`
FRENCH = r"(?:\d{1,3}(?:[ .']\d{3}){1,3}|\d{1,9})(?![\d'])"
ENGLISH = r"\d{1,3}(?:,\d{3}){1,3}(?!\d)"
# Units of what is no amount, though it has two decimals.
UNIT = (
    r"[ ]?(?:%|°|/\s?\d|[x×]\s?\d+\s?cm"
    r"|(?:[kcm]?m[²³]?|k?g|h|km|min|heures?|ans?|mois|jours?|points?|parts?|ETP|ET|DS)\b)"
)
AMOUNT = re.compile(
    rf"""
    (?P<sign>(?<![\d€$£%][ ])(?<![€$£%\w])(?:[-–]|\([-–]\))[ ]{{0,3}})?
    (?:
        (?P<currency>{SIGN_BEFORE}[ ]?)(?P<after_sign>(?:{ENGLISH}|{FRENCH})(?:[.,]\d\d?(?!\d))?)(?:{NO_CENTS})?
      | (?:(?<![\w.,])|(?<=\dx))(?P<number>(?:{ENGLISH}(?=\.\d\d(?!\d))|{FRENCH})(?:[,.]\d{{1,2}})?)
        (?:{NO_CENTS})?[ ]?{CURRENCY}
        (?:(?<=€)(?P<cents>\d\d)(?!\d)|[ ](?P<late_cents>\d\d)(?=[ .,;]?(?:$|[ ][a-z]{{5,}}s[ ]|[.;])))?
        (?:\s{{1,2}}(?:et\s)?(?P<spelled_cents>\d{{1,2}})\s?(?:centimes?|cts?)\b)?
        (?:\s?(?:/|par)\s?(?:mois|an|jour|heure|semaine|trimestre)\b)?
      | (?<![\w.,])(?<!et[ ])(?P<only_cents>\d{{1,2}})\s?(?:centimes|cts)\b
      | (?<![\w.,/])(?P<bare>{FRENCH},\d\d|{ENGLISH}\.\d\d)(?![\d/]|[.,]\d|{UNIT})
      | (?:(?<=[ ]{{2}})|(?<=\.[ ]))(?P<in_column>\d{{1,6}}\.\d\d)(?=[ ]*(?:$|[ ]{{2}}|\|))
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
IN_WORDS = re.compile(
    rf"(?P<words>{NUMBER_IN_WORDS})\s{{1,3}}(?:euros?|dollars?|livres\ssterling)\b"
    rf"(?:\s{{1,2}}et\s(?P<cents>{NUMBER_IN_WORDS}|\d{{1,2}})\s(?:centimes?|cents?)\b)?",
    re.IGNORECASE,
)
WORD_BEFORE_CURRENCY = re.compile(r"(?<=[a-zA-Z]\s)(?:euros?|dollars?|livres\ssterling)\b", re.IGNORECASE)
MAX_IN_WORDS = 140
# The number of a thing, or the end of a day, before an amount: `complément |3 |439,91 €`, `01/04/|26 |153,01 €`.
# `enfant 1 250 €` may be either: the larger amount stands.
OF_A_THING = re.compile(
    r"(?:\b(?:(?:compl(?:[ée]ment|\.)|cat(?:[ée]gorie|\.)|niveau|article|ligne|page|annexe|num[ée]ro)(?:\sAEEH)?\s|n°\s?)"
    r"|(?<!\d)\d\d?(?:/|-\d\d-))\Z",
    re.IGNORECASE,
)
ITS_NUMBER = re.compile(r"\d\d?[ ](?=[1-9])")  # no group of thousands follows on another if it begins with a zero
MAX_THING = 20
# The numbers that share the sign of the amount behind them: `de 100 à |150 €|`, `10, 15 ou |20 €|`.
SHARING = re.compile(
    rf"(?<![\w.,/€-])(?:(?P<entre>\bentre\s)?(?P<first>{FRENCH}(?:,\d\d?)?)"
    rf"(?P<listed>(?:,\s{FRENCH}(?:,\d\d?)?){{0,4}})(?:\s(?P<and>et|ou|à)\s|(?<=\d)[-–]))\Z",
    re.IGNORECASE,
)
MAX_SHARING = 40
MAX_CENTS = 40  # characters of ` et cinquante centimes`
GROUPS = ("after_sign", "number", "bare", "in_column")
HAS_CURRENCY = re.compile(CURRENCY, re.IGNORECASE)


def find_amounts(letter: Letter) -> Iterator[Amount]:
    """The amounts: those in digits in the order of the text, then those in words."""
    has_currency = HAS_CURRENCY.search(letter.plain) is not None
    matches = list(AMOUNT.finditer(letter.plain))
    for match in matches:
        if match["in_column"] and not has_currency:
            continue
        skipped = _number_of_a_thing(letter.plain, match)
        value = _value(match, skipped)
        text = collapse_whitespace(letter.original(match.start() + skipped, match.end())).strip()
        if match["sign"] and match["sign"][1:].isspace() and _is_bullet(letter.plain, match):
            text, value = text[1:].lstrip(), abs(value)
        yield from _sharing(letter, match)
        yield Amount(text, str(value))
    for start, end in whole_numbers_in_columns(letter.plain, [match.span() for match in matches]):
        text = collapse_whitespace(letter.original(start, end))
        yield Amount(text, re.sub(r"[^\d-]", "", text.replace("–", "-")))
    yield from _in_words(letter)


def _sharing(letter: Letter, match: re.Match[str]) -> Iterator[Amount]:
    """The numbers before an amount that have its currency, too."""
    found = (
        SHARING.search(letter.plain, max(0, match.start() - MAX_SHARING), match.start()) if match["number"] else None
    )
    if not found or ((found["and"] or "").lower() == "et" and not found["entre"]):
        return
    for text in (found["first"], *found["listed"].split(", ")[1:]):
        yield Amount(text, str(Decimal(re.sub(r"[ .']", "", text).replace(",", "."))))


def _in_words(letter: Letter) -> Iterator[Amount]:
    """From the currencies back: a letter has fewer than words that may be numbers."""
    end = 0
    for currency in WORD_BEFORE_CURRENCY.finditer(letter.plain):
        match = IN_WORDS.search(letter.plain, max(end, currency.start() - MAX_IN_WORDS), currency.end() + MAX_CENTS)
        if match and (number := number_in_words(match["words"])):
            end = match.end()
            cents = _number(match["cents"]) if match["cents"] else 0
            value = f"{number}.{cents:02}" if 0 < cents < 100 else str(number)
            yield Amount(collapse_whitespace(letter.original(*match.span())), value)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else number_in_words(text)


def _number_of_a_thing(plain: str, match: re.Match[str]) -> int:
    """How many characters of the match are the number of a thing or of a day, no thousands."""
    number = ITS_NUMBER.match(match[0])
    is_of_a_thing = number and OF_A_THING.search(plain, max(0, match.start() - MAX_THING), match.start())
    return number.end() if number and is_of_a_thing else 0


def _value(match: re.Match[str], skipped: int) -> Decimal:
    if match["only_cents"]:
        return Decimal(f"0.{match['only_cents']:>02}")
    text = next(found for group in GROUPS if (found := match[group]))[skipped:]
    spelled = match["spelled_cents"] and match["spelled_cents"].zfill(2)
    whole, cents = text, match["cents"] or match["late_cents"] or spelled or ""
    if decimals := re.search(r"[.,](\d{1,2})\Z", text):
        whole, cents = text[: decimals.start()], decimals[1]
    number = Decimal(f"{re.sub(r'[^0-9]', '', whole)}.{cents}" if cents else re.sub(r"[^0-9]", "", whole))
    return -number if match["sign"] else number


def _is_bullet(plain: str, match: re.Match[str]) -> bool:
    """Whether the sign begins an item of a list: a line that goes on after the amount."""
    line = plain[max(0, match.start() - 40) : match.start()].rpartition("\n")[2]
    return not line.strip() and plain[match.end() : match.end() + 3].partition("\n")[0].strip(" .;,") != ""
