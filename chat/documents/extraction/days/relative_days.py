"""Finds days that are told from the day of writing: `demain`, `avant vendredi`, `vendredi dernier`."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from chat.documents.extraction.days import sentences
from chat.documents.extraction.months import MONTH

WEEKDAYS = (
    "lundi|monday", "mardi|tuesday", "mercredi|wednesday", "jeudi|thursday", "vendredi|friday", "samedi|saturday",
    "dimanche|sunday",
)  # fmt: skip
STEPS = {
    "demain": 1,
    "tomorrow": 1,
    "ce soir": 0,
    "aujourd'hui": 0,
    "tonight": 0,
    "après-demain": 2,
    "apres-demain": 2,
    "après demain": 2,
    "apres demain": 2,
    "hier": -1,
    "yesterday": -1,
    "avant-hier": -2,
}
WEEKS = {"huit": 1, "quinze": 2}  # `lundi en huit`: a week after the next Monday
NAMES = [name for names in WEEKDAYS for name in names.split("|")]
RELATIVE = re.compile(
    rf"""
    \b(?:
        (?P<step>apr[èe]s[-\s]demain|avant-hier|demain|hier|tomorrow|yesterday
          |(?:(?<=avant\s)|(?<=d'ici\s))(?:ce\ssoir|aujourd'hui)|(?<=by\s)tonight)
      | (?P<next_to>(?P<second>sur)?lendemain)(?!\s(?:de|du|des)\b|\sd')
      | (?P<weekday>{"|".join(NAMES)})
        (?:(?P<coming>\s(?:prochain|qui\svient))|(?P<past>\sdernier)(?!\s(?:d[ée]lai|carat))
          |\sen\s(?P<weeks>huit|quinze)|\s(?P<previous>pr[ée]c[ée]dent))?
      | (?:(?P<day>\d\d?|1er|premier|dernier(?:\sjour)?)\s
          (?:(?P<next_month>du\smois\sprochain)|de\sce\smois|(?<=\d\s)courant))
      | (?<=\bavant\sle\s)(?P<first>premier|1er)\sdu\smois
    )\b(?!\s\d(?!\d?\s?(?:h|:\d)))(?!\s?[-–/]\s?(?:{"|".join(NAMES)})\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Before a weekday that is one day: `avant lundi`, `ce lundi`.
BEFORE_COMING = re.compile(
    r"\b(?:avant|d'ici(?:\sà)?|pour|pr|dès|jusqu'à|until|by|before|this|next|on|ce)\s\Z", re.IGNORECASE
)
# Without an article, behind a word: `la remettre lundi`. `le lundi`, `lundi et jeudi` are days of every week.
BEFORE_BARE = re.compile(r"(?:[a-zéèêàûç]{2}|[A-ZÉÈÊÀÛÇ]{3}|\b(?i:RDV)|-\w{2,4})\s\Z")
BEFORE_EVERY_WEEK = re.compile(
    r"\b(?:les?|du|au|des|de|un|une|chaque|et|ou|sauf|notre|votre|the|every|each|a|an|and|or|from|to)\s\Z",
    re.IGNORECASE,
)
OF_ONE_DAY = re.compile(
    r"\b(?:s[ée]ance|rdv|r[ée]union|visite|cours|conversation|[ée]changes?|entretien|appel|mail|message|courrier|discussion)\sde\s\Z",
    re.IGNORECASE,
)
EVERY_WEEK = re.compile(
    r"\b(?:ouvert|horaire|permanence|chaque|tou(?:s|tes)\sles|habituel|d'habitude|opening|open\b|every)", re.IGNORECASE
)
AFTER_OTHER_DAYS = re.compile(
    rf",?\s{{1,2}}(?:\d(?!\d?\s?(?:h|:\d))|1er|dernier|et\s|au\s(?:\d|1er|{'|'.join(NAMES)})|and\s|ou\s|to\s|soir\set|(?:{'|'.join(NAMES)})|{MONTH})",
    re.IGNORECASE,
)
# `je suis passée |lundi|`.
HAPPENED = re.compile(
    r"\b(?:suis|est|sommes|êtes|sont|ai|as|a|avons|avez|ont|était|étiez)\s(?:(?!pas\b)\w{1,8}\s|pas\s(?=\w+[éiu]e?s?\b))?\w{2,14}(?:[ée]e?s?|i[est]?|ue?s?)\b[^,;:]{0,20}\Z",
    re.IGNORECASE,
)
# `Suite à notre conversation de |vendredi|`.
TALKED = re.compile(
    r"\b(?:suite\s[àa]|comme\s(?:convenu|dit|évoqué)|lors\sde|après|merci\spour)\b[^.,;:]{0,40}\Z", re.IGNORECASE
)
MAX_DAYS = 100  # examined in a letter; more than any has


@dataclass(frozen=True, slots=True)
class RelativeDay:
    """`plain[start:end]` of a letter: `step` days on, or the next `weekday` (0 is Monday) and `weeks` more.

    With a `day_of_month`, `step` counts months; that of a month without it is its last.

    It is told from the day of writing, or, as `le lendemain`, from the `is_from_earlier_day` of the text.
    """

    start: int
    end: int
    step: int
    weekday: int | None = None
    is_from_earlier_day: bool = False
    weeks: int = 0
    day_of_month: int | None = None

    def seen_from(self, day: dt.date) -> dt.date:
        """The day that it is, said on that day; a weekday is never that day itself."""
        if self.day_of_month is not None:
            year, month = divmod(day.year * 12 + day.month - 1 + self.step, 12)
            return dt.date(year, month + 1, min(self.day_of_month, calendar.monthrange(year, month + 1)[1]))
        if self.weekday is None:
            return day + dt.timedelta(days=self.step)
        ahead = (self.weekday - day.weekday() - 1) % 7 + 1
        return day + dt.timedelta(days=ahead if self.step > 0 else (ahead - 7 or -7), weeks=self.weeks)

    @property
    def is_past(self) -> bool:
        """Whether it lies before the day of writing."""
        return self.step < 0 and not self.is_from_earlier_day


def find_relative_days(plain: str) -> Iterator[RelativeDay]:
    """The days told from the day of writing, in the order of the text."""
    return islice(_relative_days(plain), MAX_DAYS)


def _relative_days(plain: str) -> Iterator[RelativeDay]:
    for match in RELATIVE.finditer(plain):
        if match["step"]:
            yield RelativeDay(*match.span(), STEPS[match["step"].lower()])
        elif match["next_to"]:
            yield RelativeDay(*match.span(), 2 if match["second"] else 1, is_from_earlier_day=True)
        elif match["first"]:
            yield RelativeDay(*match.span(), 1, day_of_month=1)
        elif match["day"]:
            yield RelativeDay(*match.span(), 1 if match["next_month"] else 0, day_of_month=_day_of_month(match["day"]))
        elif step := _step_of_weekday(plain, match):
            name = match["weekday"].lower()
            weekday = next(number for number, names in enumerate(WEEKDAYS) if name in names.split("|"))
            weeks = WEEKS[match["weeks"].lower()] if match["weeks"] else 0
            yield RelativeDay(*match.span(), step, weekday, match["previous"] is not None, weeks)


def _day_of_month(text: str) -> int:
    """31 for the last day, however many the month has."""
    if text.isdecimal():
        return int(text) or 1
    return 31 if text.lower().startswith("dernier") else 1


def _step_of_weekday(plain: str, match: re.Match[str]) -> int:
    """1 for the next such weekday, -1 for the last, 0 if it is no single day."""
    before = sentences.before(plain, match.start(), 60)
    if match["past"] or match["previous"] or before[-5:].lower() == "last ":
        return -1
    if match["coming"] or match["weeks"]:
        return 1
    if AFTER_OTHER_DAYS.match(plain, match.end()):
        return 0
    if BEFORE_COMING.search(before):
        return 1
    is_of_every_week = BEFORE_EVERY_WEEK.search(before) and not OF_ONE_DAY.search(before)
    if not BEFORE_BARE.search(before) or is_of_every_week or EVERY_WEEK.search(before):
        return 0
    return -1 if HAPPENED.search(before) or TALKED.search(before) else 1
