"""A day in words, as people read it in an answer."""

from __future__ import annotations

import datetime as dt

from chat.core.question import Language

_MONTHS: dict[Language, list[str]] = {
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}


def long_date(day: dt.date, language: Language) -> str:
    """`1er avril 2026` or `1 April 2026`, with a no-break space after the number."""
    number = "1er" if language == "fr" and day.day == 1 else str(day.day)
    return f"{number}\N{NO-BREAK SPACE}{_MONTHS[language][day.month - 1]} {day.year}"
