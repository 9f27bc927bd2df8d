"""Legal amounts: `amounts.toml` names each with its value, period and source; entries use the names.

`{{aeeh}}` in an entry becomes `153,01 €`, and `{{aeeh.since}}` the first day of that value, `1er avril 2026`. A
revaluation is one more `[[amount]]` in that file: `manage.py load_knowledge` fills the values in force on that day.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat.core.language import Language
from chat.core.long_date import long_date

FIELDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "value": (int, float),
    "unit": str,
    "valid_from": dt.date,
    "valid_to": dt.date,  # the last day on which the value is known to hold
    "source": str,
}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)(\.since)?\s*\}\}")


class AmountsError(ValueError):
    """An invalid file, or a name that it doesn't have."""


@dataclass(frozen=True, slots=True)
class Amount:
    """One value of an amount in its period. Both days belong to it."""

    name: str
    value: float
    unit: str
    valid_from: dt.date
    valid_to: dt.date
    source: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its amounts, and the last day on which all of them are known to hold; None without any."""

    text: str
    valid_until: dt.date | None


class Amounts:
    """The values in force on one day. Of a name whose last period has ended, the last value is kept."""

    def __init__(self, amounts: Iterable[Amount], day: dt.date) -> None:
        begun = sorted((amount for amount in amounts if amount.valid_from <= day), key=lambda each: each.valid_from)
        self._in_force = {amount.name: amount for amount in begun}

    def fill(self, text: str, language: Language) -> Filled:
        """Replace all placeholders. Raises AmountsError for an unknown name."""
        used: list[Amount] = []

        def replace(match: re.Match[str]) -> str:
            amount = self._in_force.get(match[1])
            if amount is None:
                raise AmountsError(f"unknown amount {match[0]}")
            used.append(amount)
            return long_date(amount.valid_from, language) if match[2] else in_words(amount, language)

        filled = _PLACEHOLDER.sub(replace, text)
        if "{{" in filled or "}}" in filled:
            raise AmountsError("broken placeholder: write {{name}} or {{name.since}}")
        return Filled(filled, min((amount.valid_to for amount in used), default=None))


def read(file: Path) -> list[Amount]:
    """All amounts of a TOML file, in all their periods; none if there is no file. Raises AmountsError."""
    try:
        table = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
        return [_amount(row) for row in table.get("amount", ())]
    except tomllib.TOMLDecodeError as error:
        raise AmountsError(str(error)) from error


def in_words(amount: Amount, language: Language) -> str:
    """The value with its unit: `1 041,59 €` or `€1,041.59`. Cents are left out when there are none."""
    digits = f"{amount.value:,.2f}".removesuffix(".00")
    if language == "en":
        return f"€{digits}" if amount.unit == "€" else f"{digits}{amount.unit}"
    french = digits.translate(str.maketrans(",.", "\N{NO-BREAK SPACE},"))
    return f"{french}\N{NO-BREAK SPACE}{amount.unit}"


def _amount(row: dict[str, Any]) -> Amount:
    name = row.get("name", "without a name")
    if wrong := sorted(row.keys() ^ FIELDS.keys()):
        raise AmountsError(f"{name}: missing or unknown: {', '.join(wrong)}")
    for field, kind in FIELDS.items():
        if not isinstance(row[field], kind) or row[field] == "":
            raise AmountsError(f"{name}: {field} is not of its type, or empty")
    if not _NAME.fullmatch(name) or row["valid_to"] < row["valid_from"]:
        raise AmountsError(f"{name}: the name must be lower-case words, and the period must not end before it begins")
    return Amount(**row)
