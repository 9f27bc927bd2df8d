"""The kinds of dates in texts that the classifier was not learned from, and what it looks at."""

from __future__ import annotations

import pytest

from benchmarks.date_kinds import evaluation
from benchmarks.date_kinds.marked import TEXTS, read
from chat.documents.extraction.days.kind_classifier import (
    KINDS,
    MAX_AFTER,
    MAX_TABLE,
    ROWS,
    Place,
    features,
    kind_of,
    model,
)


def place_of(text: str, date: str) -> Place:
    start = text.index(date)
    return Place(text, [(start, start + len(date))], start, start + len(date))


def test_kinds_are_right_in_extracts_of_an_unknown_author() -> None:
    report = evaluation.evaluate(read(TEXTS / "judge.txt"))
    assert report.dates > 450
    assert report.right >= 0.86
    assert report.precision >= 0.90
    assert report.recall >= 0.87


@pytest.mark.parametrize(
    ("names", "right", "precision", "recall"),
    [
        (["judged6_test"], 0.89, 0.94, 0.94),
        (["judged7_test"], 0.85, 0.84, 0.88),
        (evaluation.UNREAD, 0.86, 0.89, 0.88),
    ],
)
def test_kinds_are_right_in_letters_not_learned_from(names, right: float, precision: float, recall: float) -> None:
    report = evaluation.evaluate(evaluation.written_days(names))
    assert report.dates > 200
    assert report.right >= right
    assert report.precision >= precision
    assert report.recall >= recall


@pytest.mark.parametrize("path", sorted(TEXTS.glob("*.txt")), ids=lambda path: path.stem)
def test_every_text_has_known_kinds_and_no_stray_mark(path) -> None:
    assert {example.kind for example in read(path)} == set(KINDS)
    assert all("[[" not in example.place.plain and "]]" not in example.place.plain for example in read(path))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Merci de nous renvoyer le formulaire avant le 3 mai 2027.", "deadline"),
        ("Le chauffeur vous rappellera avant le 3 mai 2027.", "other"),
        ("Vous êtes convoquée le 3 mai 2027 à 14 h.", "appointment"),
        ("Vos droits prennent fin le 3 mai 2027.", "end_of_rights"),
        ("Décision de la commission du 3 mai 2027", "decision"),
        ("Votre fils, né le 3 mai 2027", "birth"),
    ],
)
def test_the_words_around_a_date_tell_its_kind(text: str, kind: str) -> None:
    assert kind_of(place_of(text, "3 mai 2027")) == kind


def test_which_day_another_date_is_says_nothing() -> None:
    text = "Du 1er au 3 mai : séjour. Réponse avant le 20 avril."
    other = text.replace("20 avril", "19 avril")
    place, days = place_of(text, "3 mai"), [(3, 6), (10, 15)]
    end = text.index("20 avril"), text.index("20 avril") + len("20 avril")
    assert features(Place(text, [*days, end], *place[2:])) == features(Place(other, [*days, end], *place[2:]))


def test_only_the_words_nearby_count() -> None:
    near, far = " vers nous" * 20, " merci de répondre" * 100
    text = f"le 3 mai 2027{near}"
    assert len(near) > MAX_AFTER
    assert kind_of(place_of(text, "3 mai 2027")) == kind_of(place_of(text + far, "3 mai 2027"))
    lines = "\n".join(["Tableau des séances et des réponses"] * 60)
    assert len(lines) > MAX_TABLE
    assert features(place_of(f"{lines}\nle 3 mai 2027", "3 mai 2027")) == features(
        place_of(f"À renvoyer avant\n{lines}\nle 3 mai 2027", "3 mai 2027")
    )


def test_the_model_has_a_weight_of_one_byte_for_each_row_and_kind() -> None:
    assert [len(column) for column in model().columns] == [ROWS] * len(KINDS)
