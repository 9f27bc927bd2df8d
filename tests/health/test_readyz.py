from __future__ import annotations

import json
import logging
import re
import threading
import time

import pytest
from django.apps import apps
from django.core.checks import run_checks
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from health import readiness
from health.probes import probes_by_dependency
from observability import build
from observability.redis_cluster import ShardUnavailable
from tests.support.concurrency import run_concurrently


def healthy() -> dict[str, object]:
    return {}


def unreachable() -> dict[str, object]:
    raise ConnectionRefusedError("postgres://user:secret@10.0.0.1 refused")


@pytest.mark.django_db
def test_readyz_has_the_documented_shape(client, settings, monkeypatch):
    settings.ROOT_URLCONF = "health.urls"
    monkeypatch.setattr(readiness, "current", lambda: readiness.Readiness(probes_by_dependency()))
    response = client.get("/readyz")
    body = response.json()
    assert response.status_code == 200, body
    assert list(body) == ["status", "timestamp", "uptime", "version", "dependencies"]
    assert body["version"] == build.full_version()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])
    for name in ("supabase", "cache"):
        assert list(body["dependencies"][name])[:2] == ["status", "latency"]
        assert body["dependencies"][name]["status"] == "healthy"
        assert 0 < body["dependencies"][name]["latency"] < 1000
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("probes", "status", "code"),
    [
        ({"supabase": healthy, "cache": healthy}, "healthy", 200),
        ({"supabase": healthy, "cache": unreachable}, "degraded", 200),
        ({"supabase": unreachable, "cache": healthy}, "unhealthy", 503),
        ({"supabase": healthy, "aiService": lambda: {"status": "degraded"}}, "degraded", 200),
        ({"supabase": lambda: {"status": "degraded"}, "cache": healthy}, "degraded", 200),
    ],
)
def test_only_a_required_dependency_makes_it_unready(client, use_probes, probes, status, code):
    use_probes(**probes)
    response = client.get("/readyz")
    assert (response.json()["status"], response.status_code) == (status, code)


@pytest.mark.parametrize(
    ("token", "bearer"), [("", ""), ("", "Bearer "), ("secret", "Bearer other"), ("secret", "Bearer secret")]
)
def test_the_dependencies_can_be_shown_to_operators_alone(client, use_probes, settings, token, bearer):
    settings.READYZ_DETAILS, settings.METRICS_TOKEN = "operators", token
    is_told = bearer == "Bearer secret"
    use_probes(supabase=healthy, cache=unreachable)
    body = client.get("/readyz", headers={"Authorization": bearer}).json()
    assert body["status"] == "degraded"
    assert ("dependencies" in body) is is_told
    if not is_told:
        assert list(body) == ["status"]


@pytest.mark.parametrize(
    ("details", "token", "ids"),
    [
        ("operators", "", ["health.W001"]),
        ("operators", "secret", []),
        ("public", "", []),
    ],
)
def test_details_for_operators_that_nobody_can_read_are_told_at_start(settings, details, token, ids):
    settings.READYZ_DETAILS, settings.METRICS_TOKEN = details, token
    found = [message for message in run_checks() if message.id == "health.W001"]
    assert [message.id for message in found] == ids
    assert all("METRICS_TOKEN" in (message.hint or "") for message in found)


def test_required_dependencies_can_be_configured(client, use_probes, settings):
    settings.HEALTH_REQUIRED = ["cache"]
    use_probes(supabase=unreachable, cache=healthy)
    assert client.get("/readyz").json()["status"] == "degraded"
    use_probes(supabase=healthy, cache=unreachable)
    assert client.get("/readyz").status_code == 503


def test_the_details_of_all_probes_of_a_dependency_are_merged(client, use_probes):
    use_probes(supabase=healthy, cache=[healthy, lambda: {"hitRate": 0.42}])
    cache = client.get("/readyz").json()["dependencies"]["cache"]
    assert list(cache) == ["status", "latency", "hitRate"]
    assert cache["hitRate"] == 0.42


def test_any_app_can_add_probes(monkeypatch):
    monkeypatch.setattr(apps.get_app_config("csp"), "health_probes", lambda: [("cache", healthy)], raising=False)
    assert healthy in probes_by_dependency()["cache"]
    assert len(probes_by_dependency()["cache"]) >= 2


class CodedError(Exception):
    code = "circuit_open"


def shard_unavailable() -> ShardUnavailable:
    error = ShardUnavailable("10.0.0.1:6379")
    error.__cause__ = RedisConnectionError("to 10.0.0.1")
    return error


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (ConnectionRefusedError("to 10.0.0.1"), "unreachable"),
        (RedisTimeoutError("reading 10.0.0.1"), "timeout"),
        (TimeoutError("secret"), "timeout"),
        (shard_unavailable(), "unreachable"),
        (CodedError("secret"), "circuit_open"),
        (ValueError("secret"), "error"),
        (SystemError(), "error"),
    ],
)
def test_a_failure_is_reported_by_its_code_never_by_its_message(client, use_probes, raised, code):
    def failing() -> dict[str, object]:
        raise raised

    use_probes(cache=failing)
    response = client.get("/readyz")
    cache = response.json()["dependencies"]["cache"]
    assert (cache["status"], cache["error"]) == ("unhealthy", code)
    for hidden in ("secret", "10.0.0.1"):
        assert hidden not in response.content.decode()


def test_results_are_cached_for_five_seconds(client, use_probes, clock):
    calls: list[int] = []

    def probe() -> dict[str, object]:
        calls.append(1)
        return {}

    use_probes(cache=probe)
    for _ in range(3):
        client.get("/readyz")
    clock.now += 4.9
    client.get("/readyz")
    assert len(calls) == 1
    clock.now += 0.2
    client.get("/readyz")
    assert len(calls) == 2


def test_one_caller_refreshes_while_the_others_get_the_cached_results(client, use_probes, clock):
    calls, resume = [], threading.Event()

    def slow() -> dict[str, object]:
        calls.append(1)
        if len(calls) > 1:
            resume.wait(5)
        return {"calls": len(calls)}

    cached = use_probes(cache=slow)
    assert cached.report()["dependencies"]["cache"]["calls"] == 1
    clock.now += 6
    refreshing = threading.Thread(target=cached.report)
    refreshing.start()
    while len(calls) < 2:
        time.sleep(0.001)
    started_at = time.monotonic()
    assert {cached.report()["dependencies"]["cache"]["calls"] for _ in range(10)} == {1}
    assert time.monotonic() - started_at < 2  # the probe takes 5
    resume.set()
    refreshing.join()
    assert cached.report()["dependencies"]["cache"]["calls"] == 2
    assert len(calls) == 2


def test_concurrent_first_callers_run_the_probe_once(use_probes):
    calls = []

    def slow() -> dict[str, object]:
        calls.append(1)
        time.sleep(0.05)
        return {}

    cached = use_probes(cache=slow)

    reports = run_concurrently(16, cached.report)
    assert len(calls) == 1
    assert [report["status"] for report in reports] == ["healthy"] * 16


def test_a_hanging_probe_costs_its_timeout_and_one_thread(client, use_probes, clock):
    release = threading.Event()
    calls = []

    def hanging() -> dict[str, object]:
        calls.append(1)
        release.wait(20)
        return {}

    use_probes(supabase=healthy, cache=hanging)
    started_at = time.monotonic()
    body = client.get("/readyz").json()
    assert time.monotonic() - started_at < 5
    assert body["dependencies"]["supabase"]["status"] == "healthy"
    assert body["dependencies"]["cache"]["error"] == "timeout"
    assert 700 < body["dependencies"]["cache"]["latency"] < 5000

    clock.now += 6
    assert client.get("/readyz").json()["dependencies"]["cache"]["error"] == "timeout"
    assert len(calls) == 1
    release.set()
    clock.now += 6
    assert client.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy"


def test_an_abandoned_probe_is_replaced(client, use_probes, clock, monkeypatch):
    monkeypatch.setattr(readiness, "ABANDON_SECONDS", 0.1)
    monkeypatch.setattr(readiness, "TIMEOUT_SECONDS", 0.15)
    release, calls = threading.Event(), []

    def hanging_once() -> dict[str, object]:
        calls.append(1)
        if len(calls) == 1:
            release.wait(20)
        return {}

    use_probes(cache=hanging_once)
    assert client.get("/readyz").json()["dependencies"]["cache"]["error"] == "timeout"
    clock.now += 6
    assert client.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy"
    release.set()


def test_dependencies_are_probed_in_parallel(client, use_probes):
    all_running = threading.Barrier(4)

    def probe() -> dict[str, object]:
        all_running.wait(5)  # raises unless the other three arrive
        return {}

    use_probes(**dict.fromkeys(("supabase", "cache", "aiService", "search"), probe))
    assert client.get("/readyz").json()["status"] == "healthy"


def test_a_draining_worker_is_unready_at_once(client, use_probes, start_draining):
    use_probes(supabase=healthy)
    assert client.get("/readyz").status_code == 200
    start_draining()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "unhealthy")
    assert response.json()["dependencies"]["supabase"]["status"] == "healthy"


def test_a_state_change_is_logged_once_with_its_cause(use_probes, clock, capsys):
    is_up = [True]

    def changing() -> dict[str, object]:
        if not is_up[0]:
            raise ConnectionRefusedError("refused")
        return {}

    cached = use_probes(cache=changing)
    cached.report()
    assert capsys.readouterr().out == ""
    is_up[0] = False
    for _ in range(3):
        clock.now += 6
        cached.report()
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["level"], line["message"], line["dependency"]) == ("warning", "Dependency changed state", "cache")
    assert (line["fromState"], line["toState"], line["code"]) == ("healthy", "unhealthy", "unreachable")
    assert line["exception"][0]["type"] == "ConnectionRefusedError"
    is_up[0] = True
    clock.now += 6
    cached.report()
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["level"], line["fromState"], line["toState"]) == ("info", "unhealthy", "healthy")


def test_probe_logs_have_the_correlation_id_of_the_request(client, use_probes, capsys, settings):
    settings.MIDDLEWARE = ["observability.middleware.CorrelationMiddleware"]

    def logging_probe() -> dict[str, object]:
        logging.getLogger("some.library").warning("Probed")
        return {}

    use_probes(cache=logging_probe)
    client.get("/readyz", headers={"X-Correlation-ID": "c-1"})
    assert json.loads(capsys.readouterr().out)["correlationId"] == "c-1"
