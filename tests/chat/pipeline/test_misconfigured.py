"""The AI service refuses our key, address or model: people get a fallback, the operator a report."""

from __future__ import annotations

import threading

import pytest
from django_redis import get_redis_connection

from chat import probes
from chat.upstream import breaker_registry, session
from chat.upstream.breaker import Breaker
from tests.support.fake_upstream import head

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "Qu'est-ce que le GEVA-Sco ?"


def ask_another(visitor, number: int) -> dict:
    return visitor.ask(f"{QUESTION} Pour l'enfant numéro {number} ?").json()


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_people_get_a_fallback_and_the_operator_a_report(visitor, ai, status):
    ai.fail("error", status=status)
    reply = visitor.ask(QUESTION)
    assert reply.status_code == 200
    assert (reply.json()["origin"], reply.json()["degraded"]["reason"]) == ("knowledge", "ai_misconfigured")
    assert reply["X-Degraded"] == "ai_misconfigured"
    assert ai.calls == 1
    assert probes.ai_service() == {"status": "degraded", "error": "ai_misconfigured", "cause": f"http_{status}"}


def test_the_breaker_neither_opens_nor_counts(visitor, ai):
    ai.fail("error", status=401)
    for number in range(12):
        assert ask_another(visitor, number)["degraded"]["reason"] == "ai_misconfigured"
    snapshot = breaker_registry.get("chat").snapshot()
    assert (snapshot.state, snapshot.failures) == ("closed", 0)


def test_another_process_reports_it_and_forgets_it_after_a_success(visitor, ai):
    ai.fail("error", status=401, count=1)
    visitor.ask(QUESTION)
    session.get.cache_clear()  # as in another process
    assert probes.ai_service()["cause"] == "http_401"
    assert ask_another(visitor, 1)["origin"] == "ai"
    assert probes.ai_service() == {}
    session.get.cache_clear()
    assert probes.ai_service() == {}


def test_a_later_success_counts_in_a_process_that_had_not_heard_of_it(visitor, ai):
    ai.fail("error", status=401, count=1)
    visitor.ask(QUESTION)
    session.get.cache_clear()
    assert ask_another(visitor, 1)["origin"] == "ai"
    assert probes.ai_service() == {}


def test_another_key_begins_anew(visitor, ai, settings):
    ai.fail("error", status=401, count=1)
    visitor.ask(QUESTION)
    settings.AI_SERVICE_API_KEY = "another"
    session.get.cache_clear()
    assert probes.ai_service() == {}


def test_no_key_in_redis_reveals_the_settings(visitor, ai, settings):
    settings.AI_SERVICE_API_KEY = "sk-secret"
    ai.fail("error", status=401)
    visitor.ask(QUESTION)
    redis = get_redis_connection("breaker")
    (key,) = redis.keys("bff:ai-misconfigured:*")
    assert b"secret" not in key + redis.get(key)


def test_it_is_logged_as_an_error_once_a_minute(visitor, ai, caplog):
    ai.fail("error", status=401)
    for number in range(3):
        ask_another(visitor, number)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.msg["event"] for record in errors] == ["AI service refuses our settings"]
    assert errors[0].msg["code"] == "http_401"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_error_of_one_request_is_not_reported_to_the_operator(visitor, ai, status):
    ai.fail("error", status=status)
    assert visitor.ask(QUESTION).json()["degraded"]["reason"] == "ai_rejected"
    assert probes.ai_service() == {}


@pytest.mark.parametrize("header", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_very_long_retry_after_is_not_shown(visitor, serve, header, settings):
    serve(head("429 Too Many Requests", f"Retry-After: {header}", "Content-Length: 0"))
    session.get.cache_clear()
    degraded = visitor.ask(QUESTION).json()["degraded"]
    assert degraded == {"reason": "ai_error", "retryAfter": settings.BREAKER_OPEN_MAX_SECONDS, "ageSeconds": None}


# --- Readiness asks nothing of the service ---


@pytest.fixture
def silent_service(serve):
    """A service that must not be sent any request."""
    asked = threading.Event()
    serve(lambda connection: asked.set())
    session.get.cache_clear()
    yield
    assert not asked.is_set()


def test_a_service_that_accepts_connections_is_healthy_without_being_asked(silent_service):
    assert probes.ai_service() == {}


def test_a_service_that_cannot_be_reached_is_not(settings):
    settings.AI_SERVICE_URL = "http://127.0.0.1:1"
    session.get.cache_clear()
    with pytest.raises(OSError, match="refused"):
        probes.ai_service()


def test_a_service_that_has_just_answered_is_not_connected_to(visitor, ai, monkeypatch):
    visitor.ask(QUESTION)
    monkeypatch.setattr(probes, "_connect", lambda url: pytest.fail("connected"))
    assert probes.ai_service() == {}


def test_a_breaker_that_an_operator_has_opened_is_not_an_absent_service(silent_service):
    breaker: Breaker = breaker_registry.get("chat")
    breaker.force("open", who="op", reason="maintenance", seconds=None)
    assert probes.ai_service() == {}
    assert breaker.snapshot().state == "open"


def test_the_time_of_a_circuit_forced_open_for_long_is_shown_in_hours(visitor, ai):
    breaker_registry.get("chat").force("open", who="op", reason="maintenance", seconds=3 * 3600)
    answer = visitor.ask("Une question sans article : xyzzy ?").json()
    assert 3 * 3600 - 60 < answer["degraded"]["retryAfter"] <= 3 * 3600
    assert "dans environ 3 heures" in answer["response"]
