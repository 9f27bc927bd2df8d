"""Who is calling: visitors, and forms that others forge. Tokens are in test_tokens.py."""

from __future__ import annotations

import pytest
from django.test import Client

from bff import auth

pytestmark = pytest.mark.django_db(transaction=True)


def test_visitors_are_known_by_their_cookie_and_only_see_their_own(visitor, another_visitor, ai):
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


def test_visitors_may_be_turned_away(visitor, settings):
    settings.ALLOW_ANONYMOUS = False
    assert visitor.ask("Bonjour").status_code == 401


def test_a_form_forged_on_another_site_is_refused(ai):
    browser = Client(enforce_csrf_checks=True)
    first = browser.post("/api/chat/message", {"message": "Bonjour"}, content_type="application/json")
    assert first.status_code == 200  # no cookie yet: nobody's identity can be misused
    forged = browser.post("/api/chat/message", {"message": "Bonjour"}, content_type="application/json")
    assert forged.status_code == 403
    assert forged["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/chat/message", "/"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example"])
def test_another_site_can_not_replace_a_visitor_by_a_new_one(ai, origin, path):
    """A Lax cookie stays at home when another site sends a form."""
    browser = Client(enforce_csrf_checks=True)
    reply = browser.post(path, {"message": "a"}, content_type="application/json", headers={"Origin": origin})
    assert reply.status_code == 403
    assert "visitor" not in reply.cookies
    assert ai.calls == 0


@pytest.mark.parametrize("origin", ["http://testserver", "https://app.example"])
def test_our_own_and_the_allowed_sites_may_bring_new_visitors(ai, settings, monkeypatch, origin):
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example"]
    monkeypatch.setattr(auth, "_csrf", type(auth._csrf)(auth._csrf.get_response))
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


def test_a_user_id_in_a_body_is_never_believed(visitor, another_visitor, ai):
    visitor.ask("Bonjour", userId="somebody-else")
    assert len(visitor.get("/api/chat/conversations").json()["items"]) == 1
