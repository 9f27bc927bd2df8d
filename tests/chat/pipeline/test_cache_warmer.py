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
from chat.storage import answer_cache
from chat.upstream import breaker_registry
from tests.support.polling import eventually
from tests.support.server import database_url
from tests.support.services import HOST, ROOT, free_port, start_redis

WARM = [sys.executable, "manage.py", "warm_cache", "--json"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slugs() -> list[str]:
    return sorted({entry.slug for entry in knowledge.current().entries})[:2]


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


def test_an_expired_answer_that_is_still_served_is_generated_again(slugs, ai, settings, monkeypatch):
    monkeypatch.setattr(answer_cache, "GRACE", 1_000_000)
    settings.CACHE_TTL_WARM = 0.001
    total = warm(slugs[0])["total"]
    report = warm(slugs[0])
    assert (report["kept"], report["unchanged"]) == (total, 0)
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


def test_nothing_is_asked_without_a_cache_to_store_it_in(ai, few_entries):
    env = os.environ | {"DATABASE_URL": database_url(), "REDIS_URL": f"redis://{HOST}:{free_port()}/0"}
    run = subprocess.run(WARM, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, ai.calls) == (4, 0)
    assert "Redis" in run.stderr


def test_it_stops_asking_when_redis_goes_away(ai, few_entries):
    port = free_port()
    redis = start_redis(port)
    ai.pace(300)  # else all might be asked before Redis is gone
    env = os.environ | {"DATABASE_URL": database_url(), "REDIS_URL": f"redis://{HOST}:{port}/0"}
    run = subprocess.Popen(
        [*WARM, "--concurrency=2"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: ai.calls >= 4, seconds=60)
    redis.kill()
    calls = ai.calls
    out, err = run.communicate(timeout=60)
    report = json.loads(out)
    assert run.returncode == 4, err
    assert ai.calls <= calls + 2
    assert "cache_unavailable" in {failure["reason"] for failure in report["failed"]}
    assert f"Redis is not available any more. {report['total'] - ai.calls} questions were not asked." in err


def test_it_can_wait_for_redis_and_then_asks_what_it_lost(slugs, ai, monkeypatch):
    waited: list[float] = []
    outage, said = iter([True, False, False]), StringIO()
    can_store = answer_cache.can_store
    monkeypatch.setattr(answer_cache, "can_store", lambda: next(outage, True) and can_store())
    monkeypatch.setattr(time, "sleep", waited.append)
    call_command("warm_cache", only=slugs, json=True, wait=True, concurrency=1, stdout=(out := StringIO()), stderr=said)
    report = json.loads(out.getvalue())
    assert report["kept"] == report["total"] == ai.calls
    assert report["failed"] == []
    assert [seconds for seconds in waited if seconds > 1] == [30, 30]
    assert said.getvalue().count("Redis is not available. Trying again in 30 s; Ctrl-C stops.") == 2
    assert "The AI" not in said.getvalue()


def test_nothing_is_asked_without_the_entries_of_the_database(slugs, ai):
    env = os.environ | {"DATABASE_URL": f"postgresql://nobody@{HOST}:{free_port()}/none"}
    run = subprocess.run(
        [*WARM, "--only", slugs[0]], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, ai.calls) == (5, 0)
    assert "database" in run.stderr


def test_an_answer_that_the_cache_does_not_take_is_a_failure(slugs, ai, monkeypatch):
    warm(slugs[0])
    monkeypatch.setattr(answer_cache, "MAX_ENVELOPE_BYTES", 100)
    out = StringIO()
    with pytest.raises(CommandError, match="questions failed"):  # also where an older answer is still cached
        call_command("warm_cache", only=slugs[:1], all=True, json=True, stdout=out, stderr=StringIO())
    report = json.loads(out.getvalue())
    assert report["kept"] == 0
    assert [failure["reason"] for failure in report["failed"]] == ["not_stored"] * report["total"]


@pytest.mark.without_coverage
def test_two_concurrent_runs_share_the_work_also_with_all(slugs, ai):
    warm(*slugs)
    ai.reset()
    ai.pace(100)
    command = [*WARM, "--all", *(argument for slug in slugs for argument in ("--only", slug))]
    env = os.environ | {"DATABASE_URL": database_url()}
    runs = [
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    reports = [json.loads(run.communicate(timeout=60)[0]) for run in runs]
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
    entry = next(entry for entry in knowledge.current().entries if entry.slug == "aeeh" and entry.language == "fr")
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
            try:
                while stop_at and ai.calls < stop_at and run.poll() is None:
                    time.sleep(0.02)
                if stop_at:
                    run.send_signal(signal.SIGINT)
                assert run.wait(timeout=100) == (130 if stop_at else 0)
            finally:
                run.kill()  # else a failure here would ask the AI during later tests
                run.wait()
            out.seek(0)
            reports.append(json.loads(out.read()))
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
