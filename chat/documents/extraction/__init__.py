"""Extracts the facts of a letter without the AI, and masks identifiers of persons in its text.

All patterns use bounded repetition only, so that the time is linear in the length of the document.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from chat.documents.extraction.amounts import find_amounts
from chat.documents.extraction.contacts import without_identifiers
from chat.documents.extraction.days.dates import find_dates
from chat.documents.extraction.letter import Letter
from chat.documents.extraction.references import find_references
from chat.documents.extraction.senders import find_sender
from chat.documents.facts import NO_FACTS, Amount, Date, Facts, Reference
from chat.documents.text import MAX_CHARACTERS, clean

MAX_PER_KIND = 50

Fact = TypeVar("Fact", Date, Amount, Reference)


@dataclass(frozen=True, slots=True)
class Extract:
    """`text` is clean and masked. `errors` are errors of this program; facts, or the whole text, are missing then."""

    text: str
    facts: Facts
    errors: tuple[str, ...] = ()

    def raise_errors(self) -> None:
        """Raise ExtractionFailed if there were `errors`."""
        if self.errors:
            raise ExtractionFailed(", ".join(self.errors))


class ExtractionFailed(Exception):
    """Errors of this program, as class and place: they may come from another process."""


def extract(text: str) -> Extract | None:
    """The masked text and its facts; None for an empty text. An unexpected exception is listed in `errors`."""
    if not (text := clean(text[:MAX_CHARACTERS])):
        return None
    facts, masked = NO_FACTS, ""
    errors: list[str] = []
    try:
        facts = find_facts(text)
    except Exception as error:  # noqa: BLE001 - told to the caller: a process without logs may run this
        errors.append(_place(error))
    try:
        masked = without_identifiers(text)
    except Exception as error:  # noqa: BLE001 - as above
        errors.append(_place(error))
    return Extract(masked, facts, tuple(errors))


def _place(error: Exception) -> str:
    """`ValueError at dates 112`: without the text that it happened on."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).stem} {frame.lineno}"


def find_facts(text: str) -> Facts:
    """The dates, amounts, references and sender of a French letter, at most `MAX_PER_KIND` of each."""
    text = text[:MAX_CHARACTERS]
    letter = Letter(text)
    return Facts(
        dates=_unique(find_dates(letter), key=lambda date: date.iso or date.text.lower())[:MAX_PER_KIND],
        amounts=_ends(_unique(find_amounts(letter), key=lambda amount: amount.value)),
        references=_unique(find_references(letter), key=lambda reference: reference.text)[:MAX_PER_KIND],
        sender=find_sender(text),
    )


def _unique(facts: Iterable[Fact], key: Callable[[Fact], str]) -> tuple[Fact, ...]:
    first: dict[str, Fact] = {}
    for fact in facts:
        first.setdefault(key(fact), fact)
    return tuple(first.values())


def _ends(amounts: tuple[Amount, ...]) -> tuple[Amount, ...]:
    """The amounts; of too many the first and the last, because a statement ends with what is due."""
    half = MAX_PER_KIND // 2
    return amounts if len(amounts) <= MAX_PER_KIND else (*amounts[:half], *amounts[-half:])
