"""Who is calling: tokens, visitors, and forms that others forge."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.test import Client

from bff import auth
from tests.services import HOST

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


class Project(ThreadingHTTPServer):
    """A Supabase project that publishes its keys, or is away."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), PublishKeys)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.kid = "first"
        self.is_away = False
        Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def token(self, algorithm: str = "ES256", key: object = None, **header: str) -> str:
        claims = {"sub": "user-1", "aud": "authenticated", "iss": f"{self.url}/auth/v1", "exp": time.time() + 60}
        return jwt.encode(claims, key or self.key, algorithm, headers={"kid": self.kid, **header})

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"


class PublishKeys(BaseHTTPRequestHandler):
    server: Project

    def do_GET(self) -> None:
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.server.key.public_key(), as_dict=True)
        self.send_response(503 if self.server.is_away else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"keys": [{**public, "kid": self.server.kid, "use": "sig"}]}).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def project(settings, monkeypatch):
    running = Project()
    settings.SUPABASE_URL = running.url
    settings.SUPABASE_JWT_SECRET = ""
    monkeypatch.setattr(auth, "_verifier", auth.TokenVerifier())
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def later(monkeypatch):
    """Moves the verifier's clock."""

    def move(seconds: float) -> None:
        now = time.monotonic() + seconds
        monkeypatch.setattr("time.monotonic", lambda: now)

    return move


def test_keys_are_fetched_from_the_project(project):
    assert call(project.token()) == 200


def test_a_published_key_is_good_for_its_own_algorithm_alone(project):
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert call(project.token("RS256", rsa_key)) == 401


def test_while_the_project_is_away_nobody_is_told_that_their_token_is_wrong(project, later):
    project.is_away = True
    reply = Client().get("/api/chat/conversations", headers={"Authorization": f"Bearer {project.token()}"})
    assert reply.status_code == 503
    assert int(reply["Retry-After"]) > 0
    assert reply["Content-Type"] == "application/problem+json"
    assert call("not-a-token") == 401
    project.is_away = False
    assert call(project.token()) == 503  # not asked again at once: that would hold everybody up
    later(auth.PublishedKeys.PAUSE_SECONDS + 1)
    assert call(project.token()) == 200


def test_the_last_keys_stay_in_force_while_the_project_is_away(project, later):
    assert call(project.token()) == 200
    project.is_away = True
    later(auth.PublishedKeys.LIFESPAN_SECONDS + 1)
    assert call(project.token()) == 200


def test_a_key_that_was_taken_out_lapses(project, later):
    old = project.token()
    assert call(old) == 200
    project.key, project.kid = ec.generate_private_key(ec.SECP256R1()), "second"
    later(auth.PublishedKeys.LIFESPAN_SECONDS + 1)
    assert call(old) == 401
    assert call(project.token()) == 200


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
