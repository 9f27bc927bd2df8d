"""Finds the dates and time limits in a letter, the most urgent first."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chat.documents.extraction.days.kind_classifier import Place, Span, kind_of
from chat.documents.extraction.days.letter_date import find_letter_date, is_in_head, is_of_message
from chat.documents.extraction.days.nearest_days import day_seen_from
from chat.documents.extraction.days.period_starts import (
    KnownDay,
    find_end,
    find_start,
    is_from_receipt,
    may_start_later,
)
from chat.documents.extraction.days.periods import Period, end_of_period, find_periods
from chat.documents.extraction.days.relative_days import find_relative_days
from chat.documents.extraction.days.undated import OtherDays
from chat.documents.extraction.days.written_days import SAME_YEAR, WrittenDay, find_days
from chat.documents.extraction.letter import Letter
from chat.documents.facts import Date, DateKind
from chat.documents.text import collapse_whitespace

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
MAX_TO_NEXT_DAY = 120  # characters from a day to `le lendemain`
OF_A_LAW = re.compile(r"\b(?:loi|d[ée]cret|arr[êe]t[ée]|ordonnance|circulaire)\b[^.\n]{0,25}\Z", re.IGNORECASE)
FIRST_OF_TWO = re.compile(r"\sau\s\d")  # `du |15| au 28`
ENDS = re.compile(r"[.!?]\s|\n")
# `naissance prévue le |15/06/26|`, not `séjour prévu pour Léa, née le |03/10/31|`.
EXPECTED = re.compile(
    r"\b(?:naissance\W{1,3}(?:\w{3}\s)?(?:pr[ée]vue?|terme)\b|pr[ée]vue?\s(?:de|pour)\s(?:la\s|sa\s)?naissance\b"
    r"|[àa]\sna[îi]tre\W{1,4}(?:date\sde\snaissance|naissance|n[ée]e?s?))[^.;,]{0,12}\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A date, its day if it is known, and what it is sorted by."""

    date: Date
    sorted_by: str
    day: dt.date | None = None

    @classmethod
    def of(cls, text: str, day: dt.date | None, kind: DateKind, basis: dt.date | None = None) -> _Found:
        iso = day.isoformat() if day else None
        date = Date(text, iso, kind, LABELS[kind], basis.isoformat() if basis else None)
        return cls(date, iso or "9999", day)


def find_dates(letter: Letter) -> list[Date]:
    """The dates and time limits: the most urgent kind first, the soonest day first."""
    days = find_days(letter.plain)
    of_letter = find_letter_date(letter.plain, days)
    written = [
        (day, found) for day, found in dated_days(letter, days, of_letter) if found.date.iso or day.month or not day.day
    ]
    date = next((found.day for day, found in written if day == of_letter), None)
    known = known_days(letter, written)
    spans = [day.span for day in days]
    limits = (_limited(letter, period, known, date) for period in find_periods(letter.plain, spans))
    dates = [
        *(found for _, found in written),
        *(found for found in limits if found),
        *_relative(letter, days, spans, known, date or _day_of_head(letter, written)),
    ]
    dates.sort(key=lambda found: (URGENCY.index(found.date.kind), found.sorted_by))
    return [found.date for found in dates]


def dated_days(
    letter: Letter, days: Sequence[WrittenDay], of_letter: WrittenDay | None
) -> list[tuple[WrittenDay, _Found]]:
    """The days with their dates; without a date of the letter, by the other days that are written in it."""
    date = of_letter.date if of_letter else None
    found = list(_written(letter, days, of_letter, date))
    if date or all(known.day for _, known in found):
        return found
    others = OtherDays(letter.plain, known_days(letter, found))
    if of_letter and (date := others.date_of(of_letter)):
        return list(_written(letter, days, of_letter, date))
    return [
        (day, known if known.day or not day.day else _Found.of(known.date.text, others.date_of(day), known.date.kind))
        for day, known in found
    ]


def known_days(letter: Letter, dated: Sequence[tuple[WrittenDay, _Found]]) -> list[KnownDay]:
    """The days from which others may be counted: not those of laws."""
    return [
        KnownDay(day.start, day.end, found.day, found.date.kind)
        for day, found in dated
        if found.day and not OF_A_LAW.search(letter.plain, max(0, day.start - 40), day.start)
    ]


def _written(
    letter: Letter, days: Sequence[WrittenDay], of_letter: WrittenDay | None, date: dt.date | None
) -> Iterator[tuple[WrittenDay, _Found]]:
    """`date` is that of the letter."""
    spans = [day.span for day in days]
    last: WrittenDay | None = None  # with a month, or the first of two
    since: dt.date | None = None
    seen_from = date
    by_number: dict[int, dt.date] = {}  # days that are written with their months
    for day in days:
        kind = "letter" if day == of_letter else _kind(letter, spans, *day.span)
        between = letter.plain[last.end : day.start] if last and day.start - last.end < MAX_TO_NEXT_DAY else "\n"
        shares = not ENDS.search(between) if day.month is None else SAME_YEAR.match(between) is not None
        is_joined = day.weekday is None or SAME_YEAR.match(between) is not None
        if day.date and date and day.date <= date and is_of_message(letter.plain, day):
            seen_from = day.date
        found = _dated(letter, day, seen_from, kind, since if shares and is_joined else None)
        if found.date.kind == "deadline" and date and found.day and found.day < date:
            found = _Found.of(found.date.text, found.day, "other")  # nobody is asked to have done it before the letter
        if (day.month or FIRST_OF_TWO.match(letter.plain, day.end)) and (
            first := found.day or (replace(day, day=1).date if not day.day else None)
        ):
            last, since = day, first
        if day.day and found.day:
            if day.month:
                by_number[day.day] = found.day
            elif kind == "other" and not shares and by_number.get(day.day) in day.near(date or found.day):
                found = _Found.of(found.date.text, by_number[day.day], kind)
        yield day, found


def _kind(letter: Letter, days: Sequence[Span], start: int, end: int) -> DateKind:
    """The kind of a day that is not the letter's own, but may be that of another letter or message."""
    kind = kind_of(Place(letter.plain, days, start, end))
    return "other" if kind == "letter" else kind


def _dated(
    letter: Letter,
    day: WrittenDay,
    seen_from: dt.date | None,
    kind: DateKind,
    earlier: dt.date | None,
) -> _Found:
    """`seen_from` is the date of the letter, or of the message in it that the day stands in.

    `earlier` is the day before it in its sentence: the start of its period, or the last one that has a month.
    """
    date = day.date or (day_seen_from(seen_from, letter.plain, day, kind, earlier) if seen_from and day.day else None)
    text = _text(letter, day.start, day.end)
    if kind == "birth":
        is_expected = EXPECTED.search(letter.plain, max(0, day.start - 40), day.start)
        date = day.date if is_expected else _birth(day, text, seen_from)
    if day.shared:
        text = f"{text} {_text(letter, *day.shared)}"
    return _Found.of(text, date, kind)


def _birth(day: WrittenDay, text: str, of_letter: dt.date | None) -> dt.date | None:
    """The day of a birth that has been: of two digits, the year is one of the last hundred."""
    latest = of_letter or dt.datetime.now(dt.UTC).date()
    is_short = re.search(r"\d{4}", text) is None
    return day.in_year(day.date.year - 100) if day.date and day.date > latest and is_short else day.date


def _limited(letter: Letter, period: Period, days: Sequence[KnownDay], of_letter: dt.date | None) -> _Found | None:
    """With its last day if it is known from which day it is counted.

    One that is counted from the receipt of the letter stays a period, sorted by the earliest day on which it can end.
    """
    plain, text = letter.plain, _text(letter, period.start, period.end)
    end = find_end(plain, period, days, of_letter)
    start = None if end else find_start(plain, period, days, of_letter)
    if start:
        end = end_of_period(period.text, start, is_back=period.is_back)
    if not period.is_readers:
        return _Found.of(text, end, "other", start) if period.is_back and end else None
    if end and start and is_from_receipt(plain, period):
        return replace(_Found.of(text, None, "deadline"), sorted_by=end.isoformat())
    if end and (not of_letter or end >= of_letter):
        found = _Found.of(text, end, "deadline", start)
        is_open = start is not None and start == of_letter and may_start_later(plain, period)
        return replace(found, date=replace(found.date, certain=False)) if is_open else found
    return _Found.of(text, None, "deadline") if period.is_announced else None


def _relative(
    letter: Letter,
    days: Sequence[WrittenDay],
    spans: Sequence[Span],
    known: Sequence[KnownDay],
    of_letter: dt.date | None,
) -> Iterator[_Found]:
    """`demain`, `avant vendredi`: counted from the message that they stand in, else from the letter."""
    messages = [day for day in days if day.date and is_of_message(letter.plain, day)]
    for relative in find_relative_days(letter.plain):
        if relative.is_from_earlier_day:
            earlier = [day.date for day in known if 0 < relative.start - day.end < MAX_TO_NEXT_DAY]
        else:
            earlier = [day.date for day in messages if day.end <= relative.start and day.date]
        if written := earlier[-1] if earlier else of_letter:
            kind = "other" if relative.is_past else _kind(letter, spans, relative.start, relative.end)
            yield _Found.of(_text(letter, relative.start, relative.end), relative.seen_from(written), kind, written)


def _day_of_head(letter: Letter, days: Sequence[tuple[WrittenDay, _Found]]) -> dt.date | None:
    """The first day of the head that may be the one of writing: `Le facteur est passé le 02/07/2026`."""
    heads = (found for day, found in days if day.date and is_in_head(letter.plain, day))
    return next((found.day for found in heads if found.date.kind == "other"), None)


def _text(letter: Letter, start: int, end: int) -> str:
    return collapse_whitespace(letter.original(start, end)).rstrip(".")
