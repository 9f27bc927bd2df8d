"""All errors have one format, whether Django, ninja or our code raises them."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client

from observability import metrics
from tests.support.outages import UnreachableDatabase

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = "/api/chat/analyze-document"


@pytest.fixture
def known():
    """A visitor with both cookies and the CSRF header that the page sends."""
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.get("/")
    browser.defaults["HTTP_X_CSRFTOKEN"] = browser.cookies["csrftoken"].value
    return browser


@pytest.fixture
def stranger():
    return Client(raise_request_exception=False)


@pytest.fixture(params=["known", "stranger"])
def anybody(request):
    return request.getfixturevalue(request.param)


def check(reply, status):
    assert reply.status_code == status
    assert reply["Content-Type"] == "application/problem+json"
    assert reply.json()["correlationId"] == reply["X-Correlation-ID"]


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", ["/api/nowhere", "/api/chat", "/api/chat/a/b/c", "/api/"])
def test_an_unknown_path_below_api_is_a_problem(stranger, settings, path, debug):
    settings.DEBUG = debug
    check(stranger.get(path), 404)


def test_a_wrong_method_lists_the_allowed_ones(stranger):
    reply = stranger.put("/api/chat/message")
    check(reply, 405)
    assert reply["Allow"] == "POST"


def test_openai_routes_have_openais_error_format(stranger):
    wrong, unknown = stranger.get("/v1/chat/completions"), stranger.get("/v1/nowhere")
    assert (wrong.status_code, wrong["Allow"]) == (405, "POST")
    assert wrong.json()["error"]["type"] == "invalid_request_error"
    assert unknown.status_code == 404
    assert unknown.json()["error"]["type"] == "not_found_error"


def test_errors_of_pages_stay_html(stranger):
    assert stranger.get("/nowhere")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/chat/circuitbreaker/"])
def test_a_page_without_its_database_says_so(stranger, monkeypatch, path):
    errors = metrics.UNEXPECTED_ERRORS.labels("request")
    before = errors._value.get()
    stranger.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    connections.close_all()
    UnreachableDatabase(monkeypatch)
    form = {"username": "someone", "password": "something"}
    reply = stranger.post(path, form, headers={"Accept-Language": "fr"})
    assert (reply.status_code, reply["Retry-After"]) == (503, "5")
    assert "Cette page n’est pas disponible pour l’instant" in reply.content.decode()
    assert errors._value.get() == before


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("path", ["/api/chat/message", "/api/chat/feedback"])
def test_a_body_with_another_media_type_than_json_is_415(anybody, ai, kind, path):
    check(anybody.generic("POST", path, b'{"message": "Bonjour"}', content_type=kind), 415)
    assert ai.calls == 0


def test_a_form_without_a_boundary_is_400(anybody):
    check(anybody.generic("POST", DOCUMENT, b"abc", content_type="multipart/form-data"), 400)


@pytest.mark.parametrize("debug", [False, True])
def test_a_field_that_is_too_large_is_413(anybody, settings, debug):
    settings.DEBUG = debug
    form = {"file": SimpleUploadedFile("a.txt", b"Bonjour"), "documentType": "x" * 600_000}
    check(anybody.post(DOCUMENT, form), 413)


def test_pasted_text_may_have_512_kb_and_a_file_10_mb(anybody, ai):
    text = "Bonjour. " * 70_000
    headers = {"Accept-Language": "en"}
    reply = anybody.post(DOCUMENT, {"document": text}, content_type="application/json", headers=headers)
    check(reply, 413)
    assert "as a file" in reply.json()["detail"]
    assert anybody.post(DOCUMENT, {"file": SimpleUploadedFile("a.txt", text.encode())}).status_code == 200
    check(anybody.post(DOCUMENT, {"file": SimpleUploadedFile("a.txt", b"x" * (10 * 1024 * 1024 + 1))}), 413)


def test_a_misspelt_key_does_not_delete_everything(visitor, ai):
    visitor.ask("Bonjour")
    check(visitor.delete("/api/chat/reset", {"conversationID": "abc"}, content_type="application/json"), 422)
    assert len(visitor.get("/api/chat/conversations").json()["items"]) == 1


def test_allowed_origins_may_send_and_read_the_relevant_headers(settings, stranger):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    allowed = stranger.options("/api/chat/stream", headers=preflight)["Access-Control-Allow-Headers"]
    assert {"x-correlation-id", "last-event-id", "authorization", "content-type", "x-csrftoken"} <= set(
        allowed.split(", ")
    )
    exposed = stranger.get("/api/chat/conversations", headers=preflight)["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Correlation-ID", "X-Cache", "X-Degraded", "Server-Timing", "Retry-After"} <= set(exposed)
    assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} <= set(exposed)


def test_the_api_documentation_loads_no_external_scripts(stranger):
    page = stranger.get("/api/docs")
    assert page.status_code == 200
    assert b"https://" not in page.content
    assert b"<script>" not in page.content
    assert "default-src 'self'" in page["Content-Security-Policy"]
