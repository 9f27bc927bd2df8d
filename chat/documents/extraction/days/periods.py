"""Finds time limits such as `deux mois à compter de la notification`, and counts them from a date, or back from one."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from chat.documents.extraction.days import sentences
from chat.documents.extraction.days.actors import READER, REQUEST, is_time_taken_by_an_office
from chat.documents.extraction.days.verbless_requests import is_asked, was_done
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
    r"(?:(?:working|calendar|business|full|clear)\s)?(?:jours?|semaines?|mois|ann[ée]es?|ans?|days?|weeks?|months?|years?)\b"
    r"(?:\s(?:francs?|calendaires?|calendrier|ouvr[ée]s|ouvrables?|entiers?|pleins?))?"
)
NEXT = r"(?:(?:premi[èe]re?s?|prochaine?s?)\s)?"
DURATION = (
    rf"(?:{NUMBER}{OR_MORE}(?:(?<=\d)|\s)\s{{0,2}}(?:\(\w{{1,10}}\)\s)?{NEXT}{UNIT}"
    rf"|{HOURS_OR}{HOURS}|\d{{1,3}}(?:{TO}\d{{1,3}})?\s?(?:j|sem)\b)"
)
PERIOD = re.compile(
    rf"\b(?:(?P<first>{NUMBER}){TO})?(?P<number>{NUMBER})\s{{0,3}}(?:\(\w{{1,10}}\)\s)?{NEXT}"
    rf"(?P<working>working\s|business\s)?(?:(?:calendar|full|clear)\s)?"
    r"(?P<unit>jour|semaine|mois|ann[ée]e|an|day|week|month|year|j\b|sem\b)(?:s?\s(?P<business>ouvr[ée]s|ouvrables?))?"
    rf"|\b(?:(?P<first_hours>{FIRST_HOURS})\s?h?{TO})?(?P<hours>{HOURS})|\b(?P<named>{'|'.join(NAMED_PERIODS)})\b|dans\sle\s(?P<one_month>mois)"
    r"|\b(?P<one>a)\s(?P<one_unit>day|month|week|year)\b|(?P<two_eves>avant-veille)|(?P<eve>veille|day\sbefore)",
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
    r"\s{1,3}(?:au\s(?:moins|minimum|plus\stard)\s|minimum\s)?(?:avant|before|prior\sto|[àa]\sl'avance|in\sadvance)\b"
)
VALID = (
    r"(?:valables?|valides?|valid|validit[ée]|validity)\s?(?:(?:du|de\sl'|de\sla|de\scette|of\sthis)\s?\w{1,14}\s?)?"
    r"(?:(?:pendant|durant|de|d'|est\sde|for|pour)\s(?:les\s)?)?:?\s{0,3}"
)
TIME_LIMIT = re.compile(
    rf"""\b(?:
        (?P<limit>{LIMIT}){DURATION}
      | within\sa\s(?:week|month|year)\b
      | (?:sous|dans\sla)\s(?:{"|".join(NAMED_PERIODS)})\b
      | dans\sle\smois\b(?=\s(?:suivant|qui\ssuit|de\s(?:la|sa|cette)|[àa]\s(?:compter|partir)))
      | (?P<quote>{VALID}){DURATION}
      | (?P<bare>{DURATION}|a\s(?:day|week|month)\b)(?={AHEAD}
          |\s{{1,3}}(?:suivant|qui\ssui|[àa]\s(?:compter|partir|dater)
          |(?:[àa]|apr[èe]s)\sr[ée]ception|au\splus\s(?:tard\s)?apr[èe]s|from|after|of\sthe))
      | (?P<eve>l'avant-veille|la\sveille|the\sday\sbefore)\b
    )(?!\s{{1,3}}(?:pr[ée]c[ée]d|derniers))
    """,
    re.IGNORECASE | re.VERBOSE,
)
NO_LIMIT = re.compile(r"\b(?:moins|plus|il y a|less|more)\s(?:de\s|d['’]|than\s)?\Z", re.IGNORECASE)
OF_A_QUOTE = re.compile(r"\b(?:devis|offre|proposition|quote|quotation|estimate|offer)\b", re.IGNORECASE)
# `dans trois mois, nous ferons le point` asks for nothing.
VAGUE = re.compile(r"dans\s(?!les?\s|un\sd[ée]lai)", re.IGNORECASE)
ASKS = re.compile(
    r"\b(?:vous\s(?:devez|pouvez)|veuillez|merci\sde|pri[èe]re|contest|recours|retourn|renvoy|r[ée]pond)", re.IGNORECASE
)
# A range is mostly the time that others take: `sous 3 à 4 semaines`.
RANGE = re.compile(rf"\b{NUMBER}{TO}{NUMBER}", re.IGNORECASE)
IS_LEFT = re.compile(rf"{ASKS.pattern}|attendu|exig|\bvous\s(?:avez|aurez)\b|{READER.pattern}", re.IGNORECASE)
CONTESTS = re.compile(
    r"votre\ssilence|contest|recours|faire\sappel|opposition|r[ée]clamation|r[ée]tract", re.IGNORECASE
)
# `au moins 20 jours d'absence` is none; of age: `vous avez 20 ans`, `la famille a 3 ans`.
AT_LEAST = re.compile(r"au\smoins|minimum|at\sleast|vous\savez\s\S{1,12}\sans?\b|\w{4,12}\s(?:a|ont)\s", re.IGNORECASE)
AFTER_A_MINIMUM = re.compile(
    r"\s{1,3}(?:au\s(?:moins|plus\stard)\s)?(?:avant|before|prior|[àa]\s(?:l'avance|compter|partir)|in\sadvance|apr[èe]s|suivant|after|pour)\b",
    re.IGNORECASE,
)
IS_AHEAD = re.compile(AHEAD, re.IGNORECASE)
MAX_NUMBER = 999  # of days or years in a period; `cent mille ans` ends in no calendar
MAX_PERIODS = 500  # examined in a letter; more than any has


@dataclass(frozen=True, slots=True)
class Period:
    """`plain[start:end]` of a letter. `is_back`: it ends on another day, as `8 jours avant l'audience`.

    `is_announced` by words of a limit: it is shown even if no day is known.
    """

    start: int
    end: int
    text: str
    is_back: bool
    is_announced: bool


def find_periods(plain: str) -> Iterator[Period]:
    """The time limits, in the order of the text."""
    for match in islice(TIME_LIMIT.finditer(plain), MAX_PERIODS):
        if _is_limit(plain, match) and not _is_of_others(plain, match):
            is_back = match["eve"] is not None or IS_AHEAD.match(plain, match.end()) is not None
            is_announced = not match["eve"] and not (match["bare"] and is_back)
            yield Period(*match.span(), match[0], is_back, is_announced)


def _is_limit(plain: str, match: re.Match[str]) -> bool:
    before = plain[max(0, match.start() - 200) : match.start()]
    if match["eve"]:
        return not before.lower().endswith(("depuis ", "dès ", "des "))
    if match["quote"]:
        return OF_A_QUOTE.search(f"{before} {match[0]}") is not None or OF_A_QUOTE.search(plain[:400]) is not None
    if match["limit"] and VAGUE.match(match["limit"]):
        return ASKS.search(before[-80:]) is not None
    if match["limit"] and match["limit"].lower().startswith(("pendant", "durant")):
        return CONTESTS.search(before[-80:]) is not None
    if match["limit"] and AT_LEAST.match(match[0]):
        return AFTER_A_MINIMUM.match(plain, match.end()) is not None
    return not NO_LIMIT.search(before[-12:])


def _is_of_others(plain: str, match: re.Match[str]) -> bool:
    """Whether an office takes that time, what was done took it, or its range leaves nothing to the reader."""
    if match["eve"] or match["quote"]:
        return False
    before, after = sentences.before(plain, match.start(), 120), sentences.after(plain, match.end(), 80)
    sentence = before + match[0]
    is_left = REQUEST.search(sentence) or IS_LEFT.search(sentence) or is_asked(before, after)
    if not REQUEST.search(sentence) and was_done(before + match[0].partition(" ")[0] + " ", after):
        return True
    return is_time_taken_by_an_office(before, match[0]) or (RANGE.search(match[0]) is not None and not is_left)


def end_of_period(text: str, start: dt.date, *, is_back: bool = False) -> dt.date | None:
    """The last day of the period named in the text; None if it names none.

    A period of months ends on the day with the same number, else on the last of the month. `is_back` counts back. Of a
    range (`10 à 15 jours`) it is the earlier of the two days: never too late.
    """
    found = PERIOD.search(text)
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
    if found["named"]:
        return [NAMED_PERIODS[found["named"].lower()]], "jour"
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
