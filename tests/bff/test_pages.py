"""Pages go through Django's layers for them, programs past all of them."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client

pytestmark = pytest.mark.django_db(transaction=True)

FOR_PROGRAMS = ("/v1/models", "/api/chat/conversations", "/healthz", "/readyz", "/metrics")
OF_PAGES = ("Content-Security-Policy", "X-Frame-Options", "Content-Encoding", "Content-Language")
COMPRESSED = {"Accept-Encoding": "gzip", "Accept-Language": "en"}


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def test_a_page_has_all_that_its_layers_give(browser):
    page = browser.get("/", headers=COMPRESSED)
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"
    assert page["Content-Encoding"] == "gzip"
    assert page["Content-Language"] == "en"
    assert int(page["Content-Length"]) == len(page.content)
    varies = {name.strip().lower() for name in page["Vary"].split(",")}
    assert {"cookie", "accept-language", "accept-encoding"} <= varies
    assert browser.cookies["csrftoken"].value


def test_a_page_takes_no_form_without_its_token(browser, ai):
    assert browser.get("/").status_code == 200
    assert browser.post("/", {"message": "Bonjour"}).status_code == 403


def test_the_admin_knows_who_is_signed_in_and_says_what_it_did(admin_client):
    shown = admin_client.post("/admin/auth/group/add/", {"name": "Operators"}, follow=True)
    assert shown.context["user"].is_superuser
    assert ["Operators" in str(message) for message in shown.context["messages"]] == [True]


def test_a_page_that_wants_a_slash_is_found_without(browser):
    assert browser.get("/admin", follow=False)["Location"] == "/admin/"


@pytest.mark.parametrize("path", FOR_PROGRAMS)
def test_programs_are_spared_all_that_and_told_the_length(browser, path):
    reply = browser.get(path, headers=COMPRESSED)
    assert reply.status_code == 200
    assert not [name for name in OF_PAGES if name in reply]
    assert "sessionid" not in reply.cookies
    assert "csrftoken" not in reply.cookies
    assert int(reply["Content-Length"]) == len(reply.content)


def test_a_layer_that_fails_is_answered_for_like_any_other(browser, monkeypatch):
    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr("django.middleware.locale.LocaleMiddleware.process_request", broken)
    page = browser.get("/", headers=COMPRESSED)
    assert page.status_code == 500
    assert page["Content-Encoding"] == "gzip"  # by a layer further out
    assert browser.get("/v1/models").status_code == 200


def test_django_finds_nothing_to_say_against_it():
    call_command("check", fail_level="WARNING")
