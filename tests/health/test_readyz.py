from __future__ import annotations

import json
import logging
import re
import threading
import time

import pytest
from django.apps import apps
from django.core.checks import run_checks
from redis.exceptions import TimeoutError as RedisTimeoutError

from health import readiness
from health.probes import by_dependency
from tests.together import at_once


def fine() -> dict[str, object]:
    return {}


def down() -> dict[str, object]:
    raise ConnectionRefusedError("postgres://user:secret@10.0.0.1 refused")


@pytest.mark.django_db
def test_ready_is_said_in_the_contracts_shape(client, settings, monkeypatch):
    settings.ROOT_URLCONF = "health.urls"
    monkeypatch.setattr(readiness, "current", lambda: readiness.Readiness(by_dependency()))
    response = client.get("/readyz")
    said = response.json()
    assert response.status_code == 200, said
    assert list(said) == ["status", "timestamp", "uptime", "dependencies"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["timestamp"])
    for name in ("supabase", "cache"):
        assert list(said["dependencies"][name])[:2] == ["status", "latency"]
        assert said["dependencies"][name]["status"] == "healthy"
        assert 0 < said["dependencies"][name]["latency"] < 1000
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("probes", "status", "code"),
    [
        ({"supabase": fine, "cache": fine}, "healthy", 200),
        ({"supabase": fine, "cache": down}, "degraded", 200),
        ({"supabase": down, "cache": fine}, "unhealthy", 503),
        ({"supabase": fine, "aiService": lambda: {"status": "degraded"}}, "degraded", 200),
        ({"supabase": lambda: {"status": "degraded"}, "cache": fine}, "degraded", 200),
    ],
)
def test_only_what_is_required_makes_it_unready(client, depends_on, probes, status, code):
    depends_on(**probes)
    response = client.get("/readyz")
    assert (response.json()["status"], response.status_code) == (status, code)


def test_what_is_required_can_be_chosen(client, depends_on, settings):
    settings.HEALTH_REQUIRED = ["cache"]
    depends_on(supabase=down, cache=fine)
    assert client.get("/readyz").json()["status"] == "degraded"
    depends_on(supabase=fine, cache=down)
    assert client.get("/readyz").status_code == 503


def test_a_required_dependency_that_does_not_exist_is_found_at_start(settings):
    settings.HEALTH_REQUIRED = ["supabase", "postgres"]
    (error,) = [found for found in run_checks() if found.id == "health.E001"]
    assert "'postgres'" in error.msg
    assert "supabase" in error.hint


def test_details_of_all_probes_of_a_dependency_are_told(client, depends_on):
    depends_on(supabase=fine, cache=[fine, lambda: {"hitRate": 0.42}])
    cache = client.get("/readyz").json()["dependencies"]["cache"]
    assert list(cache) == ["status", "latency", "hitRate"]
    assert cache["hitRate"] == 0.42


def test_every_app_may_bring_probes(monkeypatch):
    monkeypatch.setattr(apps.get_app_config("csp"), "health_probes", lambda: [("cache", fine)], raising=False)
    assert fine in by_dependency()["cache"]
    assert len(by_dependency()["cache"]) >= 2


class CodedError(Exception):
    code = "circuit_open"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (ConnectionRefusedError("to 10.0.0.1"), "unreachable"),
        (RedisTimeoutError("reading 10.0.0.1"), "timeout"),
        (TimeoutError("secret"), "timeout"),
        (CodedError("secret"), "circuit_open"),
        (ValueError("secret"), "error"),
        (SystemError(), "error"),
    ],
)
def test_a_failure_is_told_by_its_code_never_by_its_message(client, depends_on, raised, code):
    def failing() -> dict[str, object]:
        raise raised

    depends_on(cache=failing)
    response = client.get("/readyz")
    cache = response.json()["dependencies"]["cache"]
    assert (cache["status"], cache["error"]) == ("unhealthy", code)
    for hidden in ("secret", "10.0.0.1"):
        assert hidden not in response.content.decode()


def test_findings_hold_for_five_seconds(client, depends_on, clock):
    asked = []
    depends_on(cache=lambda: asked.append(1) or {})
    for _ in range(3):
        client.get("/readyz")
    clock.now += 4.9
    client.get("/readyz")
    assert len(asked) == 1
    clock.now += 0.2
    client.get("/readyz")
    assert len(asked) == 2


def test_one_asks_while_the_others_get_the_last_findings(client, depends_on, clock):
    asked, go_on = [], threading.Event()

    def slow() -> dict[str, object]:
        asked.append(1)
        if len(asked) > 1:
            go_on.wait(5)
        return {"asked": len(asked)}

    ready = depends_on(cache=slow)
    assert ready.report()["dependencies"]["cache"]["asked"] == 1
    clock.now += 6
    asking = threading.Thread(target=ready.report)
    asking.start()
    while len(asked) < 2:
        time.sleep(0.001)
    began = time.monotonic()
    assert {ready.report()["dependencies"]["cache"]["asked"] for _ in range(10)} == {1}
    assert time.monotonic() - began < 0.2
    go_on.set()
    asking.join()
    assert ready.report()["dependencies"]["cache"]["asked"] == 2
    assert len(asked) == 2


def test_many_at_the_very_first_moment_ask_once(depends_on):
    asked = []

    def slow() -> dict[str, object]:
        asked.append(1)
        time.sleep(0.05)
        return {}

    ready = depends_on(cache=slow)

    reports = at_once(16, ready.report)
    assert len(asked) == 1
    assert [report["status"] for report in reports] == ["healthy"] * 16


def test_a_hanging_dependency_costs_less_than_a_second_and_one_thread(client, depends_on, clock):
    let_go = threading.Event()
    asked = []

    def hanging() -> dict[str, object]:
        asked.append(1)
        let_go.wait(20)
        return {}

    depends_on(supabase=fine, cache=hanging)
    began = time.monotonic()
    said = client.get("/readyz").json()
    assert time.monotonic() - began < 1
    assert said["dependencies"]["supabase"]["status"] == "healthy"
    assert said["dependencies"]["cache"]["error"] == "timeout"
    assert 700 < said["dependencies"]["cache"]["latency"] < 1000

    clock.now += 6
    assert client.get("/readyz").json()["dependencies"]["cache"]["error"] == "timeout"
    assert len(asked) == 1
    let_go.set()
    clock.now += 6
    assert client.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy"


def test_a_probe_given_up_is_followed_by_another(client, depends_on, clock, monkeypatch):
    monkeypatch.setattr(readiness, "GIVEN_UP", 0.1)
    monkeypatch.setattr(readiness, "PATIENCE", 0.15)
    let_go, asked = threading.Event(), []

    def hanging_once() -> dict[str, object]:
        asked.append(1)
        if len(asked) == 1:
            let_go.wait(20)
        return {}

    depends_on(cache=hanging_once)
    assert client.get("/readyz").json()["dependencies"]["cache"]["error"] == "timeout"
    clock.now += 6
    assert client.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy"
    let_go.set()


def test_dependencies_are_asked_side_by_side(client, depends_on):
    def slow() -> dict[str, object]:
        time.sleep(0.3)
        return {}

    depends_on(**dict.fromkeys(("supabase", "cache", "aiService", "search"), slow))
    began = time.monotonic()
    assert client.get("/readyz").json()["status"] == "healthy"
    assert time.monotonic() - began < 0.6


def test_a_draining_worker_says_no_at_once(client, depends_on, drain):
    depends_on(supabase=fine)
    assert client.get("/readyz").status_code == 200
    drain()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "unhealthy")
    assert response.json()["dependencies"]["supabase"]["status"] == "healthy"


def test_a_change_is_logged_once_and_says_why(depends_on, clock, capsys):
    works = [True]

    def changing() -> dict[str, object]:
        if not works[0]:
            raise ConnectionRefusedError("refused")
        return {}

    ready = depends_on(cache=changing)
    ready.report()
    assert capsys.readouterr().out == ""
    works[0] = False
    for _ in range(3):
        clock.now += 6
        ready.report()
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["level"], line["message"], line["dependency"]) == ("warning", "Dependency changed state", "cache")
    assert (line["fromState"], line["toState"], line["code"]) == ("healthy", "unhealthy", "unreachable")
    assert line["exception"][0]["type"] == "ConnectionRefusedError"
    works[0] = True
    clock.now += 6
    ready.report()
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["level"], line["fromState"], line["toState"]) == ("info", "unhealthy", "healthy")


def test_findings_are_logged_under_the_id_of_the_request_that_asked(client, depends_on, capsys, settings):
    settings.MIDDLEWARE = ["observability.middleware.CorrelationMiddleware"]

    def talking() -> dict[str, object]:
        logging.getLogger("some.library").warning("Asked")
        return {}

    depends_on(cache=talking)
    client.get("/readyz", headers={"X-Correlation-ID": "c-1"})
    assert json.loads(capsys.readouterr().out)["correlationId"] == "c-1"
