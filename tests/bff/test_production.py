"""What only production does: HTTPS, pages without DEBUG, static files that nobody collected."""

from __future__ import annotations

import re

import pytest

from tests.server import Server
from tests.services import HOST

HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.fixture
def production(ai, transactional_db):
    instance = Server(DEBUG="0", ALLOWED_HOSTS=HOST)
    yield instance
    instance.stop()


def test_production_serves_its_pages_and_its_errors(production):
    page = production.get("/", headers=HTTPS)
    assert page.status_code == 200
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        assert production.get(path, headers=HTTPS).status_code == 200
    nowhere = production.get("/nowhere", headers=HTTPS)
    assert nowhere.status_code == 404
    assert "Repères" in nowhere.text
    api = production.get("/api/nowhere", headers=HTTPS)
    assert (api.status_code, api.headers["Content-Type"]) == (404, "application/problem+json")
    assert api.json()["correlationId"] == api.headers["X-Correlation-ID"]
    assert production.get("/", allow_redirects=False).status_code == 301
