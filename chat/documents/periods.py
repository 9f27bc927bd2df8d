"""Finds time limits such as `deux mois à compter de la notification`, and adds them to a date."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

NUMBERS = {
    "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "dix": 10,
    "douze": 12, "quinze": 15, "vingt": 20, "trente": 30, "quarante-cinq": 45, "soixante": 60,
    "one": 1, "two": 2, "three": 3, "four": 4, "fifteen": 15, "thirty": 30, "sixty": 60,
}  # fmt: skip
NAMED_PERIODS = {"huitaine": 8, "quinzaine": 15}  # days
NUMBER = rf"(?:\d{{1,3}}|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})"
UNIT = r"(?:jours?|semaines?|mois|days?|weeks?|months?)\b"
DURATION = rf"{NUMBER}\s{{1,3}}(?:\(\w{{1,10}}\)\s)?{UNIT}"
PERIOD = re.compile(
    rf"\b(?P<number>{NUMBER})\s{{1,3}}(?:\(\w{{1,10}}\)\s)?(?P<unit>jour|semaine|mois|day|week|month)"
    r"|\b(?P<named>huitaine|quinzaine)\b|dans\sle\s(?P<one_month>mois)",
    re.IGNORECASE,
)
TIME_LIMIT = re.compile(
    rf"""\b(?:
        (?:d[ée]lai\s(?:maximum\s|maximal\s)?(?:de\s|d['’]\s?)|dans\s(?:les\s|un\sd[ée]lai\sde\s)?|sous\s|d['’]ici\s
          |vous\s(?:avez|aurez|disposez\sde|disposez\sd['’])\s{{0,2}}|au\smoins\s|au\splus\stard\s|within\s
          |(?:a|another)\speriod\sof\s|you\shave\s){DURATION}
      | sous\s(?:huitaine|quinzaine)\b
      | dans\sle\smois\s(?:suivant|qui\ssuit)\s(?:la|sa)\s(?:présente\s)?notification
      | {DURATION}(?=\s{{1,3}}(?:suivant|[àa]\scompter|[àa]\sréception|après\sréception|from|after|of\sthe))
    )(?!\s{{1,3}}précéd)
    """,
    re.IGNORECASE | re.VERBOSE,
)
MAX_PERIODS = 500  # examined in a letter; more than any has
# Words after a period that name its start.
COUNTED_FROM = re.compile(
    r"\s{0,3}(?:[àa]\s(?:compter|partir|r[ée]ception)|suivant|apr[èe]s|de\sla\sdate|from|after|of\b)", re.IGNORECASE
)
# A period that starts when the letter arrives, which no letter knows.
FROM_RECEIPT = re.compile(r"\s{0,3}(?:\S{1,14}\s{1,3}){0,6}?(?:r[ée]ception|re[çc]u|receipt|receiv)", re.IGNORECASE)
# Periods in which an office, not the reader, must answer.
OF_AN_OFFICE = re.compile(
    r"(?:sans|absence\sde|défaut\sde)\sréponse|\b(?:commission|CDAPH|MDPH|administration|caisse|service)\b[^.]{0,30}"
    r"\b(?:dispose|a|statue|répond)\b|instruction|traitement|\bdélai\s(?:moyen|actuel)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Period:
    """`plain[start:end]` of a letter."""

    start: int
    end: int
    text: str

    def is_of_an_office(self, plain: str) -> bool:
        """Whether it is the time that an office has, not the reader."""
        return OF_AN_OFFICE.search(plain[max(0, self.start - 60) : self.end + 40]) is not None

    def is_before(self, plain: str) -> bool:
        """Whether it ends on another day: `au moins 8 jours avant l'audience`."""
        return re.match(r"\s{1,3}(?:avant|before|[àa]\sl'avance)\b", plain[self.end : self.end + 14]) is not None

    def is_from_receipt(self, plain: str) -> bool:
        """Whether it is counted from the day on which the letter arrives."""
        after = plain[self.end : self.end + 70].partition(".")[0]
        return bool(COUNTED_FROM.match(after) and FROM_RECEIPT.match(after))


def find_periods(plain: str) -> Iterator[Period]:
    """The time limits, in the order of the text."""
    for match in islice(TIME_LIMIT.finditer(plain), MAX_PERIODS):
        yield Period(*match.span(), match[0])


def end_of_period(text: str, start: dt.date) -> dt.date | None:
    """The last day of the period named in the text; None if it names none.

    A period of months ends on the day with the same number, else on the last of the month.
    """
    if not (found := PERIOD.search(text)):
        return None
    if found["named"]:
        return start + dt.timedelta(days=NAMED_PERIODS[found["named"].lower()])
    if found["one_month"]:
        return end_of_period("un mois", start)
    number = int(found["number"]) if found["number"].isdecimal() else NUMBERS[found["number"].lower()]
    match found["unit"].lower():
        case "jour" | "day":
            return start + dt.timedelta(days=number)
        case "semaine" | "week":
            return start + dt.timedelta(weeks=number)
    months = start.year * 12 + start.month - 1 + number
    year, month = divmod(months, 12)
    return dt.date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))
