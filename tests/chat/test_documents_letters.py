"""How well facts are found in letters as the MDPH, the CAF, schools and courts write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from chat.documents import facts

LETTERS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "evaluation" / "letters.yaml").read_text("utf-8")
)


def found_in(letter: str) -> dict[str, dict[str, str]]:
    found = facts(letter)
    return {
        "dates": {date.iso or date.text: date.label for date in found.dates},
        "amounts": {amount.value: "" for amount in found.amounts},
        "references": {reference.text: reference.kind for reference in found.references},
    }


def wanted_in(letter: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        "dates": dict(letter["dates"]),
        "amounts": dict.fromkeys(letter["amounts"], ""),
        "references": {text: kind for kind, text in letter["references"]},
    }


@pytest.mark.parametrize("kind", ["dates", "amounts", "references"])
def test_facts_are_found_and_nothing_else(kind: str) -> None:
    found = {(number, fact) for number, letter in enumerate(LETTERS) for fact in found_in(letter["letter"])[kind]}
    wanted = {(number, fact) for number, letter in enumerate(LETTERS) for fact in wanted_in(letter)[kind]}
    assert len(found & wanted) / len(found) >= 0.97, found - wanted
    assert len(found & wanted) / len(wanted) >= 0.97, wanted - found


def test_dates_are_told_for_what_they_are() -> None:
    labels = [
        (letter["letter"], fact, label, found_in(letter["letter"])["dates"].get(fact))
        for letter in LETTERS
        for fact, label in wanted_in(letter)["dates"].items()
    ]
    wrong = [row for row in labels if row[2] != row[3]]
    assert len(wrong) / len(labels) <= 0.05, wrong


def test_there_are_enough_letters_to_tell() -> None:
    assert len(LETTERS) >= 25
