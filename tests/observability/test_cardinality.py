"""The number of series stays within the limits of docs/observability.md, whatever requests arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from django.test import Client
from django.urls import get_resolver
from prometheus_client.parser import text_string_to_metric_families

from tests.observability.test_metrics import documented_metrics

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW")
ID = "12345678-1234-4234-8234-123456789012"


@pytest.fixture(autouse=True)
def _site(settings, db):
    """Use the whole program instead of the small test site."""


def paths(patterns: Iterable, prefix: str = "/") -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from paths(pattern.url_patterns, path)
        else:
            yield path.replace("{conversation_id}", ID).replace("<conversation_id>", ID)


def test_every_route_and_method_stays_within_the_documented_number_of_series(ai):
    client = Client(raise_request_exception=False)
    requested = [*paths(get_resolver().url_patterns), "/nowhere", "/static/x.js", f"/api/chat/{ID}/stream"]
    for path in requested:
        for method in METHODS:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Content-Type": "text/plain"}):
                client.generic(method, path, b"x" if method == "POST" else b"", headers=headers).close()
    series: Counter[str] = Counter()
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        series[family.name + ("_total" if family.type == "counter" else "")] = len(family.samples)
    limits = {name: limit for name, (_, limit) in documented_metrics().items()}
    assert len(requested) > 25
    assert series["bff_http_requests_total"] > 100
    assert {name: count for name, count in series.items() if count > limits.get(name, 40)} == {}
