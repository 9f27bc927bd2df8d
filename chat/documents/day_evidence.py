"""Tells a day from what looks like one: a mark, a fraction, a telephone number, a street."""

from __future__ import annotations

import re

from chat.documents.months import WEEKDAY

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
WEEKDAY_BEFORE = re.compile(rf"\b({WEEKDAY})\s{{1,2}}\Z", re.IGNORECASE)
# `le 15` may be a telephone number: `appelez le 15`, `composez le 18`.
NO_LONE_DAY = re.compile(
    r"(?:appel\w{0,4}|compos\w{0,4}|faites|au|t[ée]l\w{0,8}|num[ée]ro|SAMU|bus|tram|ligne)\s:?\s?le\s\Z", re.IGNORECASE
)
IN_AN_ADDRESS = re.compile(r"\b(?:rue|place|avenue|av\.|boulevard|bd|square|cours|quai|stade)\sdu\s\Z", re.IGNORECASE)
BEFORE_SERIES = re.compile(rf"(?:\b(?:du|le|les|des|from|the|{WEEKDAY})|,)\s{{1,2}}\Z", re.IGNORECASE)


def is_day(plain: str, match: re.Match[str]) -> bool:
    """Whether what written_days.DATE matched is a day, by what stands around it."""
    before, after = plain[max(0, match.start() - 20) : match.start()], plain[match.end() : match.end() + 12]
    if match["short_day"]:
        return _is_short_day(match[0], before, after)
    if match["series_day"]:
        return BEFORE_SERIES.search(before) is not None
    if match["weekday_day"]:
        return WEEKDAY_BEFORE.search(before) is not None
    no_day = NO_LONE_DAY if match["lone_day"] else IN_AN_ADDRESS
    return not no_day.search(before)


def _is_short_day(day: str, before: str, after: str) -> bool:
    if TWO_DIGITS_EACH.match(day) and (NEXT_IN_LIST.match(after) or LAST_IN_LIST.search(before)):
        return True
    if BEFORE_SHORT_DAY.search(before) or AFTER_SHORT_DAY.match(after):
        return "/" in day or not NO_SHORT_DAY.match(after)
    return "/" in day and bool(FIRST_ON_LINE.search(before) and AFTER_FIRST_ON_LINE.match(after))
