"""What operators look at, with real figures in it: two instances under load, scraped by a real Prometheus."""

from __future__ import annotations

import json
import math
import os
import runpy
import statistics
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml
from django.db import connection

from ai_service.control import StandIn
from observability.metrics import DURATIONS
from tests.observability.prometheus import DOCS, Prometheus, names_in, promtool
from tests.observability.visitors import Visitors
from tests.server import Server
from tests.services import ROOT
from tests.waiting import eventually

TOKEN = "the-scrapers-token"
# The rules are those of production, the times are shorter.
HASTY = {
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
    """Title and query of everything on the dashboard, as Grafana would send it with all chosen."""
    found = []
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$instance", ".*").replace("$operation", ".*")
            found.append((f"{panel['title']}: {target['legendFormat']}", query.replace("$__rate_interval", "10s")))
    return found


@dataclass
class Watched:
    """What is left of some busy time: the Prometheus that saw it, the people who came, the instances."""

    prometheus: Prometheus
    visitors: Visitors
    instances: list[Server]
    began: float
    ended: float


@pytest.fixture(scope="module")
def watched(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Watched]:
    """Half a minute with everything in it: peace, an AI that fails, a database that does."""
    ai = StandIn(os.environ["AI_SERVICE_URL"])
    with django_db_blocker.unblock():
        ai.reset()
        ai.pace(150)
        instances = [Server(workers=2, **HASTY), Server(**HASTY)]
        prometheus = Prometheus(
            tmp_path_factory.mktemp("prometheus"), [one.url.removeprefix("http://") for one in instances], TOKEN
        )
        try:
            eventually(lambda: len(prometheus.query("up == 1")) == 2, 20)
            began = time.time()
            with Visitors([one.url for one in instances]) as visitors:
                time.sleep(10)
                ai.fail("error", status=503)
                time.sleep(6)
                ai.heal()
                time.sleep(4)
                with broken_table():
                    time.sleep(2)
                time.sleep(3)
            time.sleep(3)  # the last scrape and the rules after it
            yield Watched(prometheus, visitors, instances, began, time.time())
        finally:
            prometheus.stop()
            for one in instances:
                one.stop()
            ai.reset()


@contextmanager
def broken_table() -> Iterator[None]:
    """Conversations can neither be read nor written for a while."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE chat_conversation RENAME TO chat_conversation_away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE chat_conversation_away RENAME TO chat_conversation")


def has_data(series: list[dict]) -> bool:
    return any(not math.isnan(float(value)) for one in series for _, value in one["values"])


def test_every_panel_of_the_dashboard_shows_something(watched):
    empty = [
        title
        for title, query in panels()
        if not has_data(watched.prometheus.query_range(query, watched.began, watched.ended))
    ]
    assert empty == []
    assert len(panels()) > 40


def test_the_first_failures_are_on_the_dashboard(watched):
    (query,) = [query for title, query in panels() if title.startswith("Failures (5xx)")]
    seen = watched.prometheus.query_range(query, watched.began, watched.ended)
    failed = [
        one["values"] for one in seen if one["metric"] == {"endpoint": "/api/chat/conversations", "status": "500"}
    ]
    assert max(float(value) for _, value in failed[0]) > 0


def test_every_rule_works_and_records_something(watched):
    rules = watched.prometheus.rules()
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    assert {rule["name"] for rule in rules} == set(expressions(DOCS / "rules.yml")) | set(
        expressions(DOCS / "alerts.yml")
    )
    recorded = expressions(DOCS / "rules.yml")
    assert [
        name for name in recorded if not has_data(watched.prometheus.query_range(name, watched.began, watched.ended))
    ] == []


def test_dashboard_rules_and_alerts_use_no_name_that_is_not_scraped(watched):
    known = watched.prometheus.names()
    queries = [
        *(query for _, query in panels()),
        *expressions(DOCS / "rules.yml").values(),
        *expressions(DOCS / "alerts.yml").values(),
    ]
    assert {name for query in queries for name in names_in(query)} - known == set()


def test_the_quantiles_are_those_that_people_met(watched):
    """Within a bucket: a histogram can't tell more."""
    assert watched.visitors.troubles == []
    for endpoint in ("/api/chat/message", "/api/chat/stream", "/api/chat/analyze-document"):
        met = statistics.quantiles(watched.visitors.durations[endpoint], n=100, method="inclusive")
        for share in (0.5, 0.95, 0.99):
            buckets = f'sum by (le) (bff_http_request_duration_seconds_bucket{{endpoint="{endpoint}"}})'
            (found,) = watched.prometheus.query(f"histogram_quantile({share}, {buckets})")
            told, real = float(found["value"][1]), met[round(share * 100) - 1]
            assert abs(bucket_of(told) - bucket_of(real)) <= 1, (endpoint, share, told, real)


def bucket_of(seconds: float) -> int:
    return bisect_left(DURATIONS, seconds)


def test_every_request_was_counted(watched):
    for endpoint, durations in watched.visitors.durations.items():
        (found,) = watched.prometheus.query(f'sum(bff_http_requests_total{{endpoint="{endpoint}"}})')
        assert float(found["value"][1]) == len(durations)


def test_promtool_has_nothing_to_say_about_the_page(watched):
    for instance in watched.instances:
        page = requests.get(f"{instance.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30).text
        checked = promtool("check", "metrics", stdin=page)
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_page_wants_the_scrapers_token(watched):
    assert watched.instances[0].get("/metrics").status_code == 401


def test_configuration_rules_and_alerts_are_well_formed():
    checked = promtool("check", "config", str(DOCS / "prometheus.yml"))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("file", ["alerts_test.yml", "alerts_slow_test.yml"])
def test_alerts_speak_when_they_should_and_only_then(file):
    tested = promtool("test", "rules", str(DOCS / file))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_is_tested_to_speak():
    tested = [yaml.safe_load(file.read_text()) for file in DOCS.glob("*_test.yml")]
    spoken = {
        rule["alertname"]
        for file in tested
        for case in file["tests"]
        for rule in case["alert_rule_test"]
        if rule["exp_alerts"]
    }
    assert spoken == set(expressions(DOCS / "alerts.yml"))


def test_every_alert_has_its_section_in_the_runbook():
    headings = [line[4:] for line in (ROOT / "docs" / "runbook.md").read_text().splitlines() if line.startswith("### ")]
    for group in yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["alert"] in headings
            assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
            assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_dashboard_is_what_make_dashboard_writes():
    generator = runpy.run_path(str(ROOT / "docs" / "grafana_dashboard.py"))
    assert DASHBOARD.read_text() == generator["text"](), "run `make dashboard`"
