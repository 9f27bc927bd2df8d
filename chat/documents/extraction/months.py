"""The names of months and weekdays, French and English, as letters write them and scanners misread them."""

from __future__ import annotations

import re

BREAK = r"(?:-?\n)?"  # scanners keep the line breaks in words
M = "(?:m|rn)"  # and scanners misread them: `janvler`, `septernbre`, `avri1`, `ao0t`
MONTHS = (
    f"jan{BREAK}v(?:{BREAK}[il1]er)?|jan(?:uary)?",
    f"f[ée]{BREAK}vr?(?:{BREAK}[il1]er)?|feb(?:ruary)?",
    rf"{M}a{BREAK}rs|march|mar(?=\s\d{{4}})",
    "avr(?:[il1][il1])?|apr(?:il)?",
    f"{M}a[i1]|may",
    "ju[il1]n|june?",
    f"ju[il1][il1](?:{BREAK}[il1]et)?|july?",
    "a[o0][ûu]t|aug(?:ust)?",
    f"sep{BREAK}t?(?:e{M}{BREAK}bre|ember)?",
    f"[o0]c{BREAK}t(?:[o0]{BREAK}bre|ober)?",
    f"n[o0]{BREAK}v(?:e{M}{BREAK}bre|ember)?",
    f"d[ée]{BREAK}c(?:e{M}{BREAK}bre|ember)?",
)
MONTH = rf"(?:{'|'.join(MONTHS)})(?![^\W\d_])\.?"
ENGLISH_MONTH = (  # `DEC 3` may be an office
    r"(?-i:Jan(?:uary)?|Feb(?:ruary)?|March|Apr(?:il)?|May|June|July|Aug(?:ust)?|Sep(?:t(?:ember)?)?|October|November"
    r"|Dec(?:ember)?)\b"
)
WEEKDAY = (
    r"(?:(?:lun|mar|mercre|jeu|vendre|same)di|dimanche|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:lun|mar|merc?|jeu|vend?|sam|dim)\b\.?|(?:mon|tue|wed|thu|fri|sat|sun)\b),?"
)

_WEEKDAYS = ("lu mo", "mar tu", "mer we", "je th", "ve fr", "sa", "di su")


def weekday_number(name: str) -> int:
    """0, Monday, to 6 for a name that WEEKDAY matches."""
    return next(number for number, starts in enumerate(_WEEKDAYS) if name.lower().startswith(tuple(starts.split())))


def month_number(name: str) -> int:
    """1 to 12 for a name that MONTH matches."""
    name = name.rstrip(".").lower()
    return next(
        number for number, month in enumerate(MONTHS, 1) if re.fullmatch(month.replace(r"(?=\s\d{4})", ""), name)
    )
