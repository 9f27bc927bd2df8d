"""Visitors and CSRF protection. Access tokens: test_jwt_verifier.py."""

from __future__ import annotations

import time
from unittest.mock import patch

import pytest
from django.core import signing
from django.test import Client

from bff.identity.middleware import VISITOR_SALT
from tests.conftest import ChatClient
from tests.support.outages import break_database

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_cookie_identifies_a_visitor_who_sees_only_their_own_conversations(visitor, another_visitor, ai):
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    assert visitor.cookies["visitor"]["httponly"]
    assert visitor.cookies["visitor"]["samesite"] == "Lax"
    path = f"/api/chat/history?conversationId={conversation}"
    assert visitor.get(path).status_code == 200
    assert another_visitor.get(path).status_code == 404


def test_a_tampered_cookie_is_a_new_visitor(visitor, ai):
    visitor.ask("Bonjour")
    visitor.cookies["visitor"] = visitor.cookies["visitor"].value[:-2] + "xx"
    assert visitor.get("/api/chat/conversations").json()["items"] == []


def visitor_since(days: int) -> ChatClient:
    """A visitor whose cookie was set so many days ago."""
    client = ChatClient()
    with patch("time.time", return_value=time.time() - days * 86_400):
        client.cookies["visitor"] = signing.dumps("visitor-1", salt=VISITOR_SALT)
    return client


@pytest.mark.parametrize("days", [31, 364])
def test_the_page_sets_the_cookie_of_a_visitor_who_comes_back_anew(days):
    reply = visitor_since(days).get("/")
    assert signing.loads(reply.cookies["visitor"].value, salt=VISITOR_SALT, max_age=60) == "visitor-1"
    assert reply.cookies["visitor"]["max-age"] == 365 * 86_400


@pytest.mark.parametrize(("days", "path"), [(29, "/"), (31, "/api/chat/conversations")])
def test_a_cookie_is_not_set_anew_within_a_month_nor_by_other_requests(days, path):
    assert "visitor" not in visitor_since(days).get(path).cookies


def test_a_cookie_that_may_be_a_claimed_visitors_is_not_set_anew_while_the_database_is_away(monkeypatch):
    break_database(monkeypatch)
    assert "visitor" not in visitor_since(31).get("/").cookies


def test_a_cookie_that_was_not_renewed_for_a_year_is_a_new_visitor():
    reply = visitor_since(366).get("/")
    assert signing.loads(reply.cookies["visitor"].value, salt=VISITOR_SALT) != "visitor-1"


def test_without_allow_anonymous_visitors_get_401(visitor, settings):
    settings.ALLOW_ANONYMOUS = False
    assert visitor.ask("Bonjour").status_code == 401


@pytest.mark.parametrize("credentials", ["Basic c3RhZ2luZzpnYXRl", "basic x", "Digest username=a", "Negotiate abc"])
def test_the_password_of_a_gate_in_front_leaves_a_visitor_a_visitor(visitor, ai, credentials):
    headers = {"Authorization": credentials}
    assert visitor.get("/", headers=headers).status_code == 200
    assert visitor.post_json("/api/chat/message", {"message": "Bonjour"}, headers=headers).status_code == 200
    assert visitor.get("/api/chat/conversations", headers={"Authorization": "Token abc"}).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic c3RhZ2luZzpnYXRl"}, {"Authorization": "Bearer abc"}])
@pytest.mark.parametrize(("language", "words"), [("fr", "Connectez-vous"), ("en", "Please sign in")])
def test_without_visitors_the_page_says_in_the_browsers_language_to_sign_in(
    visitor, settings, headers, language, words
):
    settings.ALLOW_ANONYMOUS = False
    reply = visitor.get("/", headers={"Accept": "text/html", "Accept-Language": language, **headers})
    assert (reply.status_code, reply["WWW-Authenticate"]) == (401, "Bearer")
    assert reply["Content-Type"].startswith("text/html")
    assert words in reply.content.decode()
    assert visitor.get("/api/chat/conversations", headers=headers)["Content-Type"] == "application/problem+json"


def test_a_page_of_too_many_invalid_tokens_is_a_page(visitor, settings):
    settings.RATE_LIMIT_DEFAULT = "1/minute"
    replies = [visitor.get("/", headers={"Authorization": "Bearer abc", "Accept-Language": "fr"}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [401, 429]
    assert "instant" in replies[1].content.decode()
    assert int(replies[1]["Retry-After"]) >= 1


def test_a_form_forged_on_another_site_is_refused(ai):
    browser = Client(enforce_csrf_checks=True)
    first = browser.post("/api/chat/message", {"message": "Bonjour"}, content_type="application/json")
    assert first.status_code == 200  # no cookie yet, so no identity to misuse
    forged = browser.post("/api/chat/message", {"message": "Bonjour"}, content_type="application/json")
    assert forged.status_code == 403
    assert forged["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/chat/message", "/"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example"])
def test_a_form_of_another_site_does_not_replace_the_visitor_cookie(ai, origin, path):
    """The browser doesn't send a Lax cookie with another site's form."""
    browser = Client(enforce_csrf_checks=True)
    reply = browser.post(path, {"message": "a"}, content_type="application/json", headers={"Origin": origin})
    assert reply.status_code == 403
    assert "visitor" not in reply.cookies
    assert ai.calls == 0


@pytest.mark.parametrize("origin", ["http://testserver", "https://app.example"])
def test_requests_from_trusted_origins_create_new_visitors(ai, settings, origin):
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example"]
    reply = Client().post(
        "/api/chat/message", {"message": "Bonjour"}, content_type="application/json", headers={"Origin": origin}
    )
    assert reply.status_code == 200
    assert "visitor" in reply.cookies


def test_our_own_page_may_send_forms(ai):
    browser = Client(enforce_csrf_checks=True)
    browser.get("/")
    reply = browser.post(
        "/api/chat/message",
        {"message": "Bonjour"},
        content_type="application/json",
        headers={"X-CSRFToken": browser.cookies["csrftoken"].value},
    )
    assert reply.status_code == 200


def test_a_user_id_in_a_body_is_ignored(visitor, another_visitor, ai):
    visitor.ask("Bonjour", userId="somebody-else")
    assert len(visitor.get("/api/chat/conversations").json()["items"]) == 1
