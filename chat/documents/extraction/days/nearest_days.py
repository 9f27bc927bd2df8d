"""Tells which day one without its year or month is, seen from the date of the letter."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

from chat.documents.extraction.days.written_days import WrittenDay
from chat.documents.extraction.months import MONTH, month_number
from chat.documents.facts import DateKind

TO_COME: frozenset[DateKind] = frozenset({"deadline", "appointment"})
MAX_PAST = dt.timedelta(days=60)  # since an appointment that a letter without its year tells of
# `pour les vacances d'avril (du |13| au 24)`
MONTH_NAMED = re.compile(rf"\b(?:d'|(?:de|en|pour|in)\s)(?P<month>{MONTH})(?!\s\d)[^.\n]{{0,90}}\Z", re.IGNORECASE)
# `la réunion qui a eu lieu |le 12|`, `votre recours reçu |le 2|`.
HAPPENED = re.compile(
    r"(?:\b(?:a|ai|ont|avez|avons|ayant)\s(?:\w{1,8}\s)?(?:eu\slieu|(?!lieu\b|gard|réserv|bloqu|prév|fix|inscri|program|planif|propos|mis\b|retenu)\w{2,14}(?:ée?s?|is|u))"
    r"|\b(?:re[çc]ue?s?|survenue?s?|formée?s?|datée?s?|passée?s?|tenue?s?|parvenue?s?|déposée?s?|votée?s?|adoptée?s?|signée?s?|délivrée?s?|établie?s?|décidée?s?|accordée?s?|notifiée?s?|envoyée?s?|transmise?s?))"
    r"\s(?:(?![^.,;:]{0,20}\b(?:pour|avant)\s)[^.,;:]{0,20}\s)?(?:le\s|du\s)?\Z",
    re.IGNORECASE,
)
LAST = re.compile(
    r"\s(?:dernier|[ée]coul[ée]|pass[ée])\b(?!\s(?:d[ée]lai|jour|carat))", re.IGNORECASE
)  # `le |14 octobre| dernier`
NEXT_YEAR = re.compile(r"\sde\sl'ann[ée]e\s(?:suivant|prochaine)", re.IGNORECASE)
# `le dossier passera en commission |le 28|`.
WILL_HAPPEN = re.compile(r"\b\w{2,14}(?:ra|ront|rai|rons|rez)\b[^.\n]{0,40}\Z", re.IGNORECASE)


def day_seen_from(
    of_letter: dt.date, plain: str, day: WrittenDay, kind: DateKind, earlier: dt.date | None
) -> dt.date | None:
    """The nearest such day to the date of the letter; a deadline is not before it, what happened not behind.

    `earlier` is the day before it in its sentence: the start of its period, or the last one that has a month.
    """
    if NEXT_YEAR.match(plain, day.end):
        return day.in_year(of_letter.year + 1)
    is_lone = day.month is None and day.weekday is None
    if is_lone and (named := MONTH_NAMED.search(plain, max(0, day.start - 100), day.start)):
        day = replace(day, month=month_number(named["month"]))
    dates, seen_from = day.near(of_letter), of_letter
    if earlier and (day.month or earlier > of_letter):
        # What must be done for a day comes before it: `le 22 janvier, dites-moi avant le |19|`.
        first = max(of_letter, earlier.replace(day=1)) if kind == "deadline" and is_lone else earlier
        dates = [date for date in day.near(earlier) if date >= first]
        seen_from = earlier
    elif LAST.match(plain, day.end) or (
        kind != "deadline" and HAPPENED.search(plain, max(0, day.start - 60), day.start)
    ):
        dates = [date for date in dates if date <= of_letter] or dates
    elif is_lone and WILL_HAPPEN.search(plain, max(0, day.start - 60), day.start):
        dates = [date for date in dates if date >= of_letter]
    elif kind in TO_COME:
        has_been = HAPPENED.search(plain, max(0, day.start - 60), day.start) is not None
        first = of_letter if kind == "deadline" and not has_been else of_letter - MAX_PAST
        dates = [date for date in dates if date >= first]
    # Without its month, or far away, it is rather to come.
    behind = 2 if is_lone else 1.5
    return min(dates, key=lambda date: abs(date - seen_from) * (behind if date < seen_from else 1), default=None)
