"""Access tokens: forged, expired, meant for others, confused, rotated – with the project's keys at hand and without."""

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

from bff import auth
from bff.token_keys import PublishedKeys
from bff.tokens import LEEWAY_SECONDS
from tests.bff.supabase import SECRET, Project

OK, NO, LATER = 200, 401, 503
STRANGERS_KEY = ec.generate_private_key(ec.SECP256R1())


def encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(project: Project, header: Any, claims: Any = None, secret: bytes = SECRET.encode()) -> str:
    """Signed as HS256, whatever the header says."""
    told = f"{encoded(header)}.{encoded(project.claims() if claims is None else claims)}"
    return f"{told}.{encoded(hmac.digest(secret, told.encode(), hashlib.sha256))}"


def public_pem(project: Project, kid: str) -> bytes:
    return project.keys[kid].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def with_other_claims(token: str, project: Project) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{encoded(project.claims(sub='somebody-else'))}.{signature}"


def from_stranger(project: Project, **header: Any) -> str:
    return jwt.encode(project.claims(), STRANGERS_KEY, "ES256", headers=header)


# What a token is like, how it is made, and what it gets: with the keys published, with the project away after the keys
# were fetched, and with the project away from the beginning.
TOKENS: dict[str, tuple[Callable[[Project], str], int, int, int]] = {
    # signed with the project's secret
    "valid": (lambda p: p.token(), OK, OK, OK),
    "for several audiences": (lambda p: p.token(aud=["x", "authenticated"]), OK, OK, OK),
    "expired": (lambda p: p.token(exp=time.time() - 60), NO, NO, NO),
    "expired by less than clocks differ": (lambda p: p.token(exp=time.time() - 2), OK, OK, OK),
    "never expires": (lambda p: p.token(exp=None), NO, NO, NO),
    "expires at no time": (lambda p: p.token(exp="tomorrow"), NO, NO, NO),
    "not valid yet": (lambda p: p.token(nbf=time.time() + 60), NO, NO, NO),
    "valid since a moment from now": (lambda p: p.token(nbf=time.time() + 2), OK, OK, OK),
    "issued tomorrow": (lambda p: p.token(iat=time.time() + 86400), NO, NO, NO),
    "for another audience": (lambda p: p.token(aud="anon"), NO, NO, NO),
    "for no audience": (lambda p: p.token(aud=None), NO, NO, NO),
    "from another issuer": (lambda p: p.token(iss="https://elsewhere.example/auth/v1"), NO, NO, NO),
    "from an issuer that begins like ours": (lambda p: p.token(iss=f"{p.url}/auth/v1/x"), NO, NO, NO),
    "from no issuer": (lambda p: p.token(iss=None), NO, NO, NO),
    "about nobody": (lambda p: p.token(sub=None), NO, NO, NO),
    "about an empty name": (lambda p: p.token(sub=""), NO, NO, NO),
    "about a number": (lambda p: p.token(sub=12), NO, NO, NO),
    "about a name too long to keep": (lambda p: p.token(sub="a" * 81), NO, NO, NO),
    "about a visitor of ours": (lambda p: p.token(sub="visitor-1"), NO, NO, NO),
    "about an API key of ours": (lambda p: p.token(sub="key-1"), NO, NO, NO),
    "about a line break": (lambda p: p.token(sub="a\nb"), NO, NO, NO),
    "the public key of a whole project": (
        lambda p: jwt.encode({"iss": "supabase", "role": "anon", "exp": time.time() + 60}, SECRET, "HS256"),
        *(NO, NO, NO),
    ),
    # forged
    "another secret": (lambda p: jwt.encode(p.claims(), SECRET[::-1], "HS256"), NO, NO, NO),
    "no algorithm": (lambda p: jwt.encode(p.claims(), None, "none"), NO, NO, NO),
    "no algorithm, in capitals": (lambda p: by_hand(p, {"alg": "NONE"}), NO, NO, NO),
    "no algorithm named": (lambda p: by_hand(p, {"typ": "JWT"}), NO, NO, NO),
    "a list of algorithms": (lambda p: by_hand(p, {"alg": ["HS256"]}), NO, NO, NO),
    "a stronger algorithm than agreed": (lambda p: jwt.encode(p.claims(), SECRET * 2, "HS512"), NO, NO, NO),
    "no signature": (lambda p: p.token().rpartition(".")[0] + ".", NO, NO, NO),
    "half a signature": (lambda p: p.token()[:-20], NO, NO, NO),
    "other claims under a true signature": (lambda p: with_other_claims(p.token(), p), NO, NO, NO),
    "demands that we don't know": (lambda p: by_hand(p, {"alg": "HS256", "crit": ["x"], "x": 1}), NO, NO, NO),
    "claims outside the token": (lambda p: by_hand(p, {"alg": "HS256", "b64": False}), NO, NO, NO),
    "claims that are no object": (lambda p: by_hand(p, {"alg": "HS256"}, ["sub"]), NO, NO, NO),
    "a header too deep to read": (
        lambda p: by_hand(p, b'{"alg":"HS256","x":' + b"[" * 2500 + b"]" * 2500 + b"}"),
        *(NO, NO, NO),
    ),
    "one part": (lambda p: "abc", NO, NO, NO),
    "five parts": (lambda p: "a.b.c.d.e", NO, NO, NO),
    "nothing": (lambda p: "", NO, NO, NO),
    # signed with a published key
    "elliptic": (lambda p: p.token("elliptic"), OK, OK, LATER),
    "classic": (lambda p: p.token("classic"), OK, OK, LATER),
    "elliptic and expired": (lambda p: p.token("elliptic", exp=1), NO, NO, LATER),
    "elliptic, for another audience": (lambda p: p.token("elliptic", aud="anon"), NO, NO, LATER),
    "rotated, and not published yet": (lambda p: p.token("next"), NO, LATER, LATER),
    "a key of no name": (lambda p: jwt.encode(p.claims(), p.keys["elliptic"], "ES256"), NO, LATER, LATER),
    # confused
    "the public key as a secret": (
        lambda p: by_hand(p, {"alg": "HS256", "kid": "elliptic"}, secret=public_pem(p, "elliptic")),
        *(NO, NO, NO),
    ),
    "the secret under a public key's name": (lambda p: by_hand(p, {"alg": "RS256", "kid": "classic"}), NO, NO, LATER),
    "one key under another's name": (
        lambda p: jwt.encode(p.claims(), p.keys["classic"], "RS256", headers={"kid": "elliptic"}),
        *(NO, NO, LATER),
    ),
    "a stranger's key under a known name": (lambda p: from_stranger(p, kid="elliptic"), NO, NO, LATER),
    "a stranger's key brought along": (
        lambda p: from_stranger(
            p, kid="mine", jwk=jwt.algorithms.ECAlgorithm.to_jwk(STRANGERS_KEY.public_key(), as_dict=True)
        ),
        *(NO, LATER, LATER),
    ),
    "a stranger's address for keys": (
        lambda p: from_stranger(p, kid="mine", jku=f"{p.url}/mine", x5u=f"{p.url}/mine"),
        *(NO, LATER, LATER),
    ),
    "a path as a key's name": (lambda p: from_stranger(p, kid="../../dev/null"), NO, LATER, LATER),
    "another padding of the same key": (
        lambda p: jwt.encode(p.claims(), p.keys["classic"], "PS256", headers={"kid": "classic"}),
        *(NO, NO, NO),
    ),
}


def call(bearer: str) -> int:
    """What somebody gets who shows it; a route that needs no database is as good as any."""
    browser = Client(raise_request_exception=False)
    return browser.get("/v1/models", headers={"Authorization": f"Bearer {bearer}"}).status_code


@pytest.mark.parametrize("what", TOKENS)
def test_with_the_keys_published_a_token_is_accepted_or_refused(project, what):
    make, expected, _, _ = TOKENS[what]
    assert call(make(project)) == expected


@pytest.mark.parametrize("what", TOKENS)
def test_with_the_project_away_known_keys_stay_good_and_unknown_ones_may_be_tomorrows(project, later, what):
    make, _, expected, _ = TOKENS[what]
    assert call(project.token("elliptic")) == OK
    project.is_away = True
    later(PublishedKeys.PAUSE_SECONDS + 1)
    assert call(make(project)) == expected


@pytest.mark.parametrize("what", TOKENS)
def test_with_the_project_never_reached_only_what_is_surely_wrong_is_called_wrong(project, what):
    make, _, _, expected = TOKENS[what]
    project.is_away = True
    assert call(make(project)) == expected


@pytest.fixture
def later(monkeypatch):
    """Moves the clock of the keys on; tokens are measured by another one."""
    began = time.monotonic()
    passed = 0.0

    def move(seconds: float) -> None:
        nonlocal passed
        passed += seconds
        monkeypatch.setattr("time.monotonic", lambda: began + passed)

    return move


@pytest.fixture
def tomorrow(monkeypatch):
    """Moves the clock that tokens are measured by."""

    def move(seconds: float) -> None:
        there = time.time() + seconds

        class Moved(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:
                return datetime.fromtimestamp(there, tz)

        monkeypatch.setattr("time.time", lambda: there)
        monkeypatch.setattr("jwt.api_jwt.datetime", Moved)

    return move


@pytest.fixture
def verified(monkeypatch):
    """The tokens that were verified in full, in their order."""
    seen: list[str] = []
    decode = jwt.decode

    def watched(token: str, *args: Any, **options: Any) -> Any:
        seen.append(token)
        return decode(token, *args, **options)

    monkeypatch.setattr("bff.tokens.jwt.decode", watched)
    return seen


@pytest.mark.parametrize("kid", [None, "elliptic", "classic"])
def test_a_token_that_was_verified_is_known_again(project, verified, kid):
    tokens = [project.token(kid, sub=f"user-{number}") for number in range(3)]
    assert [auth._subject(token) for token in tokens * 3] == ["user-0", "user-1", "user-2"] * 3
    assert verified == tokens


@pytest.mark.parametrize("kid", [None, "elliptic"])
def test_a_known_token_ends_when_it_expires(project, tomorrow, kid):
    token = project.token(kid)
    assert [call(token), call(token)] == [OK, OK]
    tomorrow(60 + LEEWAY_SECONDS - 1)
    assert call(token) == OK
    tomorrow(2)
    assert call(token) == NO


def test_a_known_token_is_looked_at_anew_when_the_clock_was_put_back(project, tomorrow):
    token = project.token(nbf=time.time())
    assert call(token) == OK
    tomorrow(-LEEWAY_SECONDS - 1)
    assert call(token) == NO


def test_a_known_token_ends_with_the_secret_that_signed_it(project, settings):
    token = project.token()
    assert call(token) == OK
    settings.SUPABASE_JWT_SECRET = SECRET[::-1]
    assert call(token) == NO
    settings.SUPABASE_JWT_SECRET = ""
    assert call(token) == NO


def test_a_known_token_ends_when_its_key_is_another_one_under_the_same_name(project, later, monkeypatch):
    token = project.token("elliptic")
    assert call(token) == OK
    monkeypatch.setitem(project.keys, "elliptic", ec.generate_private_key(ec.SECP256R1()))
    later(PublishedKeys.LIFESPAN_SECONDS + 1)
    assert call(token) == NO


def test_what_was_refused_is_not_known_and_what_is_known_is_bounded_and_names_no_token(project, monkeypatch):
    monkeypatch.setattr("bff.tokens.REMEMBERED", 2)
    good = [project.token(sub=f"user-{number}") for number in range(4)]
    assert {call(token) for token in good} == {OK}
    assert {call(with_other_claims(token, project)) for token in good} == {NO}
    assert [each.subject for each in auth._verifier._verified.values()] == ["user-2", "user-3"]
    assert not any(part in repr(auth._verifier._verified) for part in good[3].split("."))
    assert {call(token) for token in good} == {OK}


def test_without_a_secret_no_token_signed_with_one_is_accepted(project, settings):
    settings.SUPABASE_JWT_SECRET = ""
    assert call(project.token()) == NO
    assert call(by_hand(project, {"alg": "HS256"}, secret=b"")) == NO


def test_without_a_project_no_published_key_is_looked_for(project, settings):
    settings.SUPABASE_URL = ""
    assert call(project.token("elliptic")) == NO
    assert call(project.token()) == OK


def test_keys_are_fetched_once_however_many_call(project):
    with ThreadPoolExecutor(8) as people:
        assert set(people.map(call, [project.token("elliptic")] * 24)) == {OK}
    assert project.fetches == 1


def test_made_up_key_names_do_not_become_requests_to_the_project(project, later):
    assert call(project.token("elliptic")) == OK
    forged = [from_stranger(project, kid=f"made-up-{number}") for number in range(20)]
    assert {call(token) for token in forged} == {NO}
    assert project.fetches == 1
    later(PublishedKeys.PAUSE_SECONDS + 1)
    assert {call(token) for token in forged} == {NO}
    assert project.fetches == 2


def test_a_new_key_is_noticed_before_the_hour_is_over(project, later):
    assert call(project.token("elliptic")) == OK
    project.published = {"next", "elliptic"}
    later(PublishedKeys.PAUSE_SECONDS + 1)
    assert call(project.token("next")) == OK
    assert call(project.token("elliptic")) == OK


def test_a_key_that_was_taken_out_lapses_within_the_hour(project, later):
    old = project.token("elliptic")
    assert call(old) == OK
    project.published = {"next"}
    later(PublishedKeys.LIFESPAN_SECONDS + 1)
    assert call(old) == NO
    assert call(project.token("next")) == OK


def test_the_last_keys_stay_in_force_while_the_project_is_away(project, later):
    assert call(project.token("elliptic")) == OK
    project.is_away = True
    later(PublishedKeys.LIFESPAN_SECONDS + 1)
    assert [call(project.token("elliptic")) for _ in range(5)] == [OK] * 5
    assert project.fetches == 2  # asked once whether it is back, then left alone


def test_an_answer_that_holds_no_keys_is_as_good_as_none(project, later, monkeypatch):
    assert call(project.token("elliptic")) == OK
    monkeypatch.setattr(Project, "jwks", lambda self: {"keys": []})
    later(PublishedKeys.LIFESPAN_SECONDS + 1)
    assert call(project.token("elliptic")) == OK


def test_while_the_project_is_away_nobody_is_told_that_their_token_is_wrong(project, later):
    project.is_away = True
    reply = Client().get("/api/chat/conversations", headers={"Authorization": f"Bearer {project.token('elliptic')}"})
    assert reply.status_code == LATER
    assert int(reply["Retry-After"]) > 0
    assert reply["Content-Type"] == "application/problem+json"
    project.is_away = False
    assert call(project.token("elliptic")) == LATER  # not asked again at once: that would hold everybody up
    later(PublishedKeys.PAUSE_SECONDS + 1)
    assert call(project.token("elliptic")) == OK


def test_a_refusal_says_how_to_sign_in_and_nothing_of_the_token(project):
    reply = Client().get("/api/chat/conversations", headers={"Authorization": "Bearer secret-in-here"})
    assert reply["WWW-Authenticate"] == "Bearer"
    assert b"secret-in-here" not in reply.content


def test_other_schemes_are_refused(project):
    assert Client().get("/api/chat/conversations", headers={"Authorization": "Basic YTpi"}).status_code == NO


@pytest.mark.django_db(transaction=True)
def test_two_people_are_never_taken_for_one(project, ai):
    """Not even when their names only differ far behind."""
    long = "a" * 79
    for subject in (f"{long}b", f"{long}c"):
        browser, bearer = Client(), {"Authorization": f"Bearer {project.token(sub=subject)}"}
        browser.post("/api/chat/message", {"message": "Bonjour"}, content_type="application/json", headers=bearer)
        assert len(browser.get("/api/chat/conversations", headers=bearer).json()["items"]) == 1
    assert auth._verifier.subject(project.token(sub="a" * 80)) == "a" * 80
