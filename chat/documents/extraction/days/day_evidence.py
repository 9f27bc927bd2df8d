"""Tells a day from what looks like one: a mark, a fraction, a telephone number, a street."""

from __future__ import annotations

import re

from chat.documents.extraction.months import WEEKDAY

# A day such as `5/10` could be a mark or a fraction: what tells that it is a day.
BEFORE_SHORT_DAY = re.compile(
    rf"(?:\b(?:le|du|au|des|les|avant|before|by|until|on|from|to|{WEEKDAY})\s{{1,2}}|\d/\d{{1,2}}\s(?:et|ou|au)\s)\Z",
    re.IGNORECASE,
)
FIRST_ON_LINE = re.compile(r"(?:\A|\n)\s*\Z")
AFTER_FIRST_ON_LINE = re.compile(r"\s?,\s|\s{2}|\s(?:et|au)\s\d{1,2}/")
NO_SHORT_DAY = re.compile(r"\d|\s?(?:%|€|\w{0,2}\d|km\b|points?\b|h\b)")  # `de 3.8 %` is none
AFTER_SHORT_DAY = re.compile(r"\s?[-–,à]?\s?\d{1,2}\s?[hH:]")  # a time
TWO_DIGITS_EACH = re.compile(r"\d\d/(?:0[1-9]|1[0-2])\Z")
NEXT_IN_LIST = re.compile(r"\s?[,;]\s\d\d/(?:0[1-9]|1[0-2])\b(?!/)")
LAST_IN_LIST = re.compile(r"\d\d/(?:0[1-9]|1[0-2])\s?[,;]\s\Z")
# `01/02 – 28/02`, and three or more in a row: `2/9, 4/9, 9/9 et 16/9`.
RANGE_AFTER = re.compile(r"\s?[-–]\s?\d\d/(?:0[1-9]|1[0-2])(?![\d/])")
RANGE_BEFORE = re.compile(r"(?<![\d/])\d\d/(?:0[1-9]|1[0-2])\s?[-–]\s?\Z")
ROW = re.compile(r"(?<![\d,.])\d{1,2}/(\d{1,2})(?:(?:,|\set|,\set|\sou)\s\d{1,2}/\1(?!\d)){2,10}")
WEEKDAY_BEFORE = re.compile(rf"\b({WEEKDAY})\s{{1,2}}\Z", re.IGNORECASE)
IN_AN_ADDRESS = re.compile(r"\b(?:rue|place|avenue|av\.|boulevard|bd|square|cours|quai|stade)\sdu\s\Z", re.IGNORECASE)
BEFORE_SERIES = re.compile(rf"(?:\b(?:du|le|les|des|from|the|{WEEKDAY})|,)\s{{1,2}}\Z", re.IGNORECASE)


def is_day(plain: str, match: re.Match[str]) -> bool:
    """Whether what written_days.DATE matched is a day, by what stands around it."""
    before, after = plain[max(0, match.start() - 20) : match.start()], plain[match.end() : match.end() + 12]
    if match["short_day"]:
        return _is_short_day(match[0], before, after) or _is_in_row(plain, match)
    if match["series_day"]:
        return BEFORE_SERIES.search(before) is not None
    if match["weekday_day"]:
        return WEEKDAY_BEFORE.search(before) is not None
    return not IN_AN_ADDRESS.search(before)


def _is_short_day(day: str, before: str, after: str) -> bool:
    if TWO_DIGITS_EACH.match(day) and (NEXT_IN_LIST.match(after) or LAST_IN_LIST.search(before)):
        return True
    if TWO_DIGITS_EACH.match(day) and (RANGE_AFTER.match(after) or RANGE_BEFORE.search(before)):
        return True
    if BEFORE_SHORT_DAY.search(before) or AFTER_SHORT_DAY.match(after):
        return "/" in day or not NO_SHORT_DAY.match(after)
    return "/" in day and bool(FIRST_ON_LINE.search(before) and AFTER_FIRST_ON_LINE.match(after))


def _is_in_row(plain: str, match: re.Match[str]) -> bool:
    """Whether it is one of three days or more of one month, as the days that are billed."""
    rows = ROW.finditer(plain, max(0, match.start() - 80), match.end() + 80)
    return any(row.start() <= match.start() < row.end() for row in rows)
