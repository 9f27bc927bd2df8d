"""Nothing that people send is found where it does not belong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django_redis import get_redis_connection

from tests.observability.canaries import FOUND, Sender
from tests.observability.test_prometheus import broken_table
from tests.server import Server

REQUESTS = 500


@pytest.fixture
def instance(ai, transactional_db, tmp_path) -> Iterator[Server]:
    """As in production, but for an endless log level and the crashes on demand."""
    server = Server(
        workers=2,
        DEBUG="0",
        DJANGO_SETTINGS_MODULE="tests.observability.crashing_settings",
        LOG_FILE=str(tmp_path / "bff.log"),
        SUPABASE_JWT_SECRET="s" * 40,
        METRICS_TOKEN="scraper",
        BREAKER_FAILURE_THRESHOLD="1000",
        RUN_GRACE_SECONDS="1",
    )
    yield server
    server.stop()


def test_of_five_hundred_requests_full_of_secrets_none_is_found_in_logs_metrics_redis_or_errors(instance, ai, tmp_path):
    sender = Sender(instance.url)
    sent = 0
    with ThreadPoolExecutor(8) as people:
        while sent < REQUESTS:
            kinds = list(sender.everything())
            faults = [None, {"fault": "garbage"}, {"fault": "cut"}, {"fault": "error", "status": 400}]
            ai.heal()
            if fault := faults[sent // len(kinds) % 4]:
                ai.fail(**fault)
            list(people.map(lambda request: request(), kinds))
            sent += len(kinds)
        with broken_table():
            list(people.map(lambda request: request(), sender.everything()))

    metrics = instance.get("/metrics", headers={"Authorization": "Bearer scraper"}).text
    instance.stop()  # its last words are lines too
    keys = [key.decode() for key in get_redis_connection("default").scan_iter(count=1000)]
    lines = [json.loads(line) for line in instance.lines()]  # each and every one: also what went to stderr
    assert leaks_in(*sender.refusals) == []
    assert leaks_in(*instance.lines()) == []
    assert leaks_in((tmp_path / "bff.log").read_text()) == []
    assert leaks_in(metrics) == []
    assert leaks_in(*keys) == []

    assert "bff_http_requests_total" in metrics
    assert len(keys) > 100
    assert_everything_happened(Counter(sender.statuses), Counter(line["message"] for line in lines))


def leaks_in(*texts: str) -> list[str]:
    return [text[:2000] for text in texts if FOUND.search(text)]


def assert_everything_happened(statuses: Counter[int], messages: Counter[str]) -> None:
    """Else this would show nothing."""
    expected = {200, 204, 400, 401, 403, 404, 405, 413, 415, 422, 500}
    assert expected - statuses.keys() == set(), statuses
    told = [
        "Request handled",
        "Request failed",
        "Malformed request",
        "Uncaught exception in a thread",
        "Message not saved",
    ]
    for message in [*told, "Could not read '[withheld]' (7)", "Host is not in ALLOWED_HOSTS", "AI call finished"]:
        assert messages[message] >= 5, (message, messages)
