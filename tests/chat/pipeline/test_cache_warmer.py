"""`manage.py warm_cache`: each question is asked once, progress is shown, and interrupted runs can be continued."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from chat import knowledge
from chat.pipeline import cache_warmer
from chat.upstream import breaker_registry
from tests.support.server import database_url
from tests.support.services import ROOT

WARM = [sys.executable, "manage.py", "warm_cache", "--json"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slugs() -> list[str]:
    return sorted({entry.slug for entry in knowledge.entries()})[:2]


def warm(*slugs: str, **options) -> dict:
    out = StringIO()
    call_command("warm_cache", only=list(slugs) or None, json=True, stdout=out, stderr=StringIO(), **options)
    report: dict = json.loads(out.getvalue())
    return report


def test_each_question_is_asked_once_and_then_cached(slugs, ai, visitor):
    report = warm(*slugs)
    assert report["asked"] == report["kept"] == report["total"] == ai.calls > 4
    assert report["tokens"] > 0
    question = next(task.text for task in cache_warmer.tasks(set(slugs)))
    assert visitor.ask(question).json()["origin"] == "cache"
    again = warm(*slugs)
    assert (again["asked"], again["unchanged"]) == (0, report["total"])


def test_all_generates_fresh_answers_again(slugs, ai):
    total = warm(slugs[0])["total"]
    assert warm(slugs[0], all=True)["kept"] == total
    assert ai.calls == 2 * total


def test_a_dry_run_asks_nothing_and_lists_the_questions(slugs, ai, capsys):
    call_command("warm_cache", only=[slugs[0]], dry_run=True)
    assert f"would ask  fr/{slugs[0]}: " in capsys.readouterr().out
    assert ai.calls == 0


@pytest.mark.usefixtures("quick_breakers")
def test_it_stops_when_the_ai_is_unavailable_and_a_later_run_continues(slugs, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error")
    with pytest.raises(CommandError, match="not available") as error:
        warm(*slugs, concurrency=1)
    assert error.value.returncode == 3
    assert ai.calls == settings.BREAKER_FAILURE_THRESHOLD  # then the breaker opens
    ai.heal()
    breaker_registry.get("chat").reset(reason="healed", who="test")
    assert warm(*slugs)["kept"] == len(list(cache_warmer.tasks(set(slugs))))


@pytest.mark.usefixtures("quick_breakers")
def test_it_can_wait_for_the_ai_and_then_asks_failed_questions_again(slugs, ai, settings, monkeypatch):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error")
    waited = []

    def heal(seconds: float) -> None:
        if seconds > 1:
            waited.append(seconds)
            ai.heal()
            breaker_registry.get("chat").reset(reason="healed", who="test")

    monkeypatch.setattr(time, "sleep", heal)
    report = warm(*slugs, concurrency=1, wait=True)
    assert report["kept"] == report["total"]
    assert report["failed"] == []
    assert waited == [pytest.approx(settings.BREAKER_OPEN_SECONDS, abs=2)]


def test_a_failed_question_does_not_stop_the_others(slugs, ai, settings):
    ai.fail("cut", after_tokens=3, count=1)
    out = StringIO()
    with pytest.raises(CommandError, match="1 questions failed") as error:
        call_command("warm_cache", only=slugs, json=True, concurrency=1, stdout=out, stderr=StringIO())
    report = json.loads(out.getvalue())
    assert error.value.returncode == 1
    assert report["kept"] == report["total"] - 1
    assert [failure["reason"] for failure in report["failed"]] == ["interrupted"]


@pytest.mark.without_coverage
def test_two_concurrent_runs_share_the_work_also_with_all(slugs, ai):
    warm(*slugs)
    ai.reset()
    ai.pace(100)
    command = [*WARM, "--all", *(argument for slug in slugs for argument in ("--only", slug))]
    runs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
    reports = [json.loads(run.communicate(timeout=60)[0].splitlines()[-1]) for run in runs]
    total = len(list(cache_warmer.tasks(set(slugs))))
    assert total <= ai.calls == sum(report["kept"] for report in reports)
    assert all(report["kept"] + report["unchanged"] == total for report in reports)
    # A run that starts later may repeat the questions that the other had answered before.
    assert ai.calls < 2 * total


def test_an_answer_newer_than_not_before_is_not_generated_again(ai):
    task, started_at = next(cache_warmer.tasks()), time.time()
    assert cache_warmer.warm(task, not_before=started_at).result == "cached"
    assert cache_warmer.warm(task, not_before=started_at).result == "unchanged"
    assert cache_warmer.warm(task, not_before=time.time()).result == "cached"
    assert ai.calls == 2


def test_one_entry_can_be_warmed_again(ai):
    entry = next(entry for entry in knowledge.entries() if entry.slug == "aeeh" and entry.language == "fr")
    for calls in (1, 2):
        outcomes = cache_warmer.warm_entry(entry)
        assert [outcome.result for outcome in outcomes] == ["cached"] * len(entry.questions)
        assert ai.calls == calls * len(entry.questions)


def test_three_runs_of_which_two_are_interrupted_ask_every_question_once(ai, few_entries, tmp_path):
    """Real processes receive a real SIGINT after about a third and two thirds of the questions."""
    knowledge.refresh()
    ai.pace(300)  # else a run might end before the signal reaches it
    env = os.environ | {"DATABASE_URL": database_url()}
    total = len(list(cache_warmer.tasks()))
    reports = []
    for stop_at in (total // 3, 2 * total // 3, None):
        with (tmp_path / "report").open("w+b") as out, (tmp_path / "progress").open("wb") as progress:
            run = subprocess.Popen(WARM, cwd=ROOT, env=env, stdout=out, stderr=progress)
            while stop_at and ai.calls < stop_at and run.poll() is None:
                time.sleep(0.02)
            if stop_at:
                run.send_signal(signal.SIGINT)
            assert run.wait(timeout=100) == (130 if stop_at else 0)
            out.seek(0)
            reports.append(json.loads(out.read().splitlines()[-1]))
    assert ai.calls == total
    assert sum(report["kept"] for report in reports) == total
    assert [report["failed"] for report in reports] == [[], [], []]
    assert 0 < reports[0]["kept"] < reports[1]["kept"] + reports[1]["unchanged"] < total
    assert reports[2]["unchanged"] + reports[2]["kept"] == total


def test_progress_is_a_line_for_every_tenth_without_a_terminal(slugs, ai, capsys):
    call_command("warm_cache", only=[slugs[0]])
    captured = capsys.readouterr()
    assert "warmed" in captured.err
    assert "kept" in captured.out


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"rate": -1.0}, {"only": ["nothing-like-this"]}])
def test_wrong_arguments_are_refused(options):
    with pytest.raises(CommandError) as error:
        call_command("warm_cache", **options)
    assert error.value.returncode == 2


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal(slugs, ai):
    terminal = Terminal()
    call_command("warm_cache", only=[slugs[0]], stdout=StringIO(), stderr=terminal)
    total = len(list(cache_warmer.tasks({slugs[0]})))
    assert f"{'█' * 30} {total}/{total} {slugs[0]}" in terminal.getvalue()


def test_the_help_lists_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        call_command("warm_cache", "--help")
    assert "130  stopped by Ctrl-C: run the command again to continue" in capsys.readouterr().out
