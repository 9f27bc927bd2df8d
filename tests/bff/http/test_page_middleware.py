"""Pages run through Django's page middlewares; API and operations routes skip them."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client

pytestmark = pytest.mark.django_db(transaction=True)

NON_PAGES = ("/v1/models", "/api/chat/conversations", "/healthz", "/readyz", "/metrics")
PAGE_HEADERS = ("Content-Security-Policy", "X-Frame-Options", "Content-Encoding", "Content-Language")
REQUEST_HEADERS = {"Accept-Encoding": "gzip", "Accept-Language": "en"}


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def test_what_is_personal_is_stored_by_no_cache(visitor, ai):
    body = {"model": "x", "messages": [{"role": "user", "content": "Bonjour"}]}
    replies = [
        visitor.ask("Bonjour"),
        visitor.stream("Bonjour"),
        visitor.post_json("/v1/chat/completions", body | {"stream": True}),
        visitor.get("/api/chat/conversations"),
        visitor.post("/", {"message": "Bonjour"}),
        visitor.get("/admin/login/"),
    ]
    assert [reply.status_code for reply in replies] == [200] * len(replies)
    assert all("no-store" in reply["Cache-Control"] for reply in replies)


def test_a_page_has_the_headers_of_all_page_middlewares(browser):
    page = browser.get("/", headers=REQUEST_HEADERS)
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"
    assert page["Content-Encoding"] == "gzip"
    assert page["Content-Language"] == "en"
    assert int(page["Content-Length"]) == len(page.content)
    varies = {name.strip().lower() for name in page["Vary"].split(",")}
    assert {"cookie", "accept-language", "accept-encoding"} <= varies
    assert browser.cookies["csrftoken"].value


def test_a_form_without_a_csrf_token_is_refused(browser, ai):
    assert browser.get("/").status_code == 200
    assert browser.post("/", {"message": "Bonjour"}).status_code == 403


def test_the_admin_has_authentication_and_messages(admin_client):
    response = admin_client.post("/admin/auth/group/add/", {"name": "Operators"}, follow=True)
    assert response.context["user"].is_superuser
    assert ["Operators" in str(message) for message in response.context["messages"]] == [True]


def test_a_page_without_its_trailing_slash_redirects(browser):
    assert browser.get("/admin", follow=False)["Location"] == "/admin/"


@pytest.mark.parametrize("path", NON_PAGES)
def test_other_routes_skip_page_middlewares_and_have_a_content_length(browser, path):
    reply = browser.get(path, headers=REQUEST_HEADERS)
    assert reply.status_code == 200
    assert not [name for name in PAGE_HEADERS if name in reply]
    assert "sessionid" not in reply.cookies
    assert "csrftoken" not in reply.cookies
    assert int(reply["Content-Length"]) == len(reply.content)


def test_an_error_in_a_page_middleware_gives_a_500_and_leaves_api_routes_working(browser, monkeypatch):
    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr("django.middleware.locale.LocaleMiddleware.process_request", broken)
    page = browser.get("/", headers=REQUEST_HEADERS)
    assert page.status_code == 500
    assert page["Content-Encoding"] == "gzip"  # by a middleware further out
    assert browser.get("/v1/models").status_code == 200


def test_djangos_system_checks_find_nothing():
    call_command("check", fail_level="WARNING")
