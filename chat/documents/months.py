"""The names of months and weekdays, French and English, as letters write them."""

from __future__ import annotations

import re

BREAK = r"(?:-?\n)?"  # scanners keep the line breaks in words
MONTHS = (
    f"jan{BREAK}v(?:{BREAK}ier)?|jan(?:uary)?",
    f"f[ée]{BREAK}vr?(?:{BREAK}ier)?|feb(?:ruary)?",
    rf"ma{BREAK}rs|march|mar(?=\s\d{{4}})",
    "avr(?:il)?|apr(?:il)?",
    "mai|may",
    "juin|june?",
    f"juil(?:{BREAK}let)?|july?",
    "ao[ûu]t|aug(?:ust)?",
    f"sep{BREAK}t?(?:em{BREAK}bre|ember)?",
    f"oc{BREAK}t(?:o{BREAK}bre|ober)?",
    f"no{BREAK}v(?:em{BREAK}bre|ember)?",
    f"d[ée]{BREAK}c(?:em{BREAK}bre|ember)?",
)
MONTH = rf"(?:{'|'.join(MONTHS)})(?![^\W\d_])\.?"
ENGLISH_MONTH = (  # `DEC 3` may be an office
    r"(?-i:Jan(?:uary)?|Feb(?:ruary)?|March|Apr(?:il)?|May|June|July|Aug(?:ust)?|Sep(?:t(?:ember)?)?|October|November"
    r"|Dec(?:ember)?)\b"
)
WEEKDAY = (
    r"(?:(?:lun|mar|mercre|jeu|vendre|same)di|dimanche|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:lun|mar|mer|jeu|ven|sam|dim)\.|(?:mon|tue|wed|thu|fri|sat|sun)\b),?"
)


def month_number(name: str) -> int:
    """1 to 12 for a name that MONTH matches."""
    name = name.rstrip(".").lower()
    return next(
        number for number, month in enumerate(MONTHS, 1) if re.fullmatch(month.replace(r"(?=\s\d{4})", ""), name)
    )
