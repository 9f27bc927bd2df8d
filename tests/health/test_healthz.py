from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.services import ROOT

pytestmark = pytest.mark.urls("health.urls")


def test_alive_is_said_in_the_contracts_shape(client):
    response = client.get("/healthz")
    said = response.json()
    assert response.status_code == 200
    assert list(said) == ["status", "timestamp", "uptime"]
    assert said["status"] == "healthy"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["timestamp"])
    assert isinstance(said["uptime"], int)
    assert response["Cache-Control"] == "no-store"


def test_alive_asks_nothing_of_anyone(client, depends_on):
    asked = []
    depends_on(supabase=lambda: asked.append(1) or {})
    client.get("/healthz")
    assert asked == []


def test_a_draining_worker_is_still_alive(client, drain):
    drain()
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_is_for_reading_only(client, path, depends_on):
    depends_on()
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
    print("answered", response.status_code, response["Content-Type"])
"""


def test_in_production_neither_host_nor_https_nor_accept_header_stands_in_the_way():
    env = {**os.environ, "DEBUG": "0", "ALLOWED_HOSTS": "example.org", "DJANGO_SETTINGS_MODULE": "bff.settings"}
    command = [sys.executable, "-c", PRODUCTION]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, timeout=30, check=True)
    answers = [line for line in done.stdout.splitlines() if line.startswith("answered")]
    assert answers == ["answered 200 application/json"] * 2
