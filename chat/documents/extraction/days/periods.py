"""Finds time limits such as `deux mois à compter de la notification`, and counts them from a date, or back from one."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from chat.documents.extraction.days import sentences
from chat.documents.extraction.days.kind_classifier import Place, Span, kind_of
from chat.documents.extraction.number_words import NUMBER_IN_WORDS, number_in_words

ENGLISH = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10, "twelve": 12,
    "fourteen": 14, "fifteen": 15, "twenty": 20, "twenty-one": 21, "twenty-eight": 28, "thirty": 30, "sixty": 60,
    "ninety": 90,
}  # fmt: skip
NAMED_PERIODS = {"huitaine": 8, "dizaine": 10, "quinzaine": 15}  # days
WORDS = rf"(?:{'|'.join(sorted(ENGLISH, key=len, reverse=True))}|{NUMBER_IN_WORDS})"
NUMBER = rf"(?:\d{{1,3}}|{WORDS})"
TO = r"\s?(?:[àa]|ou|to|or|[-–])\s?"
OR_MORE = rf"(?:{TO}{NUMBER})?"
FIRST_HOURS = r"(?:24|48|72)"
HOURS_OR = rf"(?:{FIRST_HOURS}\s?h?{TO})?"
# Hours are whole days: `9 heures avant` is none.
HOURS = (
    r"(?:24|48|72|96|vingt-quatre|quarante-huit|soixante-douze|twenty-four|forty-eight|seventy-two)"
    r"\s{0,3}(?:heures|hours|hrs|h(?:00)?)\b"
)
UNIT = (
    r"(?:(?:working|calendar|business|full|clear)\s)?(?:jours?|jrs?|semaines?|mois|ann[ée]es?|ans?|days?|weeks?|months?|years?)\b"
    r"(?:\s(?:francs?|calendaires?|calendrier|ouvr[ée]s|ouvrables?|entiers?|pleins?))?"
)
NEXT = r"(?:(?:premi[èe]re?s?|prochaine?s?)\s)?"
DURATION = (
    rf"(?:{NUMBER}{OR_MORE}(?:(?<=\d)|\s)\s{{0,2}}(?:\(\w{{1,10}}\)\s)?{NEXT}{UNIT}"
    rf"|{HOURS_OR}{HOURS}|\d{{1,3}}(?:{TO}\d{{1,3}})?\s?(?:j|jrs?|sem)\b)"
)
PERIOD = re.compile(
    rf"\b(?:(?P<first>{NUMBER}){TO})?(?P<number>{NUMBER})\s{{0,3}}(?:\(\w{{1,10}}\)\s)?{NEXT}"
    rf"(?P<working>working\s|business\s)?(?:(?:calendar|full|clear)\s)?"
    r"(?P<unit>jour|semaine|mois|ann[ée]e|an|day|week|month|year|j(?=rs?\b|\b)|sem\b)"
    r"(?:s?\s(?P<business>ouvr[ée]s|ouvrables?))?"
    rf"|\b(?:(?P<first_hours>{FIRST_HOURS})\s?h?{TO})?(?P<hours>{HOURS})|\b(?P<named>{'|'.join(NAMED_PERIODS)})\b|dans\sle\s(?P<one_month>mois)"
    r"|\b(?P<one>a)\s(?P<one_unit>day|month|week|year)\b|(?P<two_eves>avant-veille)|(?P<eve>veille|day\sbefore|lendemain)"
    r"|\bJ\s?-\s?(?P<countdown>\d{1,2})\b",
    re.IGNORECASE,
)
LIMIT = (
    r"d[ée]lai\s(?:de\s(?:r[ée]tractation|r[ée]flexion|r[ée]ponse|recours|paiement|contestation|rigueur)\s)?(?:(?:maximum|maximal|suppl[ée]mentaire|compl[ée]mentaire|imp[ée]ratif|l[ée]gal|strict)\s)?(?:de\s|d['’]\s?)|dans\s(?:les?\s)?(?:un\sd[ée]lai\sde\s)?"
    r"|end[ée]ans\s(?:les\s)?(?:un\sd[ée]lai\sde\s)?|sous\s(?:les\s)?|d['’]ici\s(?:[àa]\s)?"
    r"|d[ée]lai\s(?:\S{1,14}\s){0,4}?(?:est\s(?:fix[ée]\s)?(?:de|[àa])|:)\s"
    r"|(?-i:Pass[ée])\s|recours\s\(|(?:rapo|recours|contestation|r[ée]clamation|appel|opposition)[^.:\n]{0,30}:\s?(?:[^.\n]{0,40}[,(]\s?)?"
    r"|vous\s(?:n['’])?(?:avez|aurez|disposez|disposerez)\s(?:(?:alors|donc|ensuite|encore|aussi|d[ée]sormais|maintenant|ainsi|toutefois"
    r"|cependant|d[èe]s\slors|\w{3,12}ment|plus|que)\s){0,3}(?:de\s|d['’])?\s?|vous\s(?:avez|disposez),\s[^,.;\n]{4,60},\s(?:de\s|d['’])?"
    r"|(?:famille|parents?|assur[ée]e?|demandeur|requ[ée]rante?|allocataire)\s(?:a|ont|disposent|dispose)\s(?:de\s|d['’])?|au\smoins\s|au\splus\stard\s|minimum\s|at\sleast\s|within\s"
    r"|\b(?:laiss|accord|donn)(?:ons|e|ent)\s(?:encore\s|jusqu['’]?[àa]\s)?|il\s(?:vous|te)\sreste\s|(?:pendant|durant)\s"
    r"|(?:paiement|r[èe]glement|payables?|net)\s[àa]\s|payment\sdue\sin\s"
    r"|(?:a|another)\speriod\sof\s|you\shave\s|no\slater\sthan\s"
)
AHEAD = (
    r"\s{1,3}(?:au\s(?:moins|minimum|plus\stard)\s|minimum\s)?"
    r"(?:avant|auparavant|before|prior\sto|[àa]\sl'avance|in\sadvance)\b"
)
VALID = (
    r"(?:valables?|valides?|valid|validit[ée]|validity)\s?(?:(?:du|de\sl'|de\sla|de\scette|of\sthis)\s?\w{1,14}\s?)?"
    r"(?:(?:pendant|durant|de|d'|est\sde|for|pour)\s(?:les\s)?)?:?\s{0,3}"
)
TIME_LIMIT = re.compile(
    rf"""\b(?:
        (?:{LIMIT}){DURATION}
      | within\sa\s(?:week|month|year)\b
      | (?:sous|dans\sla)\s(?:{"|".join(NAMED_PERIODS)})\b
      | dans\sle\smois\b(?=\s(?:suivant|qui\ssuit|de\s(?:la|sa|cette)|[àa]\s(?:compter|partir)))
      | {VALID}{DURATION}
      | (?P<bare>{DURATION}|a\s(?:day|week|month)\b)(?={AHEAD}
          |\s{{1,3}}(?:suivant|qui\ssui|[àa]\s(?:compter|partir|dater)
          |(?:[àa]|apr[èe]s)\sr[ée]ception|au\splus\s(?:tard\s)?apr[èe]s|from|after|of\sthe))
      | (?<!\bdepuis\s)(?<!\bd[èe]s\s)(?P<eve>l'avant-veille|la\sveille|the\sday\sbefore|J\s?-\s?\d{{1,2}})\b
      | (?P<day_after>le\slendemain)(?=\s(?:de|du|des)\b|\sd')
    )(?!\s{{1,3}}(?:pr[ée]c[ée]d|derniers))
    """,
    re.IGNORECASE | re.VERBOSE,
)
DURATION_ALONE = re.compile(
    rf"\b(?:{DURATION}|(?:{'|'.join(NAMED_PERIODS)}|veille|day|month|week|year|mois)\b)", re.IGNORECASE
)
# How long a paper is to be kept: `Vous devez conserver vos factures |pendant deux ans|`.
KEEPING = re.compile(
    r"(?<!pour\s)(?<!afin\sde\s)\b(?:conserv(?!atoire)|archiv|gard(?:er|ez)\b)"
    r"(?!.*(?:[:?]|\b(?:pouvez|possibilit|droit\b|contest|(?:un|le|votre|former|faire)\srecours|appel\b|r[ée]tract)))",
    re.IGNORECASE | re.DOTALL,
)
KEPT_FOR = re.compile(r"(?:pendant|durant|au\smoins|minimum)\s", re.IGNORECASE)
IS_AHEAD = re.compile(AHEAD, re.IGNORECASE)
MAX_NUMBER = 999  # of days or years in a period; `cent mille ans` ends in no calendar
MAX_CLAUSE = 100  # characters from `conserver` to its period
MAX_PERIODS = 500  # examined in a letter; more than any has


@dataclass(frozen=True, slots=True)
class Period:
    """`plain[start:end]` of a letter. `is_back`: it ends on another day, as `8 jours avant l'audience`.

    `is_announced` by words of a limit: it is shown even if no day is known. `is_readers`: in it the reader must or may
    act. `duration` is the place of `8 jours` alone.
    """

    start: int
    end: int
    text: str
    is_back: bool
    is_announced: bool
    is_readers: bool
    duration: Span


def find_periods(plain: str, days: Sequence[Span]) -> Iterator[Period]:
    """The time limits, in the order of the text. `days` are the places of the days in it."""
    for match in islice(TIME_LIMIT.finditer(plain), MAX_PERIODS):
        *_, duration = (match.span(), *(found.span() for found in DURATION_ALONE.finditer(plain, *match.span())))
        is_back = match["eve"] is not None or IS_AHEAD.match(plain, match.end()) is not None
        is_kept = (
            not is_back
            and KEPT_FOR.match(match[0])
            and KEEPING.search(sentences.before(plain, match.start(), MAX_CLAUSE))
        )
        is_readers = not is_kept and kind_of(Place(plain, days, *duration, is_period=True)) == "deadline"
        is_announced = not (match["eve"] or match["day_after"]) and not (match["bare"] and is_back)
        yield Period(*match.span(), match[0], is_back, is_announced, is_readers, duration)


def end_of_period(text: str, start: dt.date, *, is_back: bool = False) -> dt.date | None:
    """The last day of the period named last in the text; None if it names none.

    A period of months ends on the day with the same number, else on the last of the month. `is_back` counts back. Of a
    range (`10 à 15 jours`) it is the earlier of the two days: never too late.
    """
    *_, found = (None, *PERIOD.finditer(text))
    numbers, unit = _numbers_and_unit(found) if found else ([0], "")
    number = max(numbers) if is_back else min(numbers)
    if not found or number > MAX_NUMBER:
        return None
    number = -number if is_back else number
    if unit in {"jour", "day"} and (found["business"] or found["working"]):
        return _after_working_days(
            start, number, days_in_week=6 if "ouvrab" in (found["business"] or "").lower() else 5
        )
    match unit:
        case "jour" | "day":
            return start + dt.timedelta(days=number)
        case "semaine" | "week":
            return start + dt.timedelta(weeks=number)
        case "an" | "année" | "annee" | "year":
            return _after_months(start, 12 * number)
    return _after_months(start, number)


def _numbers_and_unit(found: re.Match[str]) -> tuple[list[int], str]:
    """The number, or the two of a range."""
    if found["named"] or found["countdown"]:
        return [int(found["countdown"] or NAMED_PERIODS[found["named"].lower()])], "jour"
    if found["hours"]:
        ends = filter(None, (found["first_hours"], found["hours"]))
        return [_number(re.split(r"\s|(?<=\d)(?=h)", hours)[0]) // 24 for hours in ends], "jour"
    if found["one_month"]:
        return [1], "mois"
    if found["one"]:
        return [1], found["one_unit"].lower()
    if found["eve"] or found["two_eves"]:
        return [1 if found["eve"] else 2], "jour"
    unit = found["unit"].lower()
    ends = filter(None, (found["first"], found["number"]))
    return [_number(each) for each in ends], {"j": "jour", "sem": "semaine"}.get(unit, unit)


def _number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    hours = {"twenty-four": 24, "forty-eight": 48, "seventy-two": 72}
    return ENGLISH.get(text.lower()) or hours.get(text.lower()) or number_in_words(text)


def _after_working_days(start: dt.date, number: int, days_in_week: int) -> dt.date:
    """Without holidays: the day is never too late."""
    step = dt.timedelta(days=1 if number > 0 else -1)
    day, left = start, abs(number)
    while left:
        day += step
        left -= day.weekday() < days_in_week
    return day


def _after_months(start: dt.date, number: int) -> dt.date:
    year, month = divmod(start.year * 12 + start.month - 1 + number, 12)
    return dt.date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))
