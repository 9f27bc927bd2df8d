"""Labelled letters, and how well what is found in them agrees with the labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chat.documents import facts

FOLDER = Path(__file__).parent / "evaluation"
KINDS = ("dates", "amounts", "references")


def letters(name: str) -> list[dict[str, Any]]:
    """The letters of `evaluation/<name>.yaml`."""
    read: list[dict[str, Any]] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    return read


def found_in(letter: str) -> dict[str, dict[str, str]]:
    """What is found, by kind: each fact with its label."""
    found = facts(letter)
    return {
        "dates": {_date(date.iso or date.text): date.kind for date in found.dates},
        "amounts": {amount.value: "" for amount in found.amounts},
        "references": {_reference(reference.kind, reference.text): "" for reference in found.references},
    }


def wanted_in(letter: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        "dates": {_date(text): label for text, label in letter["dates"]},
        "amounts": dict.fromkeys(letter["amounts"], ""),
        "references": {_reference(kind, text): "" for kind, text in letter["references"]},
    }


def _date(text: str) -> str:
    """Of a delay its number and unit: which words before them belong to it is a matter of taste."""
    return " ".join(text.lower().replace("'", " ").split()[-2:])


def _reference(kind: str, text: str) -> str:
    """Of a social security number no more than its end is known."""
    return f"{kind} {text[-2:] if kind == 'social_security' else text}"


@dataclass(frozen=True, slots=True)
class Score:
    """Precision and recall, and the facts that cost them."""

    missed: list[str]
    invented: list[str]
    right: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + len(self.invented))

    @property
    def recall(self) -> float:
        return self.right / (self.right + len(self.missed))


def score(name: str, kind: str) -> Score:
    """How well one kind of facts is found in the letters of one file."""
    wanted, found = set(), set()
    for number, letter in enumerate(letters(name)):
        wanted |= {f"{number}: {fact}" for fact in wanted_in(letter)[kind]}
        found |= {f"{number}: {fact}" for fact in found_in(letter["letter"])[kind]}
    return Score(sorted(wanted - found), sorted(found - wanted), len(wanted & found))


def labels(name: str) -> tuple[int, list[str]]:
    """How many dates that were found have a label, and which of them a wrong one: `fact: wanted, found`."""
    count, wrong = 0, []
    for number, letter in enumerate(letters(name)):
        found = found_in(letter["letter"])["dates"]
        for fact, label in wanted_in(letter)["dates"].items():
            if fact in found:
                count += 1
                if found[fact] != label:
                    wrong.append(f"{number}: {fact}: {label or '-'}, {found[fact] or '-'}")
    return count, wrong


def senders(name: str) -> tuple[int, list[str]]:
    """In how many letters it is known who writes, and where that was told wrong: `number: wanted, found`."""
    told = [(letter["sender"], facts(letter["letter"]).sender) for letter in letters(name)]
    rows = [(number, wanted, found.kind if found else "") for number, (wanted, found) in enumerate(told)]
    wrong = [f"{number}: {wanted or '-'}, {found or '-'}" for number, wanted, found in rows if wanted != found]
    return len(rows), wrong
