"""The search keeps finding what it found: floors a little under the measured figures."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from chat.knowledge.evaluation import Case, evaluate
from chat.knowledge.files import BUNDLED, read_folder
from chat.questions import normalise

FOLDER = Path(__file__).parent / "evaluation"
NAMES = ["dev", "test", "held_out"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "recall_at_1", "recall_at_3", "good_fits", "abstention"),
    [("dev", 0.92, 0.98, 0.92, 0.94), ("test", 0.85, 0.92, 0.82, 0.95), ("held_out", 0.94, 0.98, 0.96, 0.90)],
)
def test_questions_find_their_entries(
    name: str, recall_at_1: float, recall_at_3: float, good_fits: float, abstention: float
) -> None:
    report = evaluate(FOLDER / f"{name}.yaml")
    assert report.recall_at_1 >= recall_at_1
    assert report.recall_at_3 >= recall_at_3
    assert report.good_fits >= good_fits
    assert report.abstention >= abstention


@pytest.mark.parametrize("name", NAMES)
def test_an_evaluation_asks_for_every_entry_and_for_none_that_is_not_there(name: str) -> None:
    cases = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    wanted = {slug for case in cases["questions"] for slug in case["want"]}
    assert wanted == {file.entry.slug for file in read_folder(BUNDLED)}


def test_no_question_is_asked_twice_or_copied_from_an_entry() -> None:
    entries = {normalise(question) for file in read_folder(BUNDLED) for question in file.entry.questions}
    asked = [normalise(case["ask"]) for name in NAMES for case in _cases(name)]
    assert [question for question, times in Counter(asked).items() if times > 1] == []
    assert not entries.intersection(asked)


def _cases(name: str) -> list[Case]:
    evaluation = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    return [*evaluation["questions"], *evaluation["off_topic"]]


@pytest.mark.django_db
def test_a_report_counts_what_it_found(tmp_path: Path) -> None:
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
        """,
        "utf-8",
    )
    report = evaluate(file)
    assert (report.questions, report.off_topic) == (3, 2)
    assert report.recall_at_1 == pytest.approx(1 / 3)
    assert report.recall_at_3 == pytest.approx(2 / 3)
    assert report.abstention == 0.5
    assert report.wrongly_answered == ["esat"]
    assert [(miss.question, miss.rank is None) for miss in report.misses] == [
        ("tarte aux pommes", True),
        ("complément aeeh", False),
    ]


@pytest.mark.django_db
def test_the_command_prints_figures_and_misses_for_people_and_for_programs() -> None:
    file = FOLDER / "test.yaml"
    people, programs = io.StringIO(), io.StringIO()
    call_command("evaluate_knowledge", file=file, stdout=people)
    call_command("evaluate_knowledge", file=file, json=True, stdout=programs)
    report = json.loads(programs.getvalue())["test"]
    assert f"recall@3            {report['recall_at_3']:6.1%}" in people.getvalue()
    assert report["misses"][0]["question"] in people.getvalue()


@pytest.mark.django_db
def test_what_is_held_back_is_judged_by_but_its_misses_stay_unseen() -> None:
    printed = io.StringIO()
    call_command("evaluate_knowledge", stdout=printed)
    dev, held_out = (evaluate(FOLDER / f"{name}.yaml") for name in ("dev", "held_out"))
    assert dev.misses[0].question in printed.getvalue()
    assert "held_out: 168 questions, 40 off topic" in printed.getvalue()
    assert not [miss for miss in held_out.misses if miss.question in printed.getvalue()]


def test_the_command_says_which_file_it_misses() -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("evaluate_knowledge", "--file", "nowhere.yaml")
