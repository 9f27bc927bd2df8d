"""Finds days that are told from the day of writing: `demain`, `avant vendredi`, `vendredi dernier`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

WEEKDAYS = (
    "lundi|monday", "mardi|tuesday", "mercredi|wednesday", "jeudi|thursday", "vendredi|friday", "samedi|saturday",
    "dimanche|sunday",
)  # fmt: skip
STEPS = {
    "demain": 1,
    "tomorrow": 1,
    "après-demain": 2,
    "apres-demain": 2,
    "hier": -1,
    "yesterday": -1,
    "avant-hier": -2,
}
NAME = rf"(?:{'|'.join(WEEKDAYS)})"
BEFORE_COMING = "|".join(
    rf"(?<=\b{word}[ ])"
    for word in (
        "avant", "d'ici", "d'ici[ ]à", "pour", "dès", "jusqu'à", "until", "by", "before", "this", "next", "on", "rdv",
        "ce", "rendez-vous", "réunion", "voit", "vois", "viens", "vient", "passe", "reviens", "revient", "reprend",
        "appelle", "rappelle", "revoit", "arrive", "moi", "nous", "absent", "absente", "dispo", "disponible", "libre",
    )
)  # fmt: skip
# Without an article: `le lundi` and `lundi et jeudi` are days of every week.
RELATIVE = re.compile(
    rf"""
    \b(?P<step>apr[èe]s-demain|avant-hier|demain|hier|tomorrow|yesterday)\b
  | (?:{BEFORE_COMING}|(?<=[a-zé]{{2}}(?:er|ir|re|ez)[ ]))
      (?P<coming>{NAME})\b(?!,?\s{{1,2}}(?:\d|1er|dernier|et\s|au\s|and\s|ou\s|soir\set|[A-Za-zû]{{3,9}}\s\d)|s\b)
  | \b(?P<next>{NAME})\sprochain\b(?!\s\d)
  | \b(?P<last>{NAME})\sdernier\b | \blast\s(?P<english_last>{NAME})\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
MAX_DAYS = 100  # examined in a letter; more than any has


@dataclass(frozen=True, slots=True)
class RelativeDay:
    """`plain[start:end]` of a letter; `weekday` from 0, Monday, else `step` days."""

    start: int
    end: int
    step: int
    weekday: int | None

    def seen_from(self, day: dt.date) -> dt.date:
        """The day that it is, said on that day; a weekday is never that day itself."""
        if self.weekday is None:
            return day + dt.timedelta(days=self.step)
        ahead = (self.weekday - day.weekday() - 1) % 7 + 1
        return day + dt.timedelta(days=ahead if self.step > 0 else (ahead - 7 or -7))

    @property
    def is_past(self) -> bool:
        """Whether it lies before the day of writing."""
        return self.step < 0


def find_relative_days(plain: str) -> Iterator[RelativeDay]:
    """The days told from the day of writing, in the order of the text."""
    for match in islice(RELATIVE.finditer(plain), MAX_DAYS):
        if match["step"]:
            yield RelativeDay(*match.span(), STEPS[match["step"].lower()], None)
        else:
            last = match["last"] or match["english_last"]
            name = (last or match["coming"] or match["next"]).lower()
            weekday = next(number for number, names in enumerate(WEEKDAYS) if name in names.split("|"))
            yield RelativeDay(*match.span(), -1 if last else 1, weekday)
