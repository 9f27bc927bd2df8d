"""The breaker registry, and `manage.py breaker`."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.core.management import execute_from_command_line
from prometheus_client import REGISTRY
from redis.backoff import NoBackoff
from redis.retry import Retry

from chat.upstream import breaker_registry, service, session
from chat.upstream.breaker import CircuitOpen
from chat.upstream.breaker.redis import RETENTION_SECONDS
from observability import logs
from tests.support import services
from tests.support.breakers import fail, redis_client
from tests.support.fake_upstream import make_request, read_until_error


@pytest.fixture(autouse=True)
def new_breakers(monkeypatch: pytest.MonkeyPatch, quick_breakers: None) -> Iterator[None]:
    """Breakers without any state, with a long Redis timeout: a busy machine is no outage."""
    monkeypatch.setattr(breaker_registry.breaker_redis, "client", redis_client())

    def delete_state() -> None:
        for key in redis_client().scan_iter("bff:breaker:*"):
            redis_client().delete(key)
        breaker_registry._build.cache_clear()

    delete_state()
    yield
    delete_state()


@pytest.fixture
def redis_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    client = redis.Redis(port=services.free_port(), retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(breaker_registry.breaker_redis, "client", client)


Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `manage.py breaker …` and returns its stdout."""
    monkeypatch.setattr(logs._Console, "stream", "stderr")  # as manage.py does

    def command(*arguments: str) -> str:
        capsys.readouterr()
        execute_from_command_line(["manage.py", "breaker", *arguments])
        return capsys.readouterr().out

    return command


@pytest.fixture
def run_failing(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command that must fail, and returns its exit code and stderr."""

    def command(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as caught:
            execute_from_command_line(["manage.py", "breaker", *arguments])
        return caught.value.code, capsys.readouterr().err  # type: ignore[return-value]

    return command


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"breaker": "chat", **labels}) or 0.0


# --- The registry ----------------------------------------------------------------------------------------------------


def test_there_is_one_breaker_for_each_operation() -> None:
    assert [breaker_registry.get(name).name for name in breaker_registry.names()] == ["chat", "analyze"]
    assert breaker_registry.get("chat") is breaker_registry.get("chat")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("AI_SERVICE_URL", "http://127.0.0.1:9/v1"),
        ("AI_SERVICE_PROTOCOL", "rag"),
        ("AI_SERVICE_MODEL", "another-model"),
    ],
)
def test_another_ai_begins_with_closed_circuits(settings: Any, setting: str, value: str) -> None:
    fail(breaker_registry.get("chat"), 5)
    before = getattr(settings, setting)
    setattr(settings, setting, value)
    assert breaker_registry.get("chat").snapshot().state == "closed"
    setattr(settings, setting, before)
    assert breaker_registry.get("chat").snapshot().state == "open"


def test_neither_address_nor_model_are_readable_in_the_key(settings: Any) -> None:
    settings.AI_SERVICE_URL = "https://somebody.example/secret"
    fail(breaker_registry.get("chat"))
    (key,) = map(str, redis_client().scan_iter("bff:breaker:chat*"))
    assert re.search("bff:breaker:chat:[0-9a-f]{12}'$", key)


def test_an_unknown_name_raises_key_error() -> None:
    with pytest.raises(KeyError):
        breaker_registry.get("nonsense")


def test_the_policy_comes_from_the_settings(settings: Any) -> None:
    settings.BREAKER_FAILURE_THRESHOLD = 2
    settings.BREAKER_OPEN_SECONDS = 7
    fail(breaker_registry.get("chat"), 2)
    with pytest.raises(CircuitOpen) as caught:
        breaker_registry.get("chat").acquire()
    assert caught.value.retry_after == pytest.approx(7, abs=1)


def test_a_probes_lease_is_its_operations_deadline_plus_a_margin(settings: Any) -> None:
    assert breaker_registry.get("chat").policy.probe_lease == settings.AI_DEADLINE_CHAT + 5
    assert breaker_registry.get("analyze").policy.probe_lease == settings.AI_DEADLINE_ANALYZE + 5


def test_a_transition_is_counted_and_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    labels = {"from_state": "closed", "to_state": "open"}
    before = sample("bff_breaker_transitions_total", **labels)
    fail(breaker_registry.get("chat"), 5, code="http_503")
    assert sample("bff_breaker_transitions_total", **labels) == before + 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    changes = [line for line in lines if line["message"] == "Breaker changed state"]
    assert [(line["breaker"], line["fromState"], line["toState"], line["cause"], line["code"]) for line in changes] == [
        ("chat", "closed", "open", "too_many_failures", "http_503")
    ]
    assert "droppedFields" not in changes[0]


def test_an_operators_name_and_reason_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    breaker_registry.get("chat").force("open", who="ada", reason="call Grace", seconds=60)
    out = capsys.readouterr().out
    assert "Breaker changed state" in out
    assert "ada" not in out
    assert "Grace" not in out


def test_rejected_calls_are_counted() -> None:
    fail(breaker_registry.get("chat"), 5)
    before = sample("bff_breaker_rejections_total")
    _, error = read_until_error(session.get(service.primary()).stream(make_request()))
    assert error.code == "circuit_open"
    assert sample("bff_breaker_rejections_total") == before + 1


# --- The command -----------------------------------------------------------------------------------------------------


def test_list_shows_every_breaker_in_a_table(run: Run) -> None:
    fail(breaker_registry.get("chat"), 5)
    heading, chat, analyze = run("list").splitlines()
    assert heading.split()[:8] == ["BREAKER", "STATE", "FAILURES", "OPENED", "NEXT", "TRY", "LAST", "ERROR"]
    assert heading.split()[8:] == ["FORCED", "MODEL", "ADDRESS"]
    assert chat.split()[:5] == ["chat", "open", "5", "of", "5"]
    assert "http_503" in chat
    assert analyze.split() == ["analyze", "closed", "0", "of", "0", "-", "-", "-", "-", *chat.split()[-2:]]
    assert chat.index("open") == heading.index("STATE")


@pytest.mark.parametrize("verb", ["list", "open"])
def test_each_shows_whose_calls_it_guards(run: Run, settings: Any, verb: str) -> None:
    settings.AI_SERVICE_URL, settings.AI_SERVICE_MODEL = "https://user:hunter2@ai.example.org/v1", "mistral"
    out = run(verb, "chat", *([] if verb == "list" else ["--reason", "x"]))
    assert out.splitlines()[1].split()[-2] == "mistral"
    assert "ai.example.org/v1" in out
    assert "hunter2" not in out


def test_instances_with_another_ai_are_told_of(
    settings: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their breaker is another one: to open ours changes nothing for them."""
    monkeypatch.setattr(logs._Console, "stream", "stderr")  # as manage.py does

    def told() -> str:
        capsys.readouterr()
        execute_from_command_line(["manage.py", "breaker", "open", "chat", "--reason", "x", "--for", "1m", "--json"])
        out, errors = capsys.readouterr()
        assert json.loads(out)
        return errors

    fail(breaker_registry.get("chat"), 1)
    assert "another" not in told()
    fail(breaker_registry.get("analyze"), 1)
    settings.AI_SERVICE_MODEL = "another-model"
    errors = told()
    assert "have used their chat" in errors
    assert "analyze" not in errors
    for key in redis_client().scan_iter("bff:breaker:chat:*"):
        redis_client().pexpire(key, int((RETENTION_SECONDS - 3600) * 1000))
    assert "another" not in told()


def test_list_shows_one_breaker_when_it_is_named(run: Run) -> None:
    assert len(run("list", "analyze").splitlines()) == 2


def test_open_forces_the_circuit_open_for_the_given_time(run: Run) -> None:
    out = run("open", "chat", "--reason", "provider moves", "--for", "10m", "--who", "ada")
    assert "by ada until" in out
    assert "provider moves" in out
    with pytest.raises(CircuitOpen) as caught:
        breaker_registry.get("chat").acquire()
    assert caught.value.retry_after == pytest.approx(600, abs=5)
    breaker_registry.get("analyze").acquire()


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("2h", 7200), ("1d", 86_400)])
def test_durations_have_units(run: Run, text: str, seconds: float) -> None:
    run("open", "chat", "--reason", "provider moves", "--for", text)
    assert breaker_registry.get("chat").snapshot().retry_after == pytest.approx(seconds, abs=5)


def test_open_without_a_time_lasts_until_reset(run: Run) -> None:
    assert "until reset" in run("open", "chat", "--reason", "provider moves")
    assert breaker_registry.get("chat").snapshot().retry_after is None
    run("reset", "chat")
    breaker_registry.get("chat").acquire()


def test_close_forces_an_open_circuit_closed(run: Run) -> None:
    fail(breaker_registry.get("chat"), 5)
    run("close", "chat", "--reason", "false alarm", "--for", "1h")
    fail(breaker_registry.get("chat"), 20)
    assert breaker_registry.get("chat").snapshot().state == "closed"


def test_without_an_operators_name_the_machines_user_is_recorded(run: Run) -> None:
    run("open", "chat", "--reason", "provider moves")
    assert breaker_registry.get("chat").snapshot().history[0].who == getpass.getuser()


def test_history_lists_transitions_newest_first(run: Run) -> None:
    fail(breaker_registry.get("chat"), 5)
    run("reset", "chat", "--who", "ada", "--reason", "it is back")
    heading, reset, opened = run("history", "chat").splitlines()
    assert heading.split() == ["AT", "BREAKER", "FROM", "TO", "CAUSE", "WHO", "REASON"]
    assert reset.endswith("ada  it is back")
    assert "too many failures" in opened
    assert opened.endswith("http_503")


def test_history_reports_that_there_are_no_transitions(run: Run) -> None:
    assert run("history", "chat") == "No transitions yet.\n"


def test_stdout_has_nothing_but_the_json(run: Run) -> None:
    (snapshot,) = json.loads(run("open", "chat", "--reason", "déménagement", "--json"))
    assert (snapshot["name"], snapshot["state"], snapshot["forced"]["reason"]) == ("chat", "open", "déménagement")
    assert [snapshot["name"] for snapshot in json.loads(run("list", "--json"))] == ["chat", "analyze"]
    assert json.loads(run("history", "chat", "--json"))[0]["history"][0]["cause"] == "forced"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "nonsense"), "only chat, analyze"),
        (("open", "nonsense", "--reason", "x"), "only chat, analyze"),
        (("open",), "NAME"),
        (("reset",), "NAME"),
        (("open", "chat"), "--reason"),
        (("close", "chat", "--reason", " "), "must not be empty"),
        (("open", "chat", "--reason", "x", "--for", "10"), "no duration"),
        (("open", "chat", "--reason", "x", "--for", "0m"), "no duration"),
        (("explode", "chat"), "invalid choice"),
        ((), "required"),
    ],
)
def test_a_wrong_command_is_refused_with_exit_code_2(
    run_failing: Callable[..., tuple[int, str]], arguments: tuple[str, ...], message: str
) -> None:
    code, err = run_failing(*arguments)
    assert code == 2
    assert message in err
    assert breaker_registry.get("chat").snapshot().history == ()


@pytest.mark.parametrize("arguments", [("open", "chat", "--reason", "x"), ("reset", "chat"), ("list",), ("history",)])
def test_without_redis_the_exit_code_is_1(
    redis_unavailable: None, run_failing: Callable[..., tuple[int, str]], arguments: tuple[str, ...]
) -> None:
    code, err = run_failing(*arguments)
    assert code == 1
    assert "Redis is unavailable" in err
