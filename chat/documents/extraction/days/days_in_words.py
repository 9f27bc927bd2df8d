"""Finds the days written in words, as courts and notaries do: `le vingt et un avril deux mille vingt-six`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from chat.documents.extraction.months import MONTH
from chat.documents.extraction.number_words import NUMBER_IN_WORDS, number_in_words

YEAR = rf"(?=(?:deux[\s-]mil(?:le)?|mil(?:le)?)\b){NUMBER_IN_WORDS}"
DAY_IN_WORDS = re.compile(
    rf"(?:\bl'an\s(?P<year_before>{YEAR}),?\s(?:et\s)?le\s)?"
    rf"(?P<day>(?:\bpremier|{NUMBER_IN_WORDS}))\s(?P<month>{MONTH})(?:\s(?P<year>{YEAR}|\d{{4}})\b)?",
    re.IGNORECASE,
)
MAX_DAYS = 500  # examined in a letter; more than any has


@dataclass(frozen=True, slots=True)
class DayInWords:
    """`plain[start:end]` of a letter; `month` is a name."""

    start: int
    end: int
    day: int
    month: str
    year: int | None


def find_days_in_words(plain: str) -> Iterator[DayInWords]:
    """The days in words, in the order of the text."""
    for match in islice(DAY_IN_WORDS.finditer(plain), MAX_DAYS):
        day = 1 if match["day"].lower() == "premier" else number_in_words(match["day"])
        year = match["year"] or match["year_before"]
        yield DayInWords(*match.span(), day, match["month"], _year(year) if year else None)


def _year(text: str) -> int:
    return int(text) if text.isdecimal() else number_in_words(text)
