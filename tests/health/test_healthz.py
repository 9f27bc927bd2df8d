from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.support.services import ROOT

pytestmark = pytest.mark.urls("health.urls")


def test_healthz_has_the_documented_shape(client):
    response = client.get("/healthz")
    body = response.json()
    assert response.status_code == 200
    assert list(body) == ["status", "timestamp", "uptime"]
    assert body["status"] == "healthy"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])
    assert isinstance(body["uptime"], int)
    assert response["Cache-Control"] == "no-store"


def test_healthz_runs_no_probe(client, use_probes):
    calls: list[int] = []

    def probe() -> dict[str, object]:
        calls.append(1)
        return {}

    use_probes(supabase=probe)
    client.get("/healthz")
    assert calls == []


def test_a_draining_worker_is_still_alive(client, start_draining):
    start_draining()
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_get_and_head_are_allowed(client, path, use_probes):
    use_probes()
    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200


PRODUCTION = """
import django
django.setup()
from django.conf import settings
settings.ROOT_URLCONF = "health.urls"
from django.test import Client
for path in ("/healthz", "/readyz"):
    response = Client().get(path, headers={"Host": "10.0.0.7:8000", "Accept": "garbage"})
    print("response", response.status_code, response["Content-Type"])
"""


def test_in_production_any_host_scheme_and_accept_header_is_answered():
    env = {**os.environ, "DEBUG": "0", "ALLOWED_HOSTS": "example.org", "DJANGO_SETTINGS_MODULE": "bff.settings"}
    command = [sys.executable, "-c", PRODUCTION]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, timeout=30, check=True)
    responses = [line for line in completed.stdout.splitlines() if line.startswith("response")]
    assert responses == ["response 200 application/json"] * 2
