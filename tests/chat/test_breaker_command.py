"""`manage.py breaker`, and the breakers that the program has: what operators see and do."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.core.management import execute_from_command_line
from prometheus_client import REGISTRY
from redis.backoff import NoBackoff
from redis.retry import Retry

from chat.upstream import breakers
from chat.upstream.breaker import CircuitOpen
from tests import services
from tests.chat.test_breaker import fail, redis_client, succeed


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Breakers as at the program's first start, and patient: a busy machine is no outage."""
    monkeypatch.setattr(breakers, "get_redis_connection", {"breaker": redis_client()}.__getitem__)

    def forget() -> None:
        redis_client().delete(*(f"breaker:{name}" for name in breakers.NAMES))
        breakers._build.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = redis.Redis(port=services.free_port(), retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(breakers, "get_redis_connection", lambda alias: nobody)


Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `manage.py breaker …`; gives what it writes to stdout."""

    def command(*words: str) -> str:
        capsys.readouterr()
        execute_from_command_line(["manage.py", "breaker", *words])
        return capsys.readouterr().out

    return command


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command that must fail; gives its exit code and what it writes to stderr."""

    def command(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as caught:
            execute_from_command_line(["manage.py", "breaker", *words])
        return caught.value.code, capsys.readouterr().err  # type: ignore[return-value]

    return command


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"breaker": "chat", **labels}) or 0.0


# --- The registry ----------------------------------------------------------------------------------------------------


def test_there_is_one_breaker_for_each_operation() -> None:
    assert [breakers.get(name).name for name in breakers.NAMES] == ["chat", "analyze"]
    assert breakers.get("chat") is breakers.get("chat")


def test_there_is_no_other_breaker() -> None:
    with pytest.raises(KeyError):
        breakers.get("nonsense")


def test_the_policy_is_that_of_the_settings(settings: Any) -> None:
    settings.BREAKER_FAILURE_THRESHOLD = 2
    settings.BREAKER_OPEN_SECONDS = 7
    fail(breakers.get("chat"), 2)
    with pytest.raises(CircuitOpen) as caught:
        breakers.get("chat").acquire()
    assert caught.value.retry_after == pytest.approx(7, abs=1)


def test_a_probe_has_its_operations_deadline_and_a_little_more(settings: Any) -> None:
    assert breakers.get("chat").policy.probe_lease == settings.AI_DEADLINE_CHAT + 5
    assert breakers.get("analyze").policy.probe_lease == settings.AI_DEADLINE_ANALYZE + 5


def test_a_transition_is_counted_and_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    labels = {"from_state": "closed", "to_state": "open"}
    before = sample("bff_breaker_transitions_total", **labels)
    fail(breakers.get("chat"), 5, code="http_503")
    assert sample("bff_breaker_transitions_total", **labels) == before + 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    changes = [line for line in lines if line["message"] == "Breaker changed state"]
    assert [(one["breaker"], one["fromState"], one["toState"], one["cause"], one["code"]) for one in changes] == [
        ("chat", "closed", "open", "too_many_failures", "http_503")
    ]
    assert "droppedFields" not in changes[0]


def test_an_operators_name_and_words_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    breakers.get("chat").force("open", who="ada", reason="call Grace", seconds=60)
    out = capsys.readouterr().out
    assert "Breaker changed state" in out
    assert "ada" not in out
    assert "Grace" not in out


def test_the_gauge_shows_the_state_that_a_process_met_last() -> None:
    here = breakers.get("chat")
    succeed(here)
    assert sample("bff_breaker_state") == 0
    breakers._build.cache_clear()  # another process
    breakers.get("chat").force("open", who="ada", reason="provider moves", seconds=60)
    breakers._show("chat", "closed")
    with pytest.raises(CircuitOpen):
        here.acquire()
    assert sample("bff_breaker_state") == 2


def test_rejections_are_counted() -> None:
    fail(breakers.get("chat"), 5)
    before = sample("bff_breaker_rejections_total")
    with pytest.raises(CircuitOpen):
        breakers.get("chat").acquire()
    assert sample("bff_breaker_rejections_total") == before + 1


# --- The command -----------------------------------------------------------------------------------------------------


def test_list_shows_every_breaker_in_a_table(run: Run) -> None:
    fail(breakers.get("chat"), 5)
    heading, chat, analyze = run("list").splitlines()
    assert heading.split() == ["BREAKER", "STATE", "FAILURES", "OPENED", "NEXT", "TRY", "LAST", "ERROR", "FORCED"]
    assert chat.split()[:5] == ["chat", "open", "5", "of", "5"]
    assert "http_503" in chat
    assert analyze.split() == ["analyze", "closed", "0", "of", "0", "-", "-", "-", "-"]
    assert chat.index("open") == heading.index("STATE")


def test_list_shows_one_breaker_when_it_is_named(run: Run) -> None:
    assert len(run("list", "analyze").splitlines()) == 2


def test_open_shuts_the_circuit_for_the_time_that_was_said(run: Run) -> None:
    out = run("open", "chat", "--reason", "provider moves", "--for", "10m", "--who", "ada")
    assert "by ada until" in out
    assert "provider moves" in out
    with pytest.raises(CircuitOpen) as caught:
        breakers.get("chat").acquire()
    assert caught.value.retry_after == pytest.approx(600, abs=5)
    breakers.get("analyze").acquire()


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("2h", 7200), ("1d", 86_400)])
def test_times_have_units(run: Run, text: str, seconds: float) -> None:
    run("open", "chat", "--reason", "provider moves", "--for", text)
    assert breakers.get("chat").snapshot().retry_after == pytest.approx(seconds, abs=5)


def test_open_without_a_time_lasts_until_reset(run: Run) -> None:
    assert "until reset" in run("open", "chat", "--reason", "provider moves")
    assert breakers.get("chat").snapshot().retry_after is None
    run("reset", "chat")
    breakers.get("chat").acquire()


def test_close_lets_calls_through_an_open_circuit(run: Run) -> None:
    fail(breakers.get("chat"), 5)
    run("close", "chat", "--reason", "false alarm", "--for", "1h")
    fail(breakers.get("chat"), 20)
    assert breakers.get("chat").snapshot().state == "closed"


def test_who_is_the_user_of_the_machine_when_nobody_is_named(run: Run) -> None:
    run("open", "chat", "--reason", "provider moves")
    assert breakers.get("chat").snapshot().history[0].who == getpass.getuser()


def test_history_tells_what_happened_newest_first(run: Run) -> None:
    fail(breakers.get("chat"), 5)
    run("reset", "chat", "--who", "ada", "--reason", "it is back")
    heading, reset, opened = run("history", "chat").splitlines()
    assert heading.split() == ["AT", "BREAKER", "FROM", "TO", "CAUSE", "WHO", "REASON"]
    assert reset.endswith("ada  it is back")
    assert "too many failures" in opened
    assert opened.endswith("http_503")


def test_history_says_so_when_there_is_none(run: Run) -> None:
    assert run("history", "chat") == "Nothing has changed yet.\n"


def test_json_is_all_there_is_on_stdout(run: Run) -> None:
    (seen,) = json.loads(run("open", "chat", "--reason", "déménagement", "--json"))
    assert (seen["name"], seen["state"], seen["forced"]["reason"]) == ("chat", "open", "déménagement")
    assert [one["name"] for one in json.loads(run("list", "--json"))] == ["chat", "analyze"]
    assert json.loads(run("history", "chat", "--json"))[0]["history"][0]["cause"] == "forced"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("list", "nonsense"), "only chat, analyze"),
        (("open", "nonsense", "--reason", "x"), "only chat, analyze"),
        (("open",), "NAME"),
        (("reset",), "NAME"),
        (("open", "chat"), "--reason"),
        (("close", "chat", "--reason", " "), "say something"),
        (("open", "chat", "--reason", "x", "--for", "10"), "no duration"),
        (("open", "chat", "--reason", "x", "--for", "0m"), "no duration"),
        (("explode", "chat"), "invalid choice"),
        ((), "required"),
    ],
)
def test_a_wrong_command_is_refused_with_exit_code_2(
    refused: Callable[..., tuple[int, str]], words: tuple[str, ...], complaint: str
) -> None:
    code, err = refused(*words)
    assert code == 2
    assert complaint in err
    assert breakers.get("chat").snapshot().history == ()


@pytest.mark.parametrize("words", [("open", "chat", "--reason", "x"), ("reset", "chat"), ("list",), ("history",)])
def test_without_redis_the_exit_code_is_1(
    redis_away: None, refused: Callable[..., tuple[int, str]], words: tuple[str, ...]
) -> None:
    code, err = refused(*words)
    assert code == 1
    assert "Redis is away" in err
