"""Finds the days and months written in a letter."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from chat.documents.months import ENGLISH_MONTH, MONTH, WEEKDAY, month_number

MAX_DATES = 500  # examined in a letter; more than any has
YEARS = range(1800, 2200)  # programs write 01/01/0001 or 31/12/9999 where there is no day
DAY = r"(?:\d{1,2}|1\s?er|1°|premier)"
GAP = r"[\s-]{0,3}"  # scanners lose the spaces
DATE = re.compile(
    rf"""
    (?:(?<![\w/.-])|(?<=\b[lad][eu])|(?<=\bdès))(?:
        (?P<iso_year>\d{{4}})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)
      | (?P<day>\d{{1,2}})(?P<separator>[/.-])(?P<month>\d{{1,2}})(?P=separator)(?P<year>\d{{4}}|\d\d)
      | (?P<named_day>{DAY})(?:(?:st|nd|rd|th)(?:\sof)?)?{GAP}(?P<named_month>{MONTH})
        (?:{GAP},?{GAP}(?P<named_year>\d{{4}}))?
      | (?P<first_month>{MONTH})\s(?P<second_day>\d{{1,2}})(?:st|nd|rd|th)?,?\s{{1,3}}(?P<last_year>\d{{4}})
      | (?P<english_month>{ENGLISH_MONTH})\s(?P<english_day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d|[ ]\d{{4}})
      | {MONTH}{GAP}\d{{4}}
      # `mardi 14`, `avant le 15`, `by the 15th`: the month is that of the letter.
      | (?:(?<=di[ ])|(?<=manche[ ])|(?<=\bavant[ ]le[ ])|(?<=\bpour[ ]le[ ])|(?<=\bjusqu'au[ ])|(?<=\bby[ ]the[ ]))
        (?P<only_day>\d{{1,2}}|1er)(?:st|nd|rd|th)?(?=\s?(?:[,;.)\]]|$|\n|au\splus\stard|à\s\d|[àa]u\s(?:soir|matin)|matin|soir|midi
          |inclus|please|at\b|courant|prochain))
      | (?<=\ble[ ])(?P<timed_day>\d{{1,2}}|1er)(?=\sà\s\d{{1,2}}\s?[h:])
      | (?P<short_day>\d{{1,2}})[/.](?P<short_month>\d{{1,2}})
        # `du 1er au 3 mai`, `les 20, 21 et 27 mai 2026`: the month follows the last day.
      | (?P<series_day>{DAY})
        (?=(?:\s?,\s?\d{{1,2}}){{0,6}}\s{{1,2}}(?:au|et|ou|to|and)\s{{1,2}}(?:le\s)?(?:{WEEKDAY}\s)?{DAY}{GAP}
          (?P<series_month>{MONTH})(?:{GAP}(?P<series_year>\d{{4}}))?)
    )(?![\w/-]|\.\d)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A day such as `5/10` could be a mark or a fraction: what tells that it is a day.
BEFORE_SHORT_DAY = re.compile(
    rf"(?:\b(?:le|du|au|des|les|avant|before|by|until|on|from|to|{WEEKDAY})\s{{1,2}}|\d/\d{{1,2}}\s(?:et|ou|au)\s)\Z",
    re.IGNORECASE,
)
FIRST_ON_LINE = re.compile(r"(?:\A|\n)\s*\Z")
AFTER_FIRST_ON_LINE = re.compile(r"\s?,\s|\s{2}|\s(?:et|au)\s\d{1,2}/")
NO_SHORT_DAY = re.compile(r"\d|\s?(?:%|€|\w{0,2}\d|km\b|points?\b|h\b)")  # `de 3.8 %` is none
AFTER_SHORT_DAY = re.compile(r"\s?[-–,à]?\s?\d{1,2}\s?[hH:]")  # a time
BEFORE_SERIES = re.compile(rf"(?:\b(?:du|le|les|des|from|the|{WEEKDAY})|,)\s{{1,2}}\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WrittenDay:
    """`plain[start:end]` of a letter. `day` is None for a month; `month` and `year` are None where they aren't written.

    `shared` is the place of a month, and its year, that stands after a later day: `du 1er au 3 mai`.
    """

    start: int
    end: int
    day: int | None
    month: int | None
    year: int | None
    shared: tuple[int, int] | None = None

    def near(self, date: dt.date) -> list[dt.date]:
        """The days that it may be, seen from that date: without a year one in each, without a month one in each."""
        months = (date.year * 12 + date.month - 1 + step for step in (-1, 0, 1))
        found = (
            (self.in_year(date.year + step) for step in (-1, 0, 1))
            if self.month
            else (replace(self, month=month % 12 + 1).in_year(month // 12) for month in months)
        )
        return [day for day in found if day]

    def in_year(self, year: int) -> dt.date | None:
        """The day in that year; None if there is no such day, or the year is none of YEARS."""
        try:
            return dt.date(year, self.month or 0, self.day or 0) if year in YEARS else None
        except ValueError:
            return None

    @property
    def date(self) -> dt.date | None:
        """The day, if its year is written."""
        return self.in_year(self.year) if self.year else None


def find_days(plain: str) -> Iterator[WrittenDay]:
    """The days and months, in the order of the text, without days that don't exist such as the 31st of February."""
    for match in islice(DATE.finditer(plain), MAX_DATES):
        if not _is_day(plain, match):
            continue
        found = _written_day(match)
        # Without a year, check against a leap year: 29 February is possible.
        if found.day is None or found.month is None or found.in_year(found.year or 2024):
            yield found


def _is_day(plain: str, match: re.Match[str]) -> bool:
    before, after = plain[max(0, match.start() - 14) : match.start()], plain[match.end() : match.end() + 12]
    if match["series_day"]:
        return BEFORE_SERIES.search(before) is not None
    if not match["short_day"]:
        return True
    if BEFORE_SHORT_DAY.search(before) or AFTER_SHORT_DAY.match(after):
        return "/" in match[0] or not NO_SHORT_DAY.match(after)
    return "/" in match[0] and bool(FIRST_ON_LINE.search(before) and AFTER_FIRST_ON_LINE.match(after))


def _written_day(match: re.Match[str]) -> WrittenDay:
    day = _first(
        match,
        "iso_day",
        "day",
        "named_day",
        "second_day",
        "english_day",
        "short_day",
        "series_day",
        "only_day",
        "timed_day",
    )
    number = _first(match, "iso_month", "month", "short_month")
    name = _first(match, "named_month", "first_month", "english_month", "series_month")
    year = _first(match, "iso_year", "year", "named_year", "last_year", "series_year")
    return WrittenDay(
        *match.span(),
        _day(day) if day else None,
        int(number) if number else month_number(name) if name else None,
        _year(year) if year else None,
        (match.start("series_month"), max(match.end("series_month"), match.end("series_year")))
        if match["series_day"]
        else None,
    )


def _first(match: re.Match[str], *groups: str) -> str | None:
    return next((found for group in groups if (found := match[group])), None)


def _day(text: str) -> int:
    return 1 if text.lower() == "premier" else int(text.lower().rstrip("er °"))


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else int(text) + (2000 if int(text) < 50 else 1900)
