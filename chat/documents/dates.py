"""Finds the dates and time limits in a letter, the most urgent first."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chat.documents.date_kinds import kind_of_day
from chat.documents.facts import Date, DateKind
from chat.documents.letter import Letter
from chat.documents.letter_date import find_letter_date, is_of_message
from chat.documents.periods import COUNTED_FROM, Period, end_of_period, find_periods
from chat.documents.text import collapse_whitespace
from chat.documents.written_days import WrittenDay, find_days

LABELS: dict[DateKind, str] = {
    "deadline": "échéance",
    "appointment": "rendez-vous",
    "end_of_rights": "fin de droits",
    "decision": "décision",
    "letter": "date du courrier",
    "birth": "naissance",
    "other": "date",
}
# The order of kinds: duties, then expiries, then the rest.
URGENCY: list[DateKind] = ["deadline", "appointment", "end_of_rights", "decision", "letter", "other", "birth"]
TO_COME: frozenset[DateKind] = frozenset({"deadline", "appointment"})
MAX_PAST = dt.timedelta(days=60)  # since an appointment that a letter without its year tells of
MAX_BETWEEN = 80  # characters between a period and the date that it is counted from
TOMORROW = re.compile(r"\b(?:demain|tomorrow)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Found:
    """A date, with the day that it is sorted by."""

    date: Date
    sorted_by: str

    @classmethod
    def of(cls, text: str, iso: str | None, kind: DateKind, basis: str | None = None) -> _Found:
        return cls(Date(text, iso, kind, LABELS[kind], basis), iso or "9999")


def find_dates(letter: Letter) -> list[Date]:
    """The dates and time limits: the most urgent kind first, the soonest day first."""
    days = list(find_days(letter.plain))
    of_letter = find_letter_date(letter.plain, days)
    known = of_letter.date if of_letter else None
    found = [
        *(_dated(letter, day, known, "letter" if day == of_letter else _kind(letter, day)) for day in days),
        *(_limited(letter, period, days, known) for period in find_periods(letter.plain)),
        *_tomorrow(letter, days),
    ]
    found.sort(key=lambda each: (URGENCY.index(each.date.kind), each.sorted_by))
    return [each.date for each in found]


def _kind(letter: Letter, day: WrittenDay) -> DateKind:
    return kind_of_day(letter.plain, day.start, day.end)


def _dated(letter: Letter, day: WrittenDay, of_letter: dt.date | None, kind: DateKind) -> _Found:
    date = day.date or (_nearest(day, of_letter, kind) if of_letter and day.day else None)
    if kind == "deadline" and date and of_letter and date < of_letter:
        kind = "other"  # nobody is asked to have done it before the letter
    text = _text(letter, day.start, day.end)
    if day.shared:
        text = f"{text} {_text(letter, *day.shared)}"
    return _Found.of(text, date.isoformat() if date else None, kind)


def _nearest(day: WrittenDay, of_letter: dt.date, kind: DateKind) -> dt.date | None:
    """The day without a year that is nearest to the letter; a deadline is not before it."""
    dates = day.near(of_letter)
    if kind in TO_COME:
        earliest = of_letter if kind == "deadline" else of_letter - MAX_PAST
        dates = [found for found in dates if found >= earliest]
    return min(dates, key=lambda found: abs(found - of_letter), default=None)


def _limited(letter: Letter, period: Period, days: Sequence[WrittenDay], of_letter: dt.date | None) -> _Found:
    """With its last day if it is the reader's, and it is known from which day it is counted.

    One that is counted from the receipt of the letter stays a period, sorted by the earliest day on which it can end.
    """
    found = _Found.of(_text(letter, period.start, period.end), None, "deadline")
    basis = _basis(letter.plain, period, days) or of_letter
    if basis is None or period.is_of_an_office(letter.plain) or period.is_before(letter.plain):
        return found
    if not (end := end_of_period(period.text, basis)):
        return found
    if period.is_from_receipt(letter.plain):
        return replace(found, sorted_by=end.isoformat())
    return _Found.of(found.date.text, end.isoformat(), "deadline", basis.isoformat())


def _basis(plain: str, period: Period, days: Sequence[WrittenDay]) -> dt.date | None:
    """The date that the words after a period count it from: `à compter du 3 mars 2026`."""
    for day in days:
        between = plain[period.end : day.start] if day.start - period.end < MAX_BETWEEN else ""
        if day.date and between and COUNTED_FROM.match(between) and "\n\n" not in between:
            return day.date
    return None


def _tomorrow(letter: Letter, days: Sequence[WrittenDay]) -> Iterator[_Found]:
    """`demain` in a message whose day is known."""
    messages = [day for day in days if day.date and is_of_message(letter.plain, day)]
    for match in TOMORROW.finditer(letter.plain) if messages else ():
        earlier = [day.date for day in messages if day.end <= match.start() and day.date]
        if earlier:
            kind = kind_of_day(letter.plain, *match.span())
            date = earlier[-1] + dt.timedelta(days=1)
            yield _Found.of(_text(letter, *match.span()), date.isoformat(), kind, earlier[-1].isoformat())


def _text(letter: Letter, start: int, end: int) -> str:
    return collapse_whitespace(letter.original(start, end)).rstrip(".")
