"""Secrets in requests never reach logs, metrics, Redis keys or error responses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django_redis import get_redis_connection

from tests.observability.canaries import CANARY, Sender
from tests.observability.test_prometheus import broken_table
from tests.support.server import Server

REQUESTS = 500


@pytest.fixture
def instance(ai, few_entries, tmp_path) -> Iterator[Server]:
    """An instance as in production, except that it logs to a file and crashes on request."""
    server = Server(
        workers=2,
        DEBUG="0",
        DJANGO_SETTINGS_MODULE="tests.observability.crashing_settings",
        LOG_FILE=str(tmp_path / "bff.log"),
        SUPABASE_JWT_SECRET="s" * 40,
        METRICS_TOKEN="scraper",
        BREAKER_FAILURE_THRESHOLD="1000",
        UNREAD_RUN_TIMEOUT_SECONDS="1",
    )
    yield server
    server.stop()


def test_secrets_of_five_hundred_requests_are_not_in_logs_metrics_redis_keys_or_errors(instance, ai, tmp_path):
    sender = Sender(instance.url)
    sent = 0
    with ThreadPoolExecutor(8) as pool:
        while sent < REQUESTS:
            requests = list(sender.all_requests())
            faults = [None, {"fault": "garbage"}, {"fault": "cut"}, {"fault": "error", "status": 400}]
            ai.heal()
            if fault := faults[sent // len(requests) % 4]:
                ai.fail(**fault)
            list(pool.map(lambda request: request(), requests))
            sent += len(requests)
        with broken_table():
            list(pool.map(lambda request: request(), sender.all_requests()))

    metrics = instance.get("/metrics", headers={"Authorization": "Bearer scraper"}).text
    instance.stop()  # lines logged at shutdown are checked too
    keys = [key.decode() for key in get_redis_connection("default").scan_iter(count=1000)]
    lines = [json.loads(line) for line in instance.lines()]  # every line is JSON, including those on stderr
    assert leaks_in(*sender.refusals) == []
    assert leaks_in(*instance.lines()) == []
    assert leaks_in((tmp_path / "bff.log").read_text()) == []
    assert leaks_in(metrics) == []
    assert leaks_in(*keys) == []

    assert "bff_http_requests_total" in metrics
    assert len(keys) > 100
    assert_every_kind_occurred(Counter(sender.statuses), Counter(line["message"] for line in lines))


def leaks_in(*texts: str) -> list[str]:
    return [text[:2000] for text in texts if CANARY.search(text)]


def assert_every_kind_occurred(statuses: Counter[int], messages: Counter[str]) -> None:
    """Check that the requests reached all the code paths under test."""
    expected = {200, 204, 400, 401, 403, 404, 405, 413, 415, 422, 500}
    assert expected - statuses.keys() == set(), statuses
    expected_messages = [
        "Request handled",
        "Request failed",
        "Malformed request",
        "Uncaught exception in a thread",
        "Message not saved",
    ]
    for message in [
        *expected_messages,
        "Could not read '[withheld]' (7)",
        "Host is not in ALLOWED_HOSTS",
        "AI call finished",
    ]:
        assert messages[message] >= 5, (message, messages)
