"""`manage.py warm_cache`: every question asked once, progress shown, interrupted and gone on."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from chat import knowledge, warming

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slugs() -> list[str]:
    return sorted({entry.slug for entry in knowledge.entries()})[:2]


def warm(*slugs: str, **options) -> dict:
    out = StringIO()
    call_command("warm_cache", only=list(slugs) or None, json=True, stdout=out, stderr=StringIO(), **options)
    report: dict = json.loads(out.getvalue())
    return report


def test_each_question_is_asked_once_and_then_found(slugs, ai, visitor):
    report = warm(*slugs)
    assert report["asked"] == report["kept"] == report["total"] == ai.calls > 4
    assert report["tokens"] > 0
    question = next(task.text for task in warming.tasks(set(slugs)))
    assert visitor.ask(question).json()["origin"] == "cache"
    again = warm(*slugs)
    assert (again["asked"], again["unchanged"]) == (0, report["total"])


def test_all_asks_again_what_is_fresh(slugs, ai):
    total = warm(slugs[0])["total"]
    assert warm(slugs[0], all=True)["kept"] == total
    assert ai.calls == 2 * total


def test_a_dry_run_asks_nothing_and_says_what_it_would(slugs, ai, capsys):
    call_command("warm_cache", only=[slugs[0]], dry_run=True)
    assert f"would ask  fr/{slugs[0]}: " in capsys.readouterr().out
    assert ai.calls == 0


def test_when_the_ai_is_away_it_stops_and_says_so_and_goes_on_later(slugs, ai, settings):
    settings.AI_ATTEMPTS = 1
    ai.fail("error")
    with pytest.raises(CommandError, match="not available") as error:
        warm(*slugs, concurrency=1)
    assert error.value.returncode == 3
    assert ai.calls == 1
    ai.heal()
    assert warm(*slugs)["kept"] == len(list(warming.tasks(set(slugs))))


def test_ctrl_c_keeps_what_is_done(slugs, ai, monkeypatch):
    done = []
    real = warming.warm

    def interrupted(task, **options):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(task)
        return real(task, **options)

    monkeypatch.setattr(warming, "warm", interrupted)
    with pytest.raises(CommandError, match="Stopped") as error:
        warm(slugs[0], concurrency=1)
    assert error.value.returncode == 130
    monkeypatch.undo()
    report = warm(slugs[0])
    assert report["unchanged"] == 2
    assert ai.calls == report["total"]


def test_progress_is_a_line_a_tenth_where_nobody_watches(slugs, ai, capsys):
    call_command("warm_cache", only=[slugs[0]])
    captured = capsys.readouterr()
    assert "warmed" in captured.err
    assert "kept" in captured.out


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"rate": -1.0}, {"only": ["nothing-like-this"]}])
def test_wrong_arguments_are_refused(options):
    with pytest.raises(CommandError) as error:
        call_command("warm_cache", **options)
    assert error.value.returncode == 2
