"""How often one may call."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import signing
from django.test import Client, RequestFactory
from django_redis import get_redis_connection
from limits import parse

from bff import ratelimit
from bff.auth import VISITOR_COOKIE
from tests import services
from tests.services import HOST, free_port
from tests.waiting import eventually, seconds_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def three_a_minute(settings):
    settings.RATE_LIMIT_CHAT = "3/minute"


def test_above_the_limit_the_answer_is_429_and_says_when_to_come_back(three_a_minute, visitor, ai):
    replies = [visitor.ask("Bonjour") for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert [reply["RateLimit-Remaining"] for reply in replies] == ["2", "1", "0", "0"]
    assert 1 <= int(replies[-1]["Retry-After"]) <= 60
    assert replies[-1].json()["status"] == 429
    assert replies[0]["RateLimit-Policy"] == '"answers";q=3;w=60'
    assert replies[0]["RateLimit"] == '"answers";r=2;t=60'


def test_answers_and_other_calls_are_counted_apart_even_where_their_limits_are_equal(settings, visitor, ai):
    settings.RATE_LIMIT_CHAT = settings.RATE_LIMIT_DEFAULT = "2/minute"
    assert [visitor.ask("Bonjour").status_code for _ in range(3)] == [200, 200, 429]
    assert visitor.get("/api/chat/conversations").status_code == 200


def test_a_signed_in_person_counts_alone_and_a_visitor_with_their_address(settings, project, ai):
    settings.RATE_LIMIT_DEFAULT = "1/minute"

    def look(name: str) -> int:
        headers = {"Authorization": f"Bearer {project.token(sub=name)}"}
        return Client().get("/api/chat/conversations", headers=headers).status_code

    people = [f"parent-{number}" for number in range(ratelimit.CALLERS_PER_ADDRESS + 2)]
    assert {look(name) for name in people} == {200}
    assert look(people[0]) == 429


@pytest.mark.parametrize(("language", "words"), [("fr", "instant"), ("en", "moment")])
def test_on_the_page_it_is_said_kindly_in_the_persons_language(settings, visitor, ai, language, words):
    settings.RATE_LIMIT_CHAT = "1/minute"
    replies = [visitor.post("/", {"message": "Bonjour"}, headers={"Accept-Language": language}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 429]
    assert f'<html lang="{language}"' in replies[1].content.decode()
    assert words in replies[1].content.decode()


def test_reading_is_counted_apart(three_a_minute, visitor, ai):
    for _ in range(4):
        visitor.ask("Bonjour")
    assert visitor.get("/api/chat/conversations").status_code == 200


def test_health_and_metrics_are_never_limited(settings, visitor):
    settings.RATE_LIMIT_DEFAULT = "1/minute"
    assert {visitor.get(path).status_code for path in ("/healthz", "/readyz", "/metrics") for _ in range(3)} == {200}


def test_dropping_the_cookie_does_not_help_for_ever(settings, visitor, ai):
    settings.RATE_LIMIT_CHAT = "1/minute"
    statuses = [type(visitor)().ask("Bonjour").status_code for _ in range(ratelimit.CALLERS_PER_ADDRESS + 1)]
    assert statuses[-2:] == [200, 429]


def test_without_redis_each_process_counts_for_itself(monkeypatch, settings, visitor, ai):
    settings.RATE_LIMIT_CHAT = "3/minute"
    settings.CACHES = at(settings, free_port())
    statuses = [visitor.ask("Bonjour").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [(0, "1.1.1.1", "127.0.0.1"), (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"), (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1")],
)
def test_only_our_own_proxies_tell_the_address(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
    assert ratelimit.client_address(request) == address


def test_nobody_can_be_recognised_in_the_keys(visitor, ai):
    visitor.ask("Une question personnelle sur Élodie")
    caller = signing.loads(visitor.cookies[VISITOR_COOKIE].value, salt=VISITOR_COOKIE)
    keys = [key.decode() for key in get_redis_connection("default").keys("*")]
    assert len([key for key in keys if key.startswith("LIMITS:")]) == 2  # the visitor's, and the address'
    for secret in (caller, caller.removeprefix("visitor-"), HOST, "lodie"):
        assert secret not in " ".join(keys)


def test_who_finds_redis_frozen_tells_all_others_and_waits_once(settings, ai):
    frozen = services.redis_server(services.free_port())
    settings.CACHES = at(settings, frozen.port)
    counters, others = ratelimit.Counters(), ratelimit.Counters()
    limit = parse("3/minute")
    counters.spend("calls", limit, "me")
    others.spend("calls", limit, "me")
    frozen.freeze()
    waits = [seconds_of(lambda c=c: c.spend("calls", limit, "me")) for c in (counters, others, others, counters)]
    assert waits[0] > 0.09
    assert max(waits[1:]) < 0.05
    frozen.thaw()
    eventually(lambda: not counters.absence.is_on)
    assert counters.spend("calls", limit, "me").remaining <= 0  # the fleet's count, with what it was sent while frozen
    frozen.stop()


def at(settings, port: int) -> dict[str, Any]:
    """Our caches, with the default one's Redis at another port."""
    return settings.CACHES | {"default": settings.CACHES["default"] | {"LOCATION": f"redis://{HOST}:{port}/0"}}
