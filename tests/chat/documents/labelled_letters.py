"""Labelled letters, and the precision and recall of the facts found in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chat.documents.extraction import find_facts
from chat.documents.text import clean

FOLDER = Path(__file__).parent / "letters"
KINDS = ("dates", "amounts", "references")


def letters(name: str) -> list[dict[str, Any]]:
    """The letters of `letters/<name>.yaml`, with their labels."""
    loaded: list[dict[str, Any]] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    return loaded


def facts_found(letter: str) -> dict[str, dict[str, str]]:
    """The facts found in a letter, by kind: each fact with its label (dates only)."""
    found = find_facts(letter)
    return {
        "dates": {_date(date.text if date.basis else date.iso or date.text): _kind(date.kind) for date in found.dates},
        "amounts": {amount.value: "" for amount in found.amounts},
        "references": {_reference(reference.kind, reference.text): "" for reference in found.references},
    }


def facts_found_as_labelled(letter: dict[str, Any], text: str) -> dict[str, dict[str, str]]:
    """The facts found in `text`, the letter in some typography.

    A day without its year is labelled as it is written if the letter has no date; its year may be found all the same.
    """
    found, labelled = facts_found(text), facts_labelled(letter)
    written = {date.iso: _date(date.text) for date in find_facts(text).dates if date.iso and not date.basis}
    found["dates"] = {
        written[date] if date not in labelled["dates"] and written.get(date) in labelled["dates"] else date: kind
        for date, kind in found["dates"].items()
    }
    return found


def facts_labelled(letter: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The facts a letter is labelled with, in the same form as `facts_found`."""
    return {
        "dates": {_date(text): label for text, label in letter["dates"]},
        "amounts": dict.fromkeys(letter["amounts"], ""),
        "references": {_reference(kind, text): "" for kind, text in letter["references"]},
    }


def _kind(kind: str) -> str:
    """In the older letters, ends of rights are labelled as deadlines, and the letter's own date as any other."""
    return {"end_of_rights": "deadline", "letter": "other"}.get(kind, kind)


def _date(text: str) -> str:
    """The last two words: of a time limit only number and unit, because the words before them vary."""
    return " ".join(plain(text).lower().replace("'", " ").split()[-2:])


def _reference(kind: str, text: str) -> str:
    """Kind and number. Of a social security number, which is masked, only the last two digits."""
    text = plain(text)
    return f"{kind} {text[-2:] if kind == 'social_security' else text}"


def plain(text: str) -> str:
    """Facts are found as they stand in the letter; labels are typed."""
    text = unicodedata.normalize("NFKC", text)  # noqa: TID251 - not a stranger's
    return " ".join(text.replace("\u2019", "'").replace("\u2010", "-").replace("\u200b", "").split())


@dataclass(frozen=True, slots=True)
class Score:
    """Precision and recall, with the facts that lower them."""

    false_negatives: list[str]
    false_positives: list[str]
    correct: int

    @property
    def precision(self) -> float:
        return self.correct / (self.correct + len(self.false_positives))

    @property
    def recall(self) -> float:
        return self.correct / (self.correct + len(self.false_negatives))

    @classmethod
    def of(cls, letters: Iterable[tuple[Iterable[str], Iterable[str]]]) -> Score:
        """The score over letters, each with the facts it is labelled with and those found in it."""
        expected, found = set(), set()
        for number, (labelled, found_in_it) in enumerate(letters):
            expected |= {f"{number}: {fact}" for fact in labelled}
            found |= {f"{number}: {fact}" for fact in found_in_it}
        return cls(sorted(expected - found), sorted(found - expected), len(expected & found))


def score(name: str, kind: str, typography: Callable[[str], str] = str) -> Score:
    """The score of one kind of facts over all letters of one file, written in this typography."""
    return Score.of(
        (facts_labelled(letter)[kind], facts_found_as_labelled(letter, clean(typography(letter["letter"])))[kind])
        for letter in letters(name)
    )


def check_date_labels(name: str) -> tuple[int, list[str]]:
    """The number of dates found, and those with a wrong label as `letter: date: expected, found`."""
    count, wrong = 0, []
    for number, letter in enumerate(letters(name)):
        found = facts_found_as_labelled(letter, letter["letter"])["dates"]
        for fact, label in facts_labelled(letter)["dates"].items():
            if fact in found:
                count += 1
                if found[fact] != label:
                    wrong.append(f"{number}: {fact}: {label or '-'}, {found[fact] or '-'}")
    return count, wrong


def check_senders(name: str) -> tuple[int, list[str]]:
    """The number of letters, and those with a wrong sender as `letter: expected, found`."""
    pairs = [(letter["sender"], find_facts(letter["letter"]).sender) for letter in letters(name)]
    rows = [(number, expected, found.kind if found else "") for number, (expected, found) in enumerate(pairs)]
    wrong = [f"{number}: {expected or '-'}, {found or '-'}" for number, expected, found in rows if expected != found]
    return len(rows), wrong
