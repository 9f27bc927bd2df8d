"""How many series there can be, whatever is asked: what docs/observability.md promises those who pay for storage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from django.test import Client
from django.urls import get_resolver
from prometheus_client.parser import text_string_to_metric_families

from tests.observability.test_metrics import registered

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW")
ID = "12345678-1234-4234-8234-123456789012"


@pytest.fixture(autouse=True)
def _site(settings, db):
    """The whole program, in place of the small site that the tests beside this one observe."""


def addresses(patterns: Iterable, before: str = "/") -> Iterator[str]:
    for pattern in patterns:
        here = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from addresses(pattern.url_patterns, here)
        else:
            yield here.replace("{conversation_id}", ID).replace("<conversation_id>", ID)


def test_each_route_called_in_each_way_makes_no_more_series_than_promised(ai):
    client = Client(raise_request_exception=False)
    asked = [*addresses(get_resolver().url_patterns), "/nowhere", "/static/x.js", f"/api/chat/{ID}/stream"]
    for address in asked:
        for method in METHODS:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Content-Type": "text/plain"}):
                client.generic(method, address, b"x" if method == "POST" else b"", headers=headers).close()
    series: Counter[str] = Counter()
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        series[family.name + ("_total" if family.type == "counter" else "")] = len(family.samples)
    told = {name: most for name, (_, most) in registered().items()}
    assert len(asked) > 25
    assert series["bff_http_requests_total"] > 100
    assert {name: count for name, count in series.items() if count > told.get(name, 40)} == {}
