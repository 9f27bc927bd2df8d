"""Access tokens: valid, expired, forged, with confused algorithms or rotated keys; keys available and unavailable."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client

from bff.identity import middleware
from bff.identity.jwks import PublishedKeys
from bff.identity.jwt_verifier import LEEWAY_SECONDS
from tests.support.supabase import SECRET, Project

OK, NO, UNAVAILABLE = 200, 401, 503
FOREIGN_KEY = ec.generate_private_key(ec.SECP256R1())


def encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hand_made(project: Project, header: Any, claims: Any = None, secret: bytes = SECRET.encode()) -> str:
    """A token signed with HS256 under any header."""
    content = f"{encoded(header)}.{encoded(project.claims() if claims is None else claims)}"
    return f"{content}.{encoded(hmac.digest(secret, content.encode(), hashlib.sha256))}"


def public_pem(project: Project, kid: str) -> bytes:
    return project.keys[kid].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def with_other_claims(token: str, project: Project) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{encoded(project.claims(sub='somebody-else'))}.{signature}"


def foreign_token(project: Project, **header: Any) -> str:
    return jwt.encode(project.claims(), FOREIGN_KEY, "ES256", headers=header)


# Description → token, and the status it gets: with the keys available, with the project unavailable after the keys were
# fetched, and with the project unavailable from the start.
TOKENS: dict[str, tuple[Callable[[Project], str], int, int, int]] = {
    # signed with the project's secret
    "valid": (lambda p: p.token(), OK, OK, OK),
    "for several audiences": (lambda p: p.token(aud=["x", "authenticated"]), OK, OK, OK),
    "expired": (lambda p: p.token(exp=time.time() - 60), NO, NO, NO),
    "expired within the leeway": (lambda p: p.token(exp=time.time() - 2), OK, OK, OK),
    "never expires": (lambda p: p.token(exp=None), NO, NO, NO),
    "expiry is not a number": (lambda p: p.token(exp="tomorrow"), NO, NO, NO),
    "not valid yet": (lambda p: p.token(nbf=time.time() + 60), NO, NO, NO),
    "valid soon, within the leeway": (lambda p: p.token(nbf=time.time() + 2), OK, OK, OK),
    "issued in the future": (lambda p: p.token(iat=time.time() + 86400), NO, NO, NO),
    "for another audience": (lambda p: p.token(aud="anon"), NO, NO, NO),
    "for no audience": (lambda p: p.token(aud=None), NO, NO, NO),
    "from another issuer": (lambda p: p.token(iss="https://elsewhere.example/auth/v1"), NO, NO, NO),
    "from an issuer that begins like ours": (lambda p: p.token(iss=f"{p.url}/auth/v1/x"), NO, NO, NO),
    "from no issuer": (lambda p: p.token(iss=None), NO, NO, NO),
    "of a signed-in person without an address": (lambda p: p.token(is_anonymous=True), OK, OK, OK),
    "without a role": (lambda p: p.token(role=None), NO, NO, NO),
    "role of the public key": (lambda p: p.token(role="anon"), NO, NO, NO),
    "role of the server": (lambda p: p.token(role="service_role"), NO, NO, NO),
    "role of one's own": (lambda p: p.token(role="authenticated_admin"), NO, NO, NO),
    "a list of roles": (lambda p: p.token(role=["authenticated"]), NO, NO, NO),
    "without a subject": (lambda p: p.token(sub=None), NO, NO, NO),
    "empty subject": (lambda p: p.token(sub=""), NO, NO, NO),
    "numeric subject": (lambda p: p.token(sub=12), NO, NO, NO),
    "subject too long": (lambda p: p.token(sub="a" * 81), NO, NO, NO),
    "subject of a visitor": (lambda p: p.token(sub="visitor-1"), NO, NO, NO),
    "subject of an API key": (lambda p: p.token(sub="key-1"), NO, NO, NO),
    "subject with a line break": (lambda p: p.token(sub="a\nb"), NO, NO, NO),
    "the anon key of the project": (
        lambda p: jwt.encode({"iss": "supabase", "role": "anon", "exp": time.time() + 60}, SECRET, "HS256"),
        *(NO, NO, NO),
    ),
    # forged
    "another secret": (lambda p: jwt.encode(p.claims(), SECRET[::-1], "HS256"), NO, NO, NO),
    "no algorithm": (lambda p: jwt.encode(p.claims(), "", "none"), NO, NO, NO),
    "algorithm NONE in capitals": (lambda p: hand_made(p, {"alg": "NONE"}), NO, NO, NO),
    "header without an algorithm": (lambda p: hand_made(p, {"typ": "JWT"}), NO, NO, NO),
    "a list of algorithms": (lambda p: hand_made(p, {"alg": ["HS256"]}), NO, NO, NO),
    "HS512 instead of HS256": (lambda p: jwt.encode(p.claims(), SECRET * 2, "HS512"), NO, NO, NO),
    "no signature": (lambda p: p.token().rpartition(".")[0] + ".", NO, NO, NO),
    "half a signature": (lambda p: p.token()[:-20], NO, NO, NO),
    "changed claims with the original signature": (lambda p: with_other_claims(p.token(), p), NO, NO, NO),
    "unknown critical header": (lambda p: hand_made(p, {"alg": "HS256", "crit": ["x"], "x": 1}), NO, NO, NO),
    "detached claims": (lambda p: hand_made(p, {"alg": "HS256", "b64": False}), NO, NO, NO),
    "claims that are no object": (lambda p: hand_made(p, {"alg": "HS256"}, ["sub"]), NO, NO, NO),
    "deeply nested header": (
        lambda p: hand_made(p, b'{"alg":"HS256","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        *(NO, NO, NO),
    ),
    "one part": (lambda p: "abc", NO, NO, NO),
    "five parts": (lambda p: "a.b.c.d.e", NO, NO, NO),
    "empty token": (lambda p: "", NO, NO, NO),
    # signed with a published key
    "elliptic": (lambda p: p.token("elliptic"), OK, OK, UNAVAILABLE),
    "classic": (lambda p: p.token("classic"), OK, OK, UNAVAILABLE),
    "elliptic and expired": (lambda p: p.token("elliptic", exp=1), NO, NO, UNAVAILABLE),
    "elliptic, for another audience": (lambda p: p.token("elliptic", aud="anon"), NO, NO, UNAVAILABLE),
    "rotated, and not published yet": (lambda p: p.token("next"), NO, UNAVAILABLE, UNAVAILABLE),
    "signed with a key, without a key id": (
        lambda p: jwt.encode(p.claims(), p.keys["elliptic"], "ES256"),
        NO,
        UNAVAILABLE,
        UNAVAILABLE,
    ),
    # confused
    "the public key used as HS256 secret": (
        lambda p: hand_made(p, {"alg": "HS256", "kid": "elliptic"}, secret=public_pem(p, "elliptic")),
        *(NO, NO, NO),
    ),
    "signed with the secret, with a public key's id": (
        lambda p: hand_made(p, {"alg": "RS256", "kid": "classic"}),
        NO,
        NO,
        UNAVAILABLE,
    ),
    "signed with one key, with another key's id": (
        lambda p: jwt.encode(p.claims(), p.keys["classic"], "RS256", headers={"kid": "elliptic"}),
        *(NO, NO, UNAVAILABLE),
    ),
    "foreign key with a known id": (lambda p: foreign_token(p, kid="elliptic"), NO, NO, UNAVAILABLE),
    "foreign key embedded in the header": (
        lambda p: foreign_token(
            p, kid="mine", jwk=jwt.algorithms.ECAlgorithm.to_jwk(FOREIGN_KEY.public_key(), as_dict=True)
        ),
        *(NO, UNAVAILABLE, UNAVAILABLE),
    ),
    "foreign key URL in the header": (
        lambda p: foreign_token(p, kid="mine", jku=f"{p.url}/mine", x5u=f"{p.url}/mine"),
        *(NO, UNAVAILABLE, UNAVAILABLE),
    ),
    "a file path as key id": (lambda p: foreign_token(p, kid="../../dev/null"), NO, UNAVAILABLE, UNAVAILABLE),
    "same key with another padding": (
        lambda p: jwt.encode(p.claims(), p.keys["classic"], "PS256", headers={"kid": "classic"}),
        *(NO, NO, NO),
    ),
}


@pytest.fixture(autouse=True)
def _as_shipped(settings):
    settings.OPENAI_ALLOW_ANONYMOUS = False  # open, it takes what has not the shape of a token for a visitor's


def call(bearer: str) -> int:
    """The status that a request with this token gets, from a route that needs no database."""
    browser = Client(raise_request_exception=False)
    return browser.get("/v1/models", headers={"Authorization": f"Bearer {bearer}"}).status_code


@pytest.mark.parametrize("what", TOKENS)
def test_status_of_a_token_with_the_keys_available(project, what):
    make, expected, _, _ = TOKENS[what]
    assert call(make(project)) == expected


@pytest.mark.parametrize("what", TOKENS)
def test_status_of_a_token_with_the_project_unavailable_after_the_keys_were_fetched(project, advance, what):
    make, _, expected, _ = TOKENS[what]
    assert call(project.token("elliptic")) == OK
    project.is_unavailable = True
    advance(PublishedKeys.MIN_FETCH_INTERVAL_SECONDS + 1)
    assert call(make(project)) == expected


@pytest.mark.parametrize("what", TOKENS)
def test_status_of_a_token_with_the_project_unavailable_from_the_start(project, what):
    make, _, _, expected = TOKENS[what]
    project.is_unavailable = True
    assert call(make(project)) == expected


@pytest.fixture
def advance(monkeypatch):
    """Advances the monotonic clock, which the key cache uses."""
    began = time.monotonic()
    passed = 0.0

    def move(seconds: float) -> None:
        nonlocal passed
        passed += seconds
        monkeypatch.setattr("time.monotonic", lambda: began + passed)

    return move


@pytest.fixture
def move_wall_clock(monkeypatch):
    """Moves the wall clock, by which tokens expire."""

    def move(seconds: float) -> None:
        there = time.time() + seconds

        class Moved(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Moved:
                return cls.fromtimestamp(there, tz)

        monkeypatch.setattr("time.time", lambda: there)
        monkeypatch.setattr("jwt.api_jwt.datetime", Moved)

    return move


@pytest.fixture
def verified(monkeypatch):
    """The tokens that were verified in full, in order."""
    tokens: list[str] = []
    decode = jwt.decode

    def recording_decode(token: str, *args: Any, **options: Any) -> Any:
        tokens.append(token)
        return decode(token, *args, **options)

    monkeypatch.setattr("bff.identity.jwt_verifier.jwt.decode", recording_decode)
    return tokens


@pytest.mark.parametrize("kid", [None, "elliptic", "classic"])
def test_a_verified_token_is_cached(project, verified, kid):
    tokens = [project.token(kid, sub=f"user-{number}") for number in range(3)]
    assert [middleware._verifier.subject(token) for token in tokens * 3] == ["user-0", "user-1", "user-2"] * 3
    assert verified == tokens


@pytest.mark.parametrize("kid", [None, "elliptic"])
def test_a_cached_token_is_refused_after_it_expires(project, move_wall_clock, kid):
    token = project.token(kid)
    assert [call(token), call(token)] == [OK, OK]
    move_wall_clock(60 + LEEWAY_SECONDS - 2)  # exp is cut to whole seconds
    assert call(token) == OK
    move_wall_clock(3)
    assert call(token) == NO


def test_a_cached_token_is_verified_again_when_the_clock_was_set_back(project, move_wall_clock):
    token = project.token(nbf=time.time())
    assert call(token) == OK
    move_wall_clock(-LEEWAY_SECONDS - 2)  # nbf is cut to whole seconds
    assert call(token) == NO


def test_a_cached_token_is_refused_after_its_secret_changes(project, settings):
    token = project.token()
    assert call(token) == OK
    settings.SUPABASE_JWT_SECRET = SECRET[::-1]
    assert call(token) == NO
    settings.SUPABASE_JWT_SECRET = ""
    assert call(token) == NO


def test_a_cached_token_is_refused_after_the_key_with_its_id_changes(project, advance, monkeypatch):
    token = project.token("elliptic")
    assert call(token) == OK
    monkeypatch.setitem(project.keys, "elliptic", ec.generate_private_key(ec.SECP256R1()))
    advance(PublishedKeys.MAX_AGE_SECONDS + 1)
    assert call(token) == NO


def test_the_cache_is_bounded_and_holds_neither_refused_tokens_nor_token_text(project, monkeypatch):
    monkeypatch.setattr("bff.identity.jwt_verifier.MAX_CACHED_TOKENS", 2)
    good = [project.token(sub=f"user-{number}") for number in range(4)]
    assert {call(token) for token in good} == {OK}
    assert {call(with_other_claims(token, project)) for token in good} == {NO}
    assert [each.subject for each in middleware._verifier._verified.values()] == ["user-2", "user-3"]
    assert not any(part in repr(middleware._verifier._verified) for part in good[3].split("."))
    assert {call(token) for token in good} == {OK}


def test_without_a_secret_no_token_signed_with_one_is_accepted(project, settings):
    settings.SUPABASE_JWT_SECRET = ""
    assert call(project.token()) == NO
    assert call(hand_made(project, {"alg": "HS256"}, secret=b"")) == NO


def test_without_a_project_url_tokens_with_public_keys_are_refused(project, settings):
    settings.SUPABASE_URL = ""
    assert call(project.token("elliptic")) == NO
    assert call(project.token()) == OK


def test_concurrent_requests_fetch_the_keys_once(project):
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, [project.token("elliptic")] * 24)) == {OK}
    assert project.fetches == 1


def test_made_up_key_ids_do_not_cause_requests_to_the_project(project, advance):
    assert call(project.token("elliptic")) == OK
    forged = [foreign_token(project, kid=f"made-up-{number}") for number in range(20)]
    assert {call(token) for token in forged} == {NO}
    assert project.fetches == 1
    advance(PublishedKeys.MIN_FETCH_INTERVAL_SECONDS + 1)
    assert {call(token) for token in forged} == {NO}
    assert project.fetches == 2


def test_a_new_key_is_fetched_after_the_minimum_interval(project, advance):
    assert call(project.token("elliptic")) == OK
    project.published = {"next", "elliptic"}
    advance(PublishedKeys.MIN_FETCH_INTERVAL_SECONDS + 1)
    assert call(project.token("next")) == OK
    assert call(project.token("elliptic")) == OK


def test_a_removed_key_is_refused_after_an_hour(project, advance):
    old = project.token("elliptic")
    assert call(old) == OK
    project.published = {"next"}
    advance(PublishedKeys.MAX_AGE_SECONDS + 1)
    assert call(old) == NO
    assert call(project.token("next")) == OK


def test_the_last_keys_stay_valid_while_the_project_is_unavailable(project, advance):
    assert call(project.token("elliptic")) == OK
    project.is_unavailable = True
    advance(PublishedKeys.MAX_AGE_SECONDS + 1)
    assert [call(project.token("elliptic")) for _ in range(5)] == [OK] * 5
    assert project.fetches == 2  # one attempt, then none for the minimum interval


def test_a_response_without_keys_is_ignored(project, advance, monkeypatch):
    assert call(project.token("elliptic")) == OK
    monkeypatch.setattr(Project, "jwks", lambda self: {"keys": []})
    advance(PublishedKeys.MAX_AGE_SECONDS + 1)
    assert call(project.token("elliptic")) == OK


def test_while_the_project_is_unavailable_the_status_is_503_and_not_401(project, advance):
    project.is_unavailable = True
    reply = Client().get("/api/chat/conversations", headers={"Authorization": f"Bearer {project.token('elliptic')}"})
    assert reply.status_code == UNAVAILABLE
    assert int(reply["Retry-After"]) > 0
    assert reply["Content-Type"] == "application/problem+json"
    project.is_unavailable = False
    assert call(project.token("elliptic")) == UNAVAILABLE  # no second attempt yet: each would delay all requests
    advance(PublishedKeys.MIN_FETCH_INTERVAL_SECONDS + 1)
    assert call(project.token("elliptic")) == OK


def test_a_401_names_the_scheme_and_does_not_quote_the_token(project):
    reply = Client().get("/api/chat/conversations", headers={"Authorization": "Bearer secret-in-here"})
    assert reply["WWW-Authenticate"] == "Bearer"
    assert b"secret-in-here" not in reply.content


@pytest.mark.parametrize(("scheme", "anonymous"), [("Token", True), ("Token", False), ("Basic", False)])
def test_other_authentication_schemes_are_refused(project, settings, scheme, anonymous):
    """Where visitors are admitted, Basic is a gate's in front: test_middleware.py."""
    settings.ALLOW_ANONYMOUS = anonymous
    assert Client().get("/api/chat/conversations", headers={"Authorization": f"{scheme} YTpi"}).status_code == NO


@pytest.mark.django_db(transaction=True)
def test_subjects_that_differ_only_at_the_end_are_different_people(project, ai):
    long = "a" * 79
    for subject in (f"{long}b", f"{long}c"):
        browser, bearer = Client(), {"Authorization": f"Bearer {project.token(sub=subject)}"}
        browser.post("/api/chat/message", {"message": "Bonjour"}, content_type="application/json", headers=bearer)
        assert len(browser.get("/api/chat/conversations", headers=bearer).json()["items"]) == 1
    assert middleware._verifier.subject(project.token(sub="a" * 80)) == "a" * 80


def test_the_issuer_can_be_set_for_a_custom_domain(project, settings):
    settings.SUPABASE_JWT_ISSUER = "https://auth.example.org/auth/v1"
    assert call(project.token("elliptic", iss="https://auth.example.org/auth/v1")) == OK
    assert call(project.token("elliptic")) == NO


def test_keys_are_fetched_under_our_own_name(project):
    assert call(project.token("elliptic")) == OK
    assert project.user_agent == "chat-bff"
