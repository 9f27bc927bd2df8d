"""Who is calling: tokens, visitors, and forms that others forge."""

from __future__ import annotations

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from bff import auth

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "a-project-secret-of-at-least-32-bytes"
ISSUER = "https://project.example/auth/v1"


@pytest.fixture
def supabase(settings, monkeypatch):
    settings.SUPABASE_URL = "https://project.example"
    settings.SUPABASE_JWT_SECRET = SECRET
    monkeypatch.setattr(auth, "_verifier", auth.TokenVerifier())


def token(key=SECRET, algorithm="HS256", **changes) -> str:
    claims = {"sub": "user-1", "aud": "authenticated", "iss": ISSUER, "exp": time.time() + 60, **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


def call(bearer: str) -> int:
    return Client().get("/api/chat/conversations", headers={"Authorization": f"Bearer {bearer}"}).status_code


def test_a_valid_token_is_accepted(supabase):
    assert call(token()) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"aud": "anon"},
        {"aud": None},
        {"iss": "https://elsewhere.example/auth/v1"},
        {"nbf": 4_000_000_000},
    ],
)
def test_a_token_that_claims_otherwise_is_refused(supabase, changes):
    assert call(token(**changes)) == 401


def test_forged_tokens_are_refused(supabase):
    forged = {
        "another secret": token("another-secret-of-at-least-32-bytes!"),
        "no signature": token(None, "none"),
        "another algorithm": token(SECRET * 2, "HS512"),
        "not a token": "abc",
        "nothing": "",
    }
    assert {name: call(bearer) for name, bearer in forged.items()} == dict.fromkeys(forged, 401)


def test_a_refusal_says_how_to_sign_in_and_nothing_of_the_token(supabase):
    reply = Client().get("/api/chat/conversations", headers={"Authorization": "Bearer secret-in-here"})
    assert reply["WWW-Authenticate"] == "Bearer"
    assert b"secret-in-here" not in reply.content


def test_keys_are_fetched_from_the_project_and_an_unreachable_project_is_a_refusal(settings, monkeypatch):
    settings.SUPABASE_URL = "http://127.0.0.1:9"  # the discard port: nobody listens
    monkeypatch.setattr(auth, "_verifier", auth.TokenVerifier())
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert call(token(rsa_key, "RS256", iss="http://127.0.0.1:9/auth/v1")) == 401


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
