from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from chat.upstream import session
from observability import metrics, prometheus_multiproc
from tests.support.services import ROOT

DOCUMENTATION = ROOT / "docs" / "observability.md"


def documented_metrics() -> dict[str, tuple[set[str], int]]:
    """The table of metrics in the documentation: labels and maximum number of series by name."""
    rows = [line.split("|")[1:4] for line in DOCUMENTATION.read_text().splitlines() if line.startswith("| `bff_")]
    return {
        name.strip(" `"): ({label.strip() for label in labels.split(",") if label.strip()}, int(limit.replace(",", "")))
        for name, labels, limit in rows
    }


def scrape(client) -> dict[tuple[str, frozenset], float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    return parse(response.content.decode())


def parse(page: str) -> dict[tuple[str, frozenset], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def value(scraped, name: str, **labels: str) -> float:
    return scraped.get((name, frozenset(labels.items())), 0)


def test_all_metrics_are_documented_with_their_labels():
    declared = [metric for metric in vars(metrics).values() if isinstance(metric, Counter | Gauge | Histogram)]
    labels = {
        metric._name + ("_total" if metric._type == "counter" else ""): set(metric._labelnames) for metric in declared
    }
    assert labels == {name: expected for name, (expected, _) in documented_metrics().items()}


def test_a_request_is_counted_and_timed_under_its_route(client):
    labels = {"endpoint": "/api/chat/{conversationId}/stream", "method": "GET"}
    before = scrape(client)
    client.get("/api/chat/12345678-1234-4234-8234-123456789012/stream")
    after = scrape(client)
    for name, more in [("bff_http_requests_total", {"status": "200"}), ("bff_http_request_duration_seconds_count", {})]:
        assert value(after, name, **labels, **more) == value(before, name, **labels, **more) + 1


def test_failure_series_exist_before_the_first_failure(client):
    client.get("/hello")
    assert scrape(client)["bff_http_requests_total", frozenset(
        {("endpoint", "/hello"), ("method", "GET"), ("status", "500")}
    )] == 0  # fmt: skip


def test_unknown_paths_and_methods_create_no_new_series(client):
    for number in range(20):
        client.generic(f"M{number}", f"/nowhere/{number}")
    page = client.get("/metrics").content.decode()
    assert "nowhere" not in page
    assert 'endpoint="unmatched",method="OTHER",status="404"' in page


def test_a_request_is_in_flight_until_it_ends_or_fails(client):
    client.raise_request_exception = False
    assert value(scrape(client), "bff_http_in_flight") == 1  # the scrape itself
    client.get("/broken")
    assert value(scrape(client), "bff_http_in_flight") == 1


@pytest.mark.parametrize("end", ["complete", "client_left", "failed"])
def test_a_stream_is_active_and_timed_until_it_ends(client, end):
    def counted() -> float:
        return value(scrape(client), "bff_http_request_duration_seconds_count", endpoint="/streamed", method="GET")

    before = counted()
    response = client.get("/streamed" + ("?fail=1" if end == "failed" else ""))
    next(response.streaming_content)
    during = scrape(client)
    assert value(during, "bff_streams_active") == 1
    assert value(during, "bff_http_in_flight") == 2
    assert counted() == before

    if end == "failed":
        with pytest.raises(RuntimeError):
            list(response.streaming_content)
    elif end == "complete":
        list(response.streaming_content)
    response.close()
    after = scrape(client)
    assert value(after, "bff_streams_active") == 0
    assert value(after, "bff_http_in_flight") == 1
    assert counted() == before + 1


def test_counters_with_known_labels_start_at_zero(client):
    page = scrape(client)
    assert ("bff_cache_requests_total", frozenset({("result", "stale")})) in page
    assert ("bff_answers_total", frozenset({("operation", "analyze"), ("origin", "fallback")})) in page
    assert not any(name.endswith("_created") for name, _ in page)


def test_the_first_scrape_has_the_refusals_of_every_ai_service_before_it_is_called(client, settings):
    settings.AI_SERVICE_FALLBACK_URL = "http://127.0.0.1:1"
    series = [
        {"service": role, "operation": operation, "outcome": "misconfigured"}
        for role in ("primary", "fallback")
        for operation in ("chat", "analyze")
    ]
    for labels in series:
        with suppress(KeyError):  # not counted by other tests
            metrics.AI_REQUEST_DURATION.remove(*labels.values())
    session.get.cache_clear()
    page = scrape(client)
    assert [page.get(("bff_ai_request_duration_seconds_count", frozenset(each.items()))) for each in series] == [0] * 4


def test_metrics_are_served_when_the_multiprocess_folder_is_missing(client, monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "gone"))
    assert ("bff_http_in_flight", frozenset()) in scrape(client)


def test_a_configured_token_is_required(client, settings):
    settings.METRICS_TOKEN = "scraper-token"
    for wrong in ({}, {"Authorization": "Bearer other"}, {"Authorization": "Basic scraper-token"}):
        refused = client.get("/metrics", headers=wrong)
        assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
        assert b"bff_" not in refused.content
    assert client.get("/metrics", headers={"Authorization": "Bearer scraper-token"}).status_code == 200


WORKER = """
import sys
from observability import prometheus_multiproc
prometheus_multiproc.configure(sys.argv[1])
from observability import metrics
metrics.HTTP_REQUESTS.labels("/hello", "GET", "200").inc(3)
metrics.HTTP_REQUEST_DURATION.labels("/hello", "GET").observe(0.2)
metrics.STREAMS_ACTIVE.inc(2)
metrics.BREAKER_STATE.labels("chat").set(float(sys.argv[2]))
print("counted", flush=True)
sys.stdin.readline()
"""

PAGE = """
import sys, os
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF="observability.urls", METRICS_TOKEN="")
import django
django.setup()
from django.test import Client
print(Client().get("/metrics").content.decode())
"""


def page_of(folder: Path) -> dict[tuple[str, frozenset], float]:
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    completed = subprocess.run(
        [sys.executable, "-c", PAGE], capture_output=True, text=True, cwd=ROOT, env=env, check=True
    )
    return parse(completed.stdout)


def test_workers_are_summed_and_gauges_of_dead_workers_are_dropped(tmp_path, monkeypatch):
    workers = []
    for state in ("2", "0"):
        command = [sys.executable, "-c", WORKER, str(tmp_path), state]
        workers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT))
        assert workers[-1].stdout
        assert workers[-1].stdout.readline() == "counted\n"
    try:
        page = page_of(tmp_path)
        hello = {"endpoint": "/hello", "method": "GET"}
        assert value(page, "bff_http_requests_total", **hello, status="200") == 6
        assert value(page, "bff_http_request_duration_seconds_count", **hello) == 2
        assert value(page, "bff_http_request_duration_seconds_bucket", **hello, le="0.25") == 2
        assert value(page, "bff_streams_active") == 4
        assert value(page, "bff_breaker_state", breaker="chat") == 0  # the most recent value

        workers[1].kill()
        workers[1].wait(10)
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
        prometheus_multiproc.mark_process_dead(workers[1].pid)
        page = page_of(tmp_path)
        assert value(page, "bff_http_requests_total", **hello, status="200") == 6
        assert value(page, "bff_streams_active") == 2
        assert value(page, "bff_breaker_state", breaker="chat") == 2
        assert not list(tmp_path.glob(f"*_{workers[1].pid}.db"))

        workers[0].kill()
        workers[0].wait(10)
        prometheus_multiproc.mark_process_dead(workers[0].pid)
        page = page_of(tmp_path)
        assert value(page, "bff_http_requests_total", **hello, status="200") == 6
        assert value(page, "bff_http_request_duration_seconds_count", **hello) == 2
        assert value(page, "bff_streams_active") == 0
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()

    assert {file.name for file in tmp_path.glob("*.db")} == {"counter_ended.db", "histogram_ended.db"}
    prometheus_multiproc.clear()
    assert list(tmp_path.glob("*.db")) == []


def test_a_process_that_died_before_it_had_written_a_file_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    (tmp_path / "counter_7.db").touch()
    prometheus_multiproc.mark_process_dead(7)
    assert list(tmp_path.glob("*.db")) == []


COMMAND = """
import sys
from observability import prometheus_multiproc
prometheus_multiproc.configure(sys.argv[1])
from observability import metrics
metrics.AI_TOKENS.labels("primary", "prompt").inc(5)
metrics.HTTP_IN_FLIGHT.inc()
"""


def test_counts_of_a_command_are_kept_and_its_files_are_merged(tmp_path):
    for _ in range(3):
        subprocess.run([sys.executable, "-c", COMMAND, str(tmp_path)], cwd=ROOT, check=True)
    assert {file.name for file in tmp_path.glob("*.db")} == {"counter_ended.db", "histogram_ended.db"}
    page = page_of(tmp_path)
    assert value(page, "bff_ai_tokens_total", service="primary", type="prompt") == 15
    assert value(page, "bff_http_in_flight") == 0


def test_without_a_folder_metrics_stay_in_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    prometheus_multiproc.configure("")
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
    prometheus_multiproc.clear()
    prometheus_multiproc.mark_process_dead(1)
