"""Tells the year of a day in a letter without a date of its own, by the other days and years that are written in it."""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_left
from collections.abc import Sequence

from chat.documents.extraction.days.period_starts import KnownDay
from chat.documents.extraction.days.written_days import WrittenDay

OLD = dt.timedelta(days=2 * 365)  # a law, a first request: before the latest day of its kind
# `2025-2026`, `2026/27`; `rentrée 2026`, `session de juin 2026`.
SCHOOL_YEAR = re.compile(r"(?<![\d/.-])(?P<first>20\d\d)\s?[-–/]\s?(?:20)?(?P<second>\d\d)(?![\d/.-])")
NAMED_YEAR = re.compile(
    r"\b(?:ann[ée]e|rentr[ée]e|session|exercice|campagne|saison|[ée]t[ée]|hiver|printemps|automne|vacances|calendrier|planning"
    r"|programme|s[ée]jours?|(?<!\d\s)(?<!\der\s)(?:janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre))"
    r"\s(?:\w{1,12}\s){0,2}(?P<year>20\d\d)(?!\d|\s?[-–/]\s?\d)",
    re.IGNORECASE,
)
MAX_TO_LONE_DAY = 120  # characters from a day to one without its month
# The months of a school year that are in its second year; to enrol for it, one acts in the summer before it.
SPRING, SUMMER = {1, 2, 3, 4}, {5, 6, 7, 8}
ENROLMENT = re.compile(r"inscri|candidat|rentr[ée]e|renouvel", re.IGNORECASE)


class OtherDays:
    """What tells the years in a letter that has no date."""

    def __init__(self, plain: str, known: Sequence[KnownDay]) -> None:
        """`known` are the days whose year is written, in the order of the text."""
        self._days = _telling(known)
        self._school_year = SCHOOL_YEAR.search(plain)
        self._year = NAMED_YEAR.search(plain)
        self._is_of_enrolment = ENROLMENT.search(plain) is not None

    def date_of(self, day: WrittenDay) -> dt.date | None:
        """The most likely date of a day: one without its month is near the day before it, or unknown."""
        if not day.month:
            earlier = self._days[bisect_left(self._days, day.start, key=lambda known: known.start) - 1 :][:1]
            near = [known.date for known in earlier if 0 < day.start - known.end < MAX_TO_LONE_DAY]
        else:
            near = [self._nearest(day)] if self._days else []
        if near:
            return min(day.near(near[0]), key=lambda date: abs(date - near[0]), default=None)
        return self._in_named_year(day) if day.month else None

    def _in_named_year(self, day: WrittenDay) -> dt.date | None:
        if (years := self._school_year) and int(years["second"]) == int(years["first"][2:]) + 1:
            is_second = day.month in (SPRING if self._is_of_enrolment else SPRING | SUMMER)
            return day.in_year(int(years["first"]) + is_second)
        return day.in_year(int(self._year["year"])) if self._year else None

    def _nearest(self, day: WrittenDay) -> dt.date:
        place = bisect_left(self._days, day.start, key=lambda known: known.start)
        around = self._days[max(0, place - 1) : place + 1]
        return min(around, key=lambda known: abs(known.start - day.start)).date


def _telling(known: Sequence[KnownDay]) -> list[KnownDay]:
    """The days that lie near the time of the letter: what is to come rather than what was, and nothing old."""
    for kinds in ({"deadline", "appointment"}, {"other", "decision"}, {"end_of_rights"}):
        found = [day for day in known if day.kind in kinds]
        latest = max((day.date for day in found), default=None)
        if latest:
            return [day for day in found if latest - day.date <= OLD]
    return []
