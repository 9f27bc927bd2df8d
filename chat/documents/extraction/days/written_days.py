"""Finds the days and months written in a letter."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from chat.documents.extraction.days.day_evidence import BEFORE_PART, WEEKDAY_BEFORE, is_day
from chat.documents.extraction.days.days_in_words import find_days_in_words
from chat.documents.extraction.days.kind_classifier import Place, Span, kind_of
from chat.documents.extraction.days.lone_days import find_lone_days
from chat.documents.extraction.months import ENGLISH_MONTH, MONTH, WEEKDAY, month_number, weekday_number

MAX_DATES = 500  # examined in a letter; more than any has
YEARS = range(1800, 2200)  # programs write 01/01/0001 or 31/12/9999 where there is no day
DAY = r"(?:\d{1,2}|[1lI]\s?er|1°|premier)"  # `ler`: of a scanner
GAP = r"[\s-]{0,3}"  # scanners lose the spaces
DATE = re.compile(
    rf"""
    (?:(?<![\w/.-])|(?<=\b[lad][eu])|(?<=\bdès)|(?<=\b(?:lun|mar|mer|jeu|ven|sam|dim)\.)|(?<=\b(?:merc|vend)\.)|(?<=\d/\d\d-)
      |(?:(?<=\d[/-])|(?<=1er[/-]))(?=\d\d?\s{{1,2}}{MONTH}))(?=[\djfmasondrpli])(?:
        (?P<iso_year>\d{{4}})(?P<iso_separator>[-/.])(?P<iso_month>\d\d)(?P=iso_separator)(?P<iso_day>\d\d)
      | (?P<day>\d{{1,2}}|1er)(?P<separator>[/.-])(?P<month>\d{{1,2}})(?P=separator)(?P<year>\d{{4}}|\d\d)
      | (?P<spaced_day>\d{{1,2}})[ ]?(?P<spaced_separator>[/.-])[ ]?
        (?P<spaced_month>(?:0?[1-9]|1[0-2])(?=\D{{1,3}}\d{{4}})|(?:0[1-9]|1[0-2])(?=\D{{1,3}}\d\d(?!\d)))
        [ ]?(?P=spaced_separator)[ ]?(?P<spaced_year>\d{{4}}|\d\d)(?![ ]?(?P=spaced_separator)[ ]?\d)
      | (?:(?<=\ble[ ])|(?<=\bdate[ ]:[ ]))(?P<boxed_day>\d\d)[ ](?P<boxed_month>0[1-9]|1[0-2])[ ](?P<boxed_year>20\d\d)
      | (?P<named_day>{DAY})(?:(?:st|nd|rd|th)(?:\sof)?)?{GAP}(?P<named_month>{MONTH})
        (?:{GAP},?{GAP}(?P<named_year>\d{{4}})|(?:-|[ ]?')(?P<named_short_year>\d\d)(?!\d))?
      | (?P<first_month>{MONTH})\s(?P<second_day>\d{{1,2}})(?:st|nd|rd|th)?,?\s{{1,3}}(?P<last_year>\d{{4}})
      | (?P<english_month>{ENGLISH_MONTH})\s(?P<english_day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d|[ ]\d{{4}})
      # `fin mai`, `la mi-mai`, `fin du mois de mai 2026`, `avant juin`.
      | (?:(?P<part>fin|mi|début)[\s-]{{1,2}}(?:(?:du\smois\s)?(?:de\s|d'))?|(?<=\bavant[ ])|(?<=\bd'ici[ ]))
        (?P<part_month>{MONTH})(?:{GAP}(?P<part_year>\d{{4}}))?
      | (?P<end_of_time>fin\s(?:du\smois(?!\sd)|du\strimestre|de\s(?:la\s)?semaine|de\sl'année(?:\sscolaire)?))
      | {MONTH}{GAP}\d{{4}}
      # `du 1er au 3 mai`, `les 20, 21 et 27 mai 2026`: the month follows the last day.
      | (?P<series_day>{DAY})
        (?=(?:(?:\s?,\s?\d{{1,2}}){{0,6}}\s{{1,2}}(?:au|et|ou|puis|to|and)\s{{1,2}}(?:le\s)?(?:{WEEKDAY}\s)?{DAY}
            |(?:\s?[,/&–-]\s?\d{{1,2}}){{1,7}}(?=\s{{1,2}}{MONTH}))
          (?:{GAP}(?P<series_month>{MONTH})(?:{GAP}(?P<series_year>\d{{4}}))?
            |[/.-](?P<series_number>1[0-2]|0?[1-9](?!\d))(?:[/.-](?P<numbered_year>20\d\d|\d\d))?(?![\d/.]\d)))
      # `mardi 14`, `jeu 7`: the month is that of the letter.
      | (?:(?<=di[ ])|(?<=manche[ ])|(?<=day[ ])|(?<=(?:lun|mar|mer|jeu|ven|sam|dim)\.[ ])
          |(?<=\b(?:lun|mar|mer|jeu|ven|sam|dim)[ ])|(?<=\b(?:merc|vend)[ ])|(?<=\b(?:merc|vend)\.[ ]))
        (?P<weekday_day>\d{{1,2}}|1er)(?:st|nd|rd|th)?(?!\d|\s?(?:[hH€%]|heures?\b|[ap]m\b)|:\d|\s{MONTH})
      | (?P<short_day>\d{{1,2}}|1er)
        (?:(?:[/.]|[ ]/[ ]?|/[ ])(?P<short_month>\d{{1,2}})
          |-(?P<dashed_month>0[1-9]|1[0-2]|(?<=\ble[ ]\d\d-)[1-9](?!\d)))
    )(?!\w|/(?!\d\d?\s{MONTH})|-(?!\d\d/\d\d(?!\d)|\d\d?\s{MONTH}|\d\d?-\d\d?\s{MONTH})|\.\d)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# An American letter: `01/14/2026`.
MONTHS_FIRST = re.compile(r"(?<![\d/])(?:0?[1-9]|1[0-2])/(?:1[3-9]|2\d|3[01])/20\d\d(?!\d)")
ENGLISH = re.compile(r"\b(?:the|your|dear|and)\b", re.IGNORECASE)
SAME_YEAR = re.compile(
    rf"\s{{1,2}}(?:au|et|ou|to|and|-|–|->|→)\s{{1,2}}(?:le\s|the\s)?(?:{WEEKDAY}\s{{1,2}})?\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class WrittenDay:
    """`plain[start:end]` of a letter. `day` is None for a month; `month` and `year` are None where they aren't written.

    `shared` is the place of a month, and its year, that stands after a later day: `du 1er au 3 mai`. `weekday` is that
    written before the day.
    """

    start: int
    end: int
    day: int | None
    month: int | None
    year: int | None
    shared: tuple[int, int] | None = None
    weekday: int | None = None  # from 0, Monday

    @property
    def span(self) -> Span:
        return self.start, self.end

    def near(self, date: dt.date) -> list[dt.date]:
        """The days that it may be, seen from that date: without a year one in each, without a month one in each.

        Those on the weekday that is written, if any is; a day without a month must be, some months ahead too.
        """
        last = 2 if self.weekday is None else 4
        months = (date.year * 12 + date.month - 1 + step for step in range(-1, last))
        found = (
            (self.in_year(date.year + step) for step in (-1, 0, 1))
            if self.month
            else (replace(self, month=month % 12 + 1).in_year(month // 12) for month in months)
        )
        days = [day for day in found if day]
        if self.weekday is None:
            return days
        fitting = [day for day in days if day.weekday() == self.weekday]
        return fitting or (days if self.month else [])

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


def find_days(plain: str) -> list[WrittenDay]:
    """The days and months, in the order of the text, without days that don't exist such as the 31st of February."""
    days = [*_dated_days(plain), *_days_in_words(plain)]
    places = {place for day in days for place in range(day.start, day.end)}
    lone = (place for place in find_lone_days(plain) if place[0] not in places)
    days += (WrittenDay(start, end, _day(re.sub(r"\D", "", plain[start:end])), None, None) for start, end in lone)
    found = _with_shared_years(plain, sorted(days, key=lambda day: day.start))
    return [day for day in found if not _is_month_alone(plain, day) or _limits(plain, found, day)]


def _is_month_alone(plain: str, day: WrittenDay) -> bool:
    """`avant |juin|`: neither a part of it nor its year is written."""
    return day.day is None and day.year is None and plain[day.start : day.end].rstrip(".").isalpha()


def _limits(plain: str, days: Sequence[WrittenDay], month: WrittenDay) -> bool:
    """Whether something must be done before that month."""
    return kind_of(Place(plain, [day.span for day in days], *month.span)) == "deadline"


def _dated_days(plain: str) -> Iterator[WrittenDay]:
    months_first = MONTHS_FIRST.search(plain) is not None and ENGLISH.search(plain) is not None
    for match in islice(DATE.finditer(plain), MAX_DATES):
        if not is_day(plain, match):
            continue
        found = _written_day(plain, match)
        if months_first and match["year"] and found.day and found.day <= 12:
            found = replace(found, day=found.month, month=found.day)
        # Without a year, check against a leap year: 29 February is possible.
        if found.day is None or found.month is None or found.in_year(found.year or 2024):
            yield found


def _days_in_words(plain: str) -> Iterator[WrittenDay]:
    for day in find_days_in_words(plain):
        found = WrittenDay(
            day.start, day.end, day.day, month_number(day.month), day.year, None, _weekday(plain, day.start)
        )
        if found.in_year(day.year or 2024):
            yield found


def _with_shared_years(plain: str, days: list[WrittenDay]) -> list[WrittenDay]:
    """`du 20/12 au 04/01/2026`: the year that stands after a later day is that of the earlier one, too."""
    for number in range(len(days) - 2, -1, -1):
        day, later = days[number : number + 2]
        between = plain[day.end : later.start] if later.start - day.end < 30 else ""
        if day.month and day.day and later.month and later.year and not day.year and SAME_YEAR.match(between):
            is_earlier_year = (day.month, day.day) > (later.month, later.day or 31)
            days[number] = replace(day, year=later.year - is_earlier_year)
    return days


def _written_day(plain: str, match: re.Match[str]) -> WrittenDay:
    day = _first(
        match,
        "iso_day",
        "day",
        "named_day",
        "second_day",
        "english_day",
        "spaced_day",
        "boxed_day",
        "short_day",
        "series_day",
        "weekday_day",
    )
    number = _first(
        match, "iso_month", "month", "spaced_month", "boxed_month", "short_month", "dashed_month", "series_number"
    )
    name = _first(match, "named_month", "first_month", "english_month", "series_month", "part_month")
    year = _first(
        match,
        "iso_year",
        "year",
        "spaced_year",
        "boxed_year",
        "named_year",
        "named_short_year",
        "last_year",
        "series_year",
        "numbered_year",
        "part_year",
    )
    month = int(number) if number else month_number(name) if name else None
    return WrittenDay(
        *match.span(),
        _day(day) if day else _end_of_part(plain, match, month, year),
        month,
        _year(year) if year else None,
        (match.start("series_month"), max(match.end("series_month"), match.end("series_year")))
        if match["series_month"]
        else None,
        _weekday(plain, match.start()),
    )


def _end_of_part(plain: str, match: re.Match[str], month: int | None, year: str | None) -> int | None:
    """The last day of a month of which the end is a limit: `avant fin mai`."""
    before = plain[max(0, match.start() - 20) : match.start()]
    if not month or (match["part"] or "").lower() != "fin" or not BEFORE_PART.search(before):
        return None
    return calendar.monthrange(_year(year) if year else 2023, month)[1]


def _weekday(plain: str, place: int) -> int | None:
    if not (found := WEEKDAY_BEFORE.search(plain[max(0, place - 14) : place])):
        return None
    return weekday_number(found[1])


def _first(match: re.Match[str], *groups: str) -> str | None:
    return next((found for group in groups if (found := match[group])), None)


def _day(text: str) -> int:
    return int(text) if text.isdecimal() else 1  # `1er`, `premier`


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else int(text) + (2000 if int(text) < 50 else 1900)
