"""Visitors and CSRF protection. Access tokens: test_jwt_verifier.py."""

from __future__ import annotations

import pytest
from django.test import Client

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


def test_without_allow_anonymous_visitors_get_401(visitor, settings):
    settings.ALLOW_ANONYMOUS = False
    assert visitor.ask("Bonjour").status_code == 401


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
