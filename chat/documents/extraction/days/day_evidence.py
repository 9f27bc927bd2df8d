"""Tells a day from what looks like one: a mark, a fraction, a telephone number, a street."""

from __future__ import annotations

import re

from chat.documents.extraction.months import WEEKDAY

# A day such as `5/10` could be a mark or a fraction: what tells that it is a day.
BEFORE_SHORT_DAY = re.compile(
    rf"(?:\b(?:le|du|au|des|les|avant|before|by|until|on|from|to|{WEEKDAY})\s{{1,2}}|\d/\d{{1,2}}\s(?:et|ou|au)\s)\Z",
    re.IGNORECASE,
)
# Before one with spaces in it, `17 / 04`, which could be a page or a share, too.
BEFORE_DAY_APART = re.compile(rf"{BEFORE_SHORT_DAY.pattern}|:\s{{0,3}}\Z", re.IGNORECASE)
FIRST_ON_LINE = re.compile(r"(?:\A|\n)[\s•*→►·-]*\Z")
AFTER_FIRST_ON_LINE = re.compile(r"\s?,\s|[ ]{2}|\s?[:–]\s|\s(?:et|au)\s\d{1,2}/", re.IGNORECASE)
# `12/05` is no mark, `10/10` may be one: two digits each, and more days than the month has a number.
NO_MARK = re.compile(
    r"(?:(?:0?[1-9]|[12]\d|3[01])/0[1-9]|(?:1[1-9]|2\d|3[01])/10|(?:1[2-9]|2\d|3[01])/11|(?:1[3-9]|2\d|3[01])/12)\Z"
)
BEFORE_NO_DAY = re.compile(
    r"(?:\d|[n#]°?|num[ée]ro|r[ée]f\w{0,7}|dossier|article|art|page|p|vol|tension|acuit[ée]|vue|lot|note|score|IPP|RG)[.:]?\s?:?\s{0,3}\Z",
    re.IGNORECASE,
)
NO_SHORT_DAY = re.compile(
    r"\d|[ ]?(?:%|€|\w{0,2}\d|km\b|points?\b|h\b|ans\b|mois\b|jours\b|heures\b|enfants\b|personnes\b|places\b)"
)  # `de 3.8 %` is none
# A time, or words of a limit.
AFTER_SHORT_DAY = re.compile(r"\s?[-–,à]?\s?\d{1,2}\s?[hH:]|\s(?:au\splus|dernier|inclus|maxi)\b")
DASHED_MONTH = re.compile(r"(?:0[1-9]|[12]\d|3[01])-0[1-9]\Z")  # `24-03`: no range, its end has no zero before it
TWO_DIGITS_DASHED = re.compile(r"\d\d-\d\d\Z")
TWO_DIGITS_EACH = re.compile(r"\d\d/(?:0[1-9]|1[0-2])\Z")
NEXT_IN_LIST = re.compile(r"\s?[,;]\s\d\d/(?:0[1-9]|1[0-2])\b(?!/)")
LAST_IN_LIST = re.compile(r"\d\d/(?:0[1-9]|1[0-2])\s?[,;]\s\Z")
# `01/02 – 28/02`, and three or more in a row: `2/9, 4/9, 9/9 et 16/9`.
RANGE_AFTER = re.compile(r"\s?[-–]\s?\d\d/(?:0[1-9]|1[0-2])(?![\d/])")
ARROW = re.compile(r"\s?(?:->|→)\s?\d\d?[/.]\d")  # `15.07 -> 26.07.2024`
IN_A_COLUMN = re.compile(r"(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])[ ]{3,}[^\W\d]")  # `04.02     séance`
RANGE_BEFORE = re.compile(r"(?<![\d/])\d\d/(?:0[1-9]|1[0-2])\s?[-–]\s?\Z")
ROW = re.compile(r"(?<![\d,.])\d{1,2}/(\d{1,2})(?:(?:,|\set|,\set|\sou)\s\d{1,2}/\1(?!\d)){2,10}")
WEEKDAY_BEFORE = re.compile(rf"\b({WEEKDAY})\s{{1,2}}\Z", re.IGNORECASE)
# What makes a part of a month the end of a time: `avant la |fin mai|`, `|début mai| au plus tard`.
BEFORE_PART = re.compile(r"\b(?:avant|avt|d'ici(?:\s[àa])?|jusqu'(?:[àa]|en|au)|pour)\s(?:l[ae]\s)?\Z", re.IGNORECASE)
AFTER_PART = re.compile(r"\s(?:au\splus|dernier\sd[ée]lai|maxi)", re.IGNORECASE)
IN_AN_ADDRESS = re.compile(r"\b(?:rue|place|avenue|av\.|boulevard|bd|square|quai|stade)\sdu\s\Z", re.IGNORECASE)
BEFORE_SERIES = re.compile(
    rf"(?:\b(?:du|le|les|des|from|the|{WEEKDAY}|(?:lun|mar|mercre|jeu|vendre|same)dis|puis|et)|[,:–|])\s{{1,2}}\Z|\(\s?\Z|\d[-/]\Z|\d\s?&\s\Z",
    re.IGNORECASE,
)
JOINED_DAYS = re.compile(r"\s?[&/–-]\s?\d")  # `16-17 mai`


def is_day(plain: str, match: re.Match[str]) -> bool:
    """Whether what written_days.DATE matched is a day, by what stands around it."""
    before, after = plain[max(0, match.start() - 20) : match.start()], plain[match.end() : match.end() + 12]
    if match["end_of_time"] or (match["part_month"] and not match["part_year"]):
        is_end = BEFORE_PART.search(before) or AFTER_PART.match(after)
        return is_end is not None
    if match["spaced_day"]:
        return re.search(rf"\d ?{re.escape(match['spaced_separator'])} ?\Z", before) is None
    if match["short_day"]:
        is_apart = " " in match[0] and not BEFORE_DAY_APART.search(before)
        is_short_day = _is_short_day(match[0].replace(" ", ""), before, after) or _is_in_row(plain, match)
        return is_short_day and not is_apart
    if match["series_day"]:
        is_joined = JOINED_DAYS.match(after) is not None and not BEFORE_NO_DAY.search(before)
        return is_joined or BEFORE_SERIES.search(before) is not None
    if match["weekday_day"]:
        return WEEKDAY_BEFORE.search(before) is not None
    return not IN_AN_ADDRESS.search(before)


def _is_short_day(day: str, before: str, after: str) -> bool:
    if day.startswith("1er"):
        return True
    if "-" in day:
        return _is_dashed_day(day, before, after)
    if NO_MARK.match(day) and not BEFORE_NO_DAY.search(before) and not NO_SHORT_DAY.match(after):
        return True
    if _is_in_list(day, before, after):
        return True
    if BEFORE_SHORT_DAY.search(before) or AFTER_SHORT_DAY.match(after):
        return "/" in day or AFTER_SHORT_DAY.match(after) is not None or not NO_SHORT_DAY.match(after)
    is_apart = AFTER_FIRST_ON_LINE.match(after) if "/" in day else IN_A_COLUMN.match(day + after)
    return is_apart is not None and FIRST_ON_LINE.search(before) is not None


def _is_dashed_day(day: str, before: str, after: str) -> bool:
    """`09-02` in the first column of a table, or `avant le 09-02`."""
    if FIRST_ON_LINE.search(before):
        return TWO_DIGITS_DASHED.match(day) is not None and after.startswith("  ")
    if DASHED_MONTH.match(day) and not BEFORE_NO_DAY.search(before) and not NO_SHORT_DAY.match(after):
        return True
    return BEFORE_SHORT_DAY.search(before) is not None and not NO_SHORT_DAY.match(after)


def _is_in_list(day: str, before: str, after: str) -> bool:
    """Whether it stands beside another day with two digits each, or before an arrow."""
    if not TWO_DIGITS_EACH.match(day):
        return ARROW.match(after) is not None
    return bool(
        NEXT_IN_LIST.match(after)
        or LAST_IN_LIST.search(before)
        or RANGE_AFTER.match(after)
        or RANGE_BEFORE.search(before)
    )


def _is_in_row(plain: str, match: re.Match[str]) -> bool:
    """Whether it is one of three days or more of one month, as the days that are billed."""
    rows = ROW.finditer(plain, max(0, match.start() - 80), match.end() + 80)
    return any(row.start() <= match.start() < row.end() for row in rows)
