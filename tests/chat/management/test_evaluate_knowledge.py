"""`manage.py evaluate_knowledge`."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from chat.knowledge.evaluation import EVALUATION_SETS as FOLDER
from chat.knowledge.evaluation import evaluate


@pytest.mark.django_db
def test_the_command_prints_figures_and_misses_as_text_and_as_json() -> None:
    file = FOLDER / "test.yaml"
    as_text, as_json = io.StringIO(), io.StringIO()
    call_command("evaluate_knowledge", file=file, stdout=as_text)
    call_command("evaluate_knowledge", file=file, json=True, stdout=as_json)
    report = json.loads(as_json.getvalue())["test"]
    assert f"recall@3            {report['recall_at_3']:6.1%}" in as_text.getvalue()
    assert report["misses"][0]["question"] in as_text.getvalue()


@pytest.mark.django_db
def test_the_misses_of_held_out_sets_are_not_printed_by_default() -> None:
    printed = io.StringIO()
    call_command("evaluate_knowledge", stdout=printed)
    dev, held_out = (evaluate(FOLDER / f"{name}.yaml") for name in ("dev", "held_out"))
    assert dev.misses[0].question in printed.getvalue()
    assert "held_out: 169 questions, 39 off topic" in printed.getvalue()
    assert not [miss for miss in held_out.misses if miss.question in printed.getvalue()]


def test_the_command_names_a_file_that_does_not_exist() -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("evaluate_knowledge", "--file", "nowhere.yaml")
