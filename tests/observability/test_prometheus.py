"""Dashboard, rules and alerts against a real Prometheus that scrapes two instances under load."""

from __future__ import annotations

import json
import math
import os
import runpy
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from django.db import connection

from ai_service.control import StandIn
from observability.metrics import DURATION_BUCKETS
from tests.observability.load import LoadGenerator
from tests.observability.prometheus import DOCS, Prometheus, names_in, promtool
from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.services import ROOT

TOKEN = "the-scrapers-token"
# Production behaviour with shorter times.
FAST_SETTINGS: dict[str, Any] = {
    "BREAKER_WINDOW_SECONDS": "4",
    "BREAKER_OPEN_SECONDS": "1",
    "BREAKER_OPEN_MAX_SECONDS": "2",
    "METRICS_TOKEN": TOKEN,
    "LOG_LEVEL": "info",
}
DASHBOARD = ROOT / "docs" / "grafana-dashboard.json"


def expressions(file: Path) -> dict[str, str]:
    """The queries of rules.yml or alerts.yml by name."""
    groups = yaml.safe_load(file.read_text())["groups"]
    return {rule.get("record") or rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def panels() -> list[tuple[str, str]]:
    """Title and query of each panel, as Grafana sends it with all instances and operations selected."""
    queries = []
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$instance", ".*").replace("$operation", ".*")
            queries.append((f"{panel['title']}: {target['legendFormat']}", query.replace("$__rate_interval", "10s")))
    return queries


@dataclass
class ScrapedRun:
    """A finished load test with its Prometheus, load generator and instances. Times are Unix seconds."""

    prometheus: Prometheus
    load: LoadGenerator
    instances: list[Server]
    started_at: float
    ended_at: float


@pytest.fixture(scope="module")
def scraped(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[ScrapedRun]:
    """Half a minute of load: normal operation, then an AI outage, then a database fault."""
    ai = StandIn(os.environ["AI_SERVICE_URL"])
    with django_db_blocker.unblock():
        ai.reset()
        ai.pace(150)
        instances = [Server(workers=2, **FAST_SETTINGS), Server(**FAST_SETTINGS)]
        prometheus = Prometheus(
            tmp_path_factory.mktemp("prometheus"),
            [instance.url.removeprefix("http://") for instance in instances],
            TOKEN,
        )
        try:
            eventually(lambda: len(prometheus.query("up == 1")) == 2, 20)
            started_at = time.time()
            with LoadGenerator([instance.url for instance in instances]) as load:
                time.sleep(7)
                ai.fail("error", status=503, count=2)  # each is followed by a retry: the breakers stay closed
                time.sleep(3)
                ai.fail("error", status=503)
                time.sleep(6)
                ai.heal()
                time.sleep(4)
                with broken_table():
                    time.sleep(2)
                time.sleep(3)
            time.sleep(3)  # the last scrape and the rules after it
            yield ScrapedRun(prometheus, load, instances, started_at, time.time())
        finally:
            prometheus.stop()
            for instance in instances:
                instance.stop()
            ai.reset()


@contextmanager
def broken_table() -> Iterator[None]:
    """Inside the block conversations can neither be read nor written."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE chat_conversation RENAME TO chat_conversation_renamed")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE chat_conversation_renamed RENAME TO chat_conversation")


def has_data(series: list[dict]) -> bool:
    return any(not math.isnan(float(value)) for each in series for _, value in each["values"])


def test_every_panel_of_the_dashboard_has_data(scraped):
    empty = [
        title
        for title, query in panels()
        if not has_data(scraped.prometheus.query_range(query, scraped.started_at, scraped.ended_at))
    ]
    assert empty == []
    assert len(panels()) > 40


def test_the_first_failures_are_on_the_dashboard(scraped):
    (query,) = [query for title, query in panels() if title.startswith("Failures (5xx)")]
    series = scraped.prometheus.query_range(query, scraped.started_at, scraped.ended_at)
    failed = [
        each["values"] for each in series if each["metric"] == {"endpoint": "/api/chat/conversations", "status": "500"}
    ]
    assert max(float(value) for _, value in failed[0]) > 0


def test_every_rule_evaluates_and_records_data(scraped):
    rules = scraped.prometheus.rules()
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    assert {rule["name"] for rule in rules} == set(expressions(DOCS / "rules.yml")) | set(
        expressions(DOCS / "alerts.yml")
    )
    recorded = expressions(DOCS / "rules.yml")
    assert [
        name
        for name in recorded
        if not has_data(scraped.prometheus.query_range(name, scraped.started_at, scraped.ended_at))
    ] == []


def test_dashboard_rules_and_alerts_use_only_scraped_names(scraped):
    known = scraped.prometheus.names()
    queries = [
        *(query for _, query in panels()),
        *expressions(DOCS / "rules.yml").values(),
        *expressions(DOCS / "alerts.yml").values(),
    ]
    assert {name for query in queries for name in names_in(query)} - known == set()


def test_the_quantiles_match_the_request_logs_and_are_not_above_those_of_clients(scraped):
    """To within one bucket, the precision of a histogram. Clients also wait for their connection to be accepted."""
    assert scraped.load.errors == []
    logged = logged_durations(scraped.instances)
    for endpoint in ("/api/chat/message", "/api/chat/stream", "/api/chat/analyze-document"):
        for quantile in (0.5, 0.95, 0.99):
            buckets = f'sum by (le) (bff_http_request_duration_seconds_bucket{{endpoint="{endpoint}"}})'
            (result,) = scraped.prometheus.query(f"histogram_quantile({quantile}, {buckets})")
            estimated, real = float(result["value"][1]), at_rank(quantile, logged[endpoint])
            assert abs(bucket_of(estimated) - bucket_of(real)) <= 1, (endpoint, quantile, estimated, real)
            at_most = at_rank(quantile, scraped.load.durations[endpoint])
            assert bucket_of(estimated) <= bucket_of(at_most) + 1, (endpoint, quantile, estimated, at_most)


def logged_durations(instances: list[Server]) -> dict[str, list[float]]:
    """Seconds by endpoint, one for each line of the request logs."""
    durations = defaultdict(list)
    for line in (json.loads(line) for instance in instances for line in instance.lines() if "Request handled" in line):
        durations[line["endpoint"]].append(line["duration"] / 1000)
    return durations


def at_rank(quantile: float, seconds: list[float]) -> float:
    """The duration in whose bucket Prometheus estimates the quantile."""
    return sorted(seconds)[math.ceil(quantile * len(seconds)) - 1]


def bucket_of(seconds: float) -> int:
    return bisect_left(DURATION_BUCKETS, seconds)


def test_every_request_was_counted(scraped):
    for endpoint, durations in scraped.load.durations.items():
        (result,) = scraped.prometheus.query(f'sum(bff_http_requests_total{{endpoint="{endpoint}"}})')
        assert float(result["value"][1]) == len(durations)


def test_promtool_accepts_the_metrics_page(scraped):
    for instance in scraped.instances:
        page = requests.get(f"{instance.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30).text
        checked = promtool("check", "metrics", stdin=page)
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_metrics_page_requires_the_token(scraped):
    assert scraped.instances[0].get("/metrics").status_code == 401


def test_configuration_rules_and_alerts_are_valid():
    checked = promtool("check", "config", str(DOCS / "prometheus.yml"))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("file", ["alerts_test.yml", "alerts_slow_test.yml"])
def test_alerts_fire_when_they_should_and_only_then(file):
    tested = promtool("test", "rules", str(DOCS / file))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_is_tested_to_fire():
    files = [yaml.safe_load(file.read_text()) for file in DOCS.glob("*_test.yml")]
    firing = {
        rule["alertname"]
        for file in files
        for case in file["tests"]
        for rule in case["alert_rule_test"]
        if rule["exp_alerts"]
    }
    assert firing == set(expressions(DOCS / "alerts.yml"))


def test_every_alert_has_a_section_in_the_runbook():
    headings = [line[4:] for line in (ROOT / "docs" / "runbook.md").read_text().splitlines() if line.startswith("### ")]
    for group in yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["alert"] in headings
            assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
            assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_dashboard_is_what_make_dashboard_writes():
    generator = runpy.run_path(str(ROOT / "docs" / "grafana_dashboard.py"))
    assert DASHBOARD.read_text() == generator["render"](), "run `make dashboard`"
