"""Letters by authors who were told the facts to list and nothing of the extraction: compared by day and by value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chat.documents.extraction import find_facts
from chat.documents.text import clean
from tests.chat.documents.labelled_letters import Score, letters, plain

KINDS = ("dates", "deadlines", "amounts", "references")
# Numbers that these authors don't list: they are shown, but name no file.
NOT_LISTED = {"form", "social_security", "pupil"}


def facts_found(letter: str) -> dict[str, set[str]]:
    """The facts found in a letter: days as YYYY-MM-DD, amounts with two decimals, numbers as written."""
    facts = find_facts(letter)
    return {
        "dates": {date.iso for date in facts.dates if date.iso},
        "deadlines": {date.iso for date in facts.dates if date.iso and date.kind == "deadline"},
        "amounts": {_value(amount.value) for amount in facts.amounts},
        "references": {plain(number.text) for number in facts.references if number.kind not in NOT_LISTED},
    }


def facts_labelled(letter: dict[str, Any]) -> dict[str, set[str]]:
    """The labels of a letter, in the same form as `facts_found`."""
    return {
        "dates": {date if isinstance(date, str) else date["iso"] for date in letter["dates"]},
        "deadlines": set(letter.get("deadlines", ())),
        "amounts": {_value(amount) for amount in letter["amounts"]},
        "references": {plain(number) for number in letter["references"]},
    }


def score(name: str, kind: str, typography: Callable[[str], str] = str) -> Score:
    """The score of one kind of facts over all letters of one file, written in this typography."""
    return Score.of(
        (facts_labelled(letter)[kind], facts_found(clean(typography(letter["text"])))[kind]) for letter in letters(name)
    )


def without_the_first_deadline(name: str, typography: Callable[[str], str] = str) -> list[int]:
    """The letters with a deadline, the soonest of which is not the first of the dates shown."""
    wrong = []
    for number, letter in enumerate(letters(name)):
        dates = find_facts(clean(typography(letter["text"]))).dates
        if letter["deadlines"] and [date.iso for date in dates[:1]] != letter["deadlines"][:1]:
            wrong.append(number)
    return wrong


def _value(amount: str) -> str:
    return f"{float(amount):.2f}"
