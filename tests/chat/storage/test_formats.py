"""What an earlier release has written into Redis is read by this one. The data here is added to, never edited."""

from __future__ import annotations

from typing import Any

from django_redis import get_redis_connection

from chat.core.events import Delta, Finish, Start, Usage
from chat.runs import redis_log
from chat.storage import answer_cache
from chat.storage.answer_keys import answer_key
from chat.upstream import breaker_registry

ROWS = (
    b'[["b",{"model":""}],["d",{"text":"Oui, "}],["d",{"text":"[1]."}],["f",{"origin":"ai","ending":"stop",'
    b'"degraded":null,"suggestions":["Et la PCH ?"],"usage":{"prompt_tokens":10,"completion_tokens":20},'
    b'"making":{"at":"2026-11-29T00:00:00.000Z"}}]]'
)
EVENTS = [
    Start(),
    Delta("Oui, "),
    Delta("[1]."),
    Finish("ai", suggestions=("Et la PCH ?",), usage=Usage(10, 20), generation={"at": "2026-11-29T00:00:00.000Z"}),
]
BREAKER = {
    "state": "open",
    "generation": "3",
    "opened_at": "1764000000000",
    "open_for": "60000",
    "forced": "open",
    "forced_by": "ada",
    "forced_reason": "maintenance",
    "history": '[[1764000000000,"closed","open","forced","ada","maintenance"]]',
    "a field of a later release": "1",
}


def redis() -> Any:
    return get_redis_connection("default")


def test_a_cached_answer_of_an_earlier_release():
    redis().set(answer_key("public:x"), b"j[1,1764000000.0,1764086400.0,500]\n" + ROWS)
    cached = answer_cache.get("public:x")
    assert cached is not None
    assert cached.events == EVENTS
    assert (cached.created, cached.fresh_until, cached.cost) == (1764000000.0, 1764086400.0, 0.5)


def test_a_cached_answer_of_a_later_schema_is_ignored():
    redis().set(answer_key("public:x"), b"j[2,1764000000.0,1764086400.0,500]\n" + ROWS)
    assert answer_cache.get("public:x") is None


def test_a_runs_log_of_another_release():
    redis().xadd("bff:run:r", {"p": "leader", "n": 0, "e": "[]", "a field of a later release": "1"})
    redis().xadd("bff:run:r", {"p": "leader", "n": 0, "e": ROWS})
    assert redis_log.leader_of("r") == "leader"
    entries = redis_log.tail("r", "0", wait_seconds=0.01)
    assert entries is not None
    assert [entry.events for entry in entries] == [[], EVENTS]


def test_a_breakers_hash_of_another_release():
    breaker = breaker_registry.get("chat")
    redis().hset(breaker.store.shared.key, mapping=BREAKER)  # type: ignore[union-attr]
    snapshot = breaker.snapshot()
    assert (snapshot.state, snapshot.generation) == ("open", 3)
    assert [transition.who for transition in snapshot.history] == ["ada"]
