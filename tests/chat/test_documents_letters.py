"""How well facts are found in letters as the MDPH, the CAF, schools, the Assurance maladie and courts write them.

Three files of labelled letters: `letters` (short ones, of the first days) and `letters_dev` may be looked at when the
finders are worked on; `letters_held_out` may not: its figures are those to believe. docs/documents.md has them.
"""

from __future__ import annotations

import pytest

from tests.chat import letters

SEEN = ("letters", "letters_dev")
# What precision and recall must reach on letters that nobody looked at.
UNSEEN = {"dates": (0.95, 0.95), "amounts": (0.92, 0.92), "references": (0.90, 0.85)}


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("kind", letters.KINDS)
def test_facts_are_found_and_nothing_else(name: str, kind: str) -> None:
    score = letters.score(name, kind)
    assert score.precision >= 0.97, score.invented
    assert score.recall >= 0.97, score.missed


@pytest.mark.parametrize("kind", letters.KINDS)
def test_facts_are_found_in_letters_that_nobody_looked_at(kind: str) -> None:
    score = letters.score("letters_held_out", kind)
    assert (score.precision, score.recall) >= UNSEEN[kind]
    assert score.recall >= UNSEEN[kind][1]


@pytest.mark.parametrize(("name", "share"), [("letters", 0.97), ("letters_dev", 0.97), ("letters_held_out", 0.90)])
def test_dates_are_told_for_what_they_are(name: str, share: float) -> None:
    count, wrong = letters.labels(name)
    assert 1 - len(wrong) / count >= share, len(wrong)


@pytest.mark.parametrize("name", [*SEEN, "letters_held_out"])
def test_no_date_of_birth_is_told_as_something_to_do(name: str) -> None:
    for letter in letters.letters(name):
        births = {date for date, kind in letters.wanted_in(letter)["dates"].items() if kind == "birth"}
        told = letters.found_in(letter["letter"])["dates"]
        assert {told[date] for date in births if date in told} <= {"birth"}


@pytest.mark.parametrize("name", ["letters_dev", "letters_held_out"])
def test_who_writes_is_known(name: str) -> None:
    count, wrong = letters.senders(name)
    assert 1 - len(wrong) / count >= 0.85, len(wrong)


def test_there_are_enough_letters_to_tell() -> None:
    assert len(letters.letters("letters_dev")) >= 30
    assert len(letters.letters("letters_held_out")) >= 30
