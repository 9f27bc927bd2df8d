"""Behaviour specific to production: HTTPS, error pages without DEBUG, static files without collectstatic."""

from __future__ import annotations

import json
import re

import pytest
import requests

from bff import machine
from observability import build
from tests.support.server import Server
from tests.support.services import HOST

HTTPS = {"X-Forwarded-Proto": "https"}
APP = "https://app.example"


@pytest.fixture
def production(ai, few_entries):
    instance = Server(DEBUG="0", ALLOWED_HOSTS=HOST, CORS_ALLOWED_ORIGINS=APP)
    yield instance
    instance.stop()


def test_production_serves_pages_static_files_and_error_pages(production):
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


def test_the_start_logs_the_number_of_workers_and_what_they_may_use(production):
    started = [line for line in map(json.loads, production.lines()) if line["message"] == "Starting workers"]
    usable = machine.Capacity()
    told = [(line["workers"], line["cores"], line["memoryMb"]) for line in started]
    assert told == [(1, usable.cores(), usable.memory_mb())]


def test_the_start_logs_which_system_checks_warn(production):
    warnings = [line for line in map(json.loads, production.lines()) if line["message"].startswith("System check")]
    assert [(line["level"], line["code"]) for line in warnings] == [("warning", "chat.W002")]


def test_an_instance_names_its_version_and_commit(production):
    info = f'bff_build_info{{commit="{build.commit()}",version="{build.VERSION}"}} 1.0'
    assert info in production.get("/metrics", headers=HTTPS).text.splitlines()
    assert production.get("/readyz", headers=HTTPS).json()["version"] == build.full_version()


def test_visitors_keep_their_conversations_when_the_key_is_replaced(ai, few_entries):
    old, new = "old-key-" * 8, "new-key-" * 8
    before, after = Server(SECRET_KEY=old), Server(SECRET_KEY=new, SECRET_KEY_FALLBACKS=old)
    try:
        browser = before.visitor()
        browser.post(f"{before.url}/api/chat/message", json={"message": "Bonjour"}, timeout=60).raise_for_status()
        assert len(browser.get(f"{after.url}/api/chat/conversations", timeout=60).json()["items"]) == 1
    finally:
        before.stop()
        after.stop()


def test_production_sets_security_headers_and_cookie_flags(production):
    page = production.get("/", headers=HTTPS)
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    cookies = {cookie.split("=")[0]: cookie for cookie in page.raw.headers.getlist("Set-Cookie")}
    assert all("Secure" in cookie for cookie in cookies.values())
    assert set(cookies) == {"__Host-visitor", "__Host-csrftoken"}
    assert all("Path=/" in cookie and "Domain" not in cookie for cookie in cookies.values())
    assert "HttpOnly" in cookies["__Host-visitor"]
    assert "SameSite=Lax" in cookies["__Host-visitor"]


def test_only_the_allowed_origin_gets_cors_headers(production):
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    origins = {
        APP: APP,
        "https://app.example.evil.example": None,
        "https://evil.example": None,
        "http://app.example": None,
        "https://sub.app.example": None,
        "null": None,
    }
    for origin, allowed in origins.items():
        headers = {**HTTPS, **preflight, "Origin": origin}
        reply = requests.options(f"{production.url}/api/chat/message", headers=headers, timeout=30)
        assert reply.headers.get("Access-Control-Allow-Origin") == allowed
        assert "Access-Control-Allow-Credentials" not in reply.headers
