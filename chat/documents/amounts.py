"""The amounts in a letter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from chat.documents.facts import Amount
from chat.documents.text import on_one_line

AMOUNT = re.compile(
    r"""
    (?<![\w.,])
    (?P<whole>\d{1,3}(?:[ .\u00a0\u202f]\d{3}){1,3}|\d{1,9})(?:[,.](?P<cents>\d{1,2}))?
    [ \u00a0\u202f]?(?:€|euros?\b|EUR\b)
    (?:\s?(?:/|par)\s?(?:mois|an|jour|heure|semaine|trimestre)\b)?
    """,
    re.IGNORECASE | re.VERBOSE,
)


def amounts_in(text: str) -> Iterator[Amount]:
    """The amounts in euros, in their order."""
    for found in AMOUNT.finditer(text):
        whole = re.sub(r"\D", "", found["whole"])
        yield Amount(on_one_line(found[0]), str(Decimal(f"{whole}.{found['cents']}" if found["cents"] else whole)))
