"""Rate limits per caller and per address."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django_redis import get_redis_connection

from bff import ratelimit
from bff.identity.middleware import VISITOR_SALT
from tests.support import services
from tests.support.polling import eventually, quickest, seconds_of
from tests.support.server import Server
from tests.support.services import HOST, free_port

pytestmark = pytest.mark.django_db(transaction=True)

PER_ADDRESS = ratelimit.CALLERS_PER_ADDRESS
PER_48 = 5 * PER_ADDRESS


@pytest.fixture
def three_a_minute(settings):
    settings.RATE_LIMIT_CHAT = "3/minute"


def test_above_the_limit_the_response_is_429_with_retry_after(three_a_minute, visitor, ai):
    replies = [visitor.ask("Bonjour") for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert [reply["RateLimit-Remaining"] for reply in replies] == ["2", "1", "0", "0"]
    assert 1 <= int(replies[-1]["Retry-After"]) <= 60
    assert replies[-1].json()["status"] == 429
    assert replies[0]["RateLimit-Policy"] == '"answers";q=3;w=60'
    assert replies[0]["RateLimit"] == '"answers";r=2;t=60'


def test_below_the_limit_the_response_tells_when_the_window_ends(three_a_minute, visitor, ai):
    visitor.ask("Bonjour")
    redis = get_redis_connection()
    for key in redis.keys("bff:limit:answers:*"):
        redis.expire(key, 20)
    reply = visitor.ask("Bonjour")
    assert (reply["RateLimit-Remaining"], reply["RateLimit-Policy"]) == ("1", '"answers";q=3;w=60')
    assert 1 <= int(reply["RateLimit-Reset"]) <= 20


def test_answers_and_other_calls_are_counted_separately_even_with_equal_limits(settings, visitor, ai):
    settings.RATE_LIMIT_CHAT = settings.RATE_LIMIT_DEFAULT = "2/minute"
    assert [visitor.ask("Bonjour").status_code for _ in range(3)] == [200, 200, 429]
    assert visitor.get("/api/chat/conversations").status_code == 200


def test_signed_in_people_are_counted_by_id_and_by_address(settings, project, ai):
    """A project that allows anonymous sign-in gives every client a new token."""
    settings.RATE_LIMIT_DEFAULT = "1/minute"

    def status_for(name: str) -> int:
        headers = {"Authorization": f"Bearer {project.token(sub=name)}"}
        return Client().get("/api/chat/conversations", headers=headers).status_code

    people = [f"parent-{number}" for number in range(PER_ADDRESS + 1)]
    assert [status_for(name) for name in people] == [200] * PER_ADDRESS + [429]


def test_one_signed_in_person_is_limited(settings, project, ai):
    settings.RATE_LIMIT_DEFAULT = "1/minute"
    headers = {"Authorization": f"Bearer {project.token()}"}
    assert [Client().get("/api/chat/conversations", headers=headers).status_code for _ in range(2)] == [200, 429]


def test_invalid_tokens_are_counted_by_address(settings, project, visitor):
    settings.RATE_LIMIT_DEFAULT = "3/minute"
    replies = [
        visitor.get("/api/chat/conversations", headers={"Authorization": f"Bearer made-up-{number}"})
        for number in range(4)
    ]
    assert [reply.status_code for reply in replies] == [401, 401, 401, 429]
    assert 1 <= int(replies[-1]["Retry-After"]) <= 60
    assert status_from(visitor, "192.0.2.1", Authorization="Bearer made-up") == 401


@pytest.mark.parametrize(
    ("addresses", "allowed"),
    [
        ([f"2001:db8:0:1::{number:x}" for number in range(PER_ADDRESS + 1)], PER_ADDRESS),
        ([f"2001:db8:0:{number:x}::1" for number in range(PER_48 + 1)], PER_48),
        ([f"2001:db8:{number:x}::1" for number in range(PER_ADDRESS + 1)], PER_ADDRESS + 1),
        ([f"::ffff:192.0.2.{number}" for number in range(PER_ADDRESS + 1)], PER_ADDRESS + 1),
    ],
    ids=["one /64", "one /48", "many /48", "IPv4 as IPv6"],
)
def test_an_ipv6_network_is_limited_as_one_address(settings, visitor, addresses, allowed):
    settings.RATE_LIMIT_DEFAULT = "1/minute"
    statuses = [status_from(type(visitor)(), address) for address in addresses]
    assert statuses == [200] * allowed + [429] * (len(addresses) - allowed)


def status_from(client: Client, address: str, **headers: str) -> int:
    return client.get("/api/chat/conversations", headers=headers, REMOTE_ADDR=address).status_code


@pytest.mark.parametrize(("language", "words"), [("fr", "instant"), ("en", "moment")])
def test_the_page_shows_the_429_in_the_persons_language(settings, visitor, ai, language, words):
    settings.RATE_LIMIT_CHAT = "1/minute"
    replies = [visitor.post("/", {"message": "Bonjour"}, headers={"Accept-Language": language}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 429]
    assert f'<html lang="{language}"' in replies[1].content.decode()
    assert words in replies[1].content.decode()


def test_requests_without_a_csrf_token_are_counted(three_a_minute, ai):
    browser = Client(enforce_csrf_checks=True)
    browser.get("/")
    statuses = [browser.post("/api/chat/message", {}, "application/json").status_code for _ in range(4)]
    assert statuses == [403, 403, 403, 429]


def test_above_the_limit_no_body_is_waited_for(ai, few_entries):
    server = Server(RATE_LIMIT_CHAT="1/minute")
    visitor = server.visitor()
    body = {"message": "Bonjour"}
    assert visitor.post(f"{server.url}/api/chat/message", json=body, timeout=60).status_code == 200
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    with closing(HTTPConnection(HOST, server.port, timeout=60)) as connection:
        connection.putrequest("POST", "/api/chat/analyze-document")
        for name, value in {
            "Cookie": cookies,
            "X-CSRFToken": visitor.cookies["csrftoken"],
            "Content-Type": "multipart/form-data; boundary=b",
            "Content-Length": "10000000",
        }.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 429
    server.stop()


def test_reads_do_not_count_as_answers(three_a_minute, visitor, ai):
    for _ in range(4):
        visitor.ask("Bonjour")
    assert visitor.get("/api/chat/conversations").status_code == 200


def test_health_and_metrics_are_never_limited(settings, visitor):
    settings.RATE_LIMIT_DEFAULT = "1/minute"
    assert {visitor.get(path).status_code for path in ("/healthz", "/readyz", "/metrics") for _ in range(3)} == {200}


def test_a_visitor_without_cookies_is_limited_by_address(settings, visitor, ai):
    settings.RATE_LIMIT_CHAT = "1/minute"
    statuses = [type(visitor)().ask("Bonjour").status_code for _ in range(PER_ADDRESS + 1)]
    assert statuses[-2:] == [200, 429]


def test_without_redis_each_process_counts_on_its_own(monkeypatch, settings, visitor, ai):
    settings.RATE_LIMIT_CHAT = "3/minute"
    settings.CACHES = caches_at(settings, free_port())
    statuses = [visitor.ask("Bonjour").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_redis_keys_hold_no_caller_id_and_no_address(settings, visitor, ai):
    visitor.ask("Une question personnelle sur Élodie")
    caller = signing.loads(visitor.cookies[settings.VISITOR_COOKIE_NAME].value, salt=VISITOR_SALT)
    keys = [key.decode() for key in get_redis_connection("default").keys("*")]
    assert len([key for key in keys if key.startswith("bff:limit:")]) == 2  # the visitor's, and the address'
    for secret in (caller, caller.removeprefix("visitor-"), HOST, "lodie"):
        assert secret not in " ".join(keys)


def test_the_first_timeout_starts_the_outage_for_all_counters_of_the_process(settings, ai):
    frozen = services.start_redis(services.free_port())
    settings.CACHES = caches_at(settings, frozen.port)
    counters, others = ratelimit.Counters(), ratelimit.Counters()
    mine = ratelimit.Counted("calls", ratelimit.Rate.parse("3/minute"), "me")
    counters.hit(mine)
    others.hit(mine)

    def longest_later_wait() -> float:
        frozen.freeze()
        waits = [seconds_of(partial(c.hit, mine)) for c in (counters, others, others, counters)]
        assert waits[0] > 0.09
        frozen.thaw()
        eventually(lambda: not counters.shared.is_unavailable)
        return max(waits[1:])

    assert quickest(longest_later_wait, 0.05) < 0.05
    assert counters.hit(mine)[0].remaining <= 0  # the shared count, including hits sent while frozen
    frozen.stop()


def caches_at(settings, port: int) -> dict[str, Any]:
    """The caches, with the default one on another port."""
    return settings.CACHES | {"default": settings.CACHES["default"] | {"LOCATION": f"redis://{HOST}:{port}/0"}}
