"""Recall and abstention of the search stay above floors set slightly below the measured figures."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import get_args

import orjson
import pytest
import yaml

from benchmarks.knowledge import paraphrases
from chat.core.language import Language
from chat.core.question import normalise
from chat.knowledge import lexicon, paraphrase_classifier
from chat.knowledge.evaluation import EVALUATION_SETS as FOLDER
from chat.knowledge.evaluation import Case, evaluate
from chat.knowledge.files import BUNDLED, read_folder

NAMES = ["dev", "test", "held_out", "topics_dev", "topics_test", "strangers_dev", "strangers_test"]
NAMES += ["parents_dev", "parents_test", "parents_judge", "judge3", "newcomers"]
STRANGERS = ("strangers_dev", "strangers_test")  # who had not seen the entries: one may have the same question
PARENTS = ("parents_dev", "parents_test", "parents_judge")  # who had, and no other questions
JUDGE = ("judge3",)  # who had seen the entries, too


FLOORS = {  # recall@1, recall@3, good fits, abstention
    "dev": (0.92, 0.99, 0.96, 0.98),
    "test": (0.91, 0.965, 0.96, 0.98),
    "held_out": (0.97, 0.99, 0.97, 0.97),
    "topics_dev": (0.95, 0.99, 0.99, 0.96),
    "topics_test": (0.91, 0.99, 0.96, 0.98),
    "strangers_dev": (0.92, 0.97, 0.86, 0.98),
    "strangers_test": (0.88, 0.95, 0.77, 0.94),
    "parents_dev": (0.95, 0.98, 0.86, 0.98),
    "parents_test": (0.92, 0.95, 0.83, 0.98),
    "parents_judge": (0.93, 0.97, 0.91, 0.97),
    "judge3": (0.94, 0.975, 0.92, 0.95),
    "newcomers": (0.98, 0.99, 0.97, 0.99),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_questions_find_their_entries(name: str) -> None:
    report = evaluate(FOLDER / f"{name}.yaml")
    measured = (report.recall_at_1, report.recall_at_3, report.good_fits, report.abstention)
    assert all(figure >= floor for figure, floor in zip(measured, FLOORS[name], strict=True)), measured


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "count", "recall_at_1", "recall_at_3"),
    [
        ("topics_dev", 15, 0.8, 0.9),
        ("topics_test", 15, 0.8, 0.9),
        ("strangers_dev", 29, 0.8, 0.88),
        ("strangers_test", 29, 0.74, 0.95),
        ("parents_dev", 25, 0.8, 0.92),
        ("parents_test", 25, 0.76, 0.90),
        ("parents_judge", 30, 0.76, 0.86),
        ("judge3", 50, 0.76, 0.92),
    ],
)
def test_follow_ups_find_the_entries_of_their_conversation(
    name: str, count: int, recall_at_1: float, recall_at_3: float
) -> None:
    report = evaluate(FOLDER / f"{name}.yaml")
    assert report.follow_ups == count
    assert report.follow_up_recall_at_1 >= recall_at_1
    assert report.follow_up_recall_at_3 >= recall_at_3


def test_the_evaluation_sets_cover_every_entry_and_no_unknown_one() -> None:
    wanted = {slug for name in NAMES for case in _cases(name) for slug in case.get("want", ())}
    assert wanted == {file.entry.slug for file in read_folder(BUNDLED)}


@pytest.mark.parametrize("writer", [tuple(NAMES[:5]), STRANGERS, PARENTS, JUDGE])
def test_no_evaluation_question_is_repeated_or_copied_from_an_entry(writer: tuple[str, ...]) -> None:
    of_entries = {normalise(question) for file in read_folder(BUNDLED) for question in file.entry.questions}
    questions = [normalise(" ".join([*case.get("after", ()), case["ask"]])) for name in writer for case in _cases(name)]
    assert [question for question, count in Counter(questions).items() if count > 1] == []
    if writer == tuple(NAMES[:5]):
        assert not of_entries.intersection(questions)


def test_every_entry_has_paraphrases() -> None:
    for language in get_args(Language):
        slugs = {file.entry.slug for file in read_folder(BUNDLED) if file.entry.language == language}
        assert slugs == lexicon.paraphrases(language).keys()


def test_the_words_of_the_paraphrases_are_up_to_date() -> None:
    kept = {language: lexicon.paraphrases(language) for language in get_args(Language)}
    assert kept == paraphrases.collect(), "run `make paraphrases`"


@pytest.mark.parametrize("language", get_args(Language))
def test_the_classifier_was_learned_from_the_present_paraphrases(language: Language) -> None:
    header = gzip.decompress(paraphrase_classifier.model_file(language).read_bytes()).partition(b"\n")[0]
    model = orjson.loads(header)
    assert model["paraphrases"] == paraphrases.digest(), "run `make paraphrases`"
    entries = {file.entry.slug for file in read_folder(BUNDLED) if file.entry.language == language}
    assert set(model["slugs"]) == entries | {paraphrase_classifier.NO_ENTRY}


def _cases(name: str) -> list[Case]:
    evaluation = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    kinds = ("questions", "follow_ups", "off_topic", "without_entry")
    return [case for kind in kinds for case in evaluation.get(kind, ())]


@pytest.mark.django_db
def test_a_report_counts_recall_misses_and_wrong_answers(tmp_path: Path) -> None:
    file = tmp_path / "few.yaml"
    file.write_text(
        """
        questions:
          - {ask: "aeeh", want: [aeeh]}
          - {ask: "complément aeeh", want: [choisir-aeeh-pch]}
          - {ask: "tarte aux pommes", want: [aah]}
        off_topic:
          - {ask: "esat"}
          - {ask: "tarte aux pommes"}
        without_entry:
          - {ask: "rapo"}
        """,
        "utf-8",
    )
    report = evaluate(file)
    assert (report.questions, report.off_topic) == (3, 2)
    assert report.recall_at_1 == pytest.approx(1 / 3)
    assert report.recall_at_3 == pytest.approx(2 / 3)
    assert report.abstention == 0.5
    assert (report.without_entry, report.abstention_without_entry) == (1, 0.0)
    assert report.wrongly_answered == ["esat", "rapo"]
    assert [(miss.question, miss.rank is None) for miss in report.misses] == [
        ("tarte aux pommes", True),
        ("complément aeeh", False),
    ]
