"""How many answers a caller and a network may have at once. A stream that nobody has read yet holds its place."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
import requests
from django_redis import get_redis_connection
from redis import Redis, RedisCluster
from redis.exceptions import SlotNotCoveredError

from bff import parallel_answers
from chat.history import api_keys
from observability import metrics, shared_redis
from observability.redis_cluster import ClusterTrips, ShardUnavailable
from observability.redis_trips import Command, RedisTrips
from tests.bff.test_ratelimit import caches_at
from tests.conftest import ChatClient
from tests.support import services
from tests.support.concurrency import run_concurrently
from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.services import free_port

pytestmark = pytest.mark.django_db(transaction=True)

OpenStream = Callable[..., Any]
post_as_in_a_server = RedisTrips.post  # tests/conftest.py replaces it
QUESTION = "Xyzzy numéro {} ?"


@pytest.fixture
def open_stream(ai) -> Iterator[OpenStream]:
    """Asks for a stream and reads none of it."""
    replies: list[Any] = []

    def open_stream(client: ChatClient, **headers: str) -> Any:
        body = {"message": QUESTION.format(len(replies))}
        replies.append(client.post_json("/api/chat/stream", body, headers=headers))
        return replies[-1]

    yield open_stream
    for reply in replies:
        reply.close()


def at(address: str) -> ChatClient:
    return ChatClient(raise_request_exception=False, REMOTE_ADDR=address)


@pytest.mark.parametrize(("language", "words"), [("fr", "réponses"), ("en", "answers")])
def test_above_the_limit_of_a_caller_the_response_is_429(settings, visitor, open_stream, language, words):
    settings.PARALLEL_ANSWERS_PER_CALLER = 2
    before = metrics.PARALLEL_ANSWERS_REFUSED.labels("caller")._value.get()
    replies = [open_stream(visitor, **{"Accept-Language": language}) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[2]["Retry-After"] == "5"
    assert words in replies[2].json()["detail"]
    assert open_stream(ChatClient()).status_code == 200
    assert metrics.PARALLEL_ANSWERS_REFUSED.labels("caller")._value.get() == before + 1


@pytest.mark.parametrize(
    ("addresses", "statuses"),
    [
        (["192.0.2.1"] * 3, [200, 200, 429]),
        (["2001:db8::1", "2001:db8::2", "2001:db8::3"], [200, 200, 429]),
        ([f"2001:db8:0:{number:x}::1" for number in range(11)], [200] * 10 + [429]),
        (["192.0.2.1", "192.0.2.2", "2001:db8::1"], [200] * 3),
    ],
    ids=["one IPv4 address", "one /64", "one /48", "several"],
)
def test_a_network_is_limited_whatever_its_cookies(settings, db, open_stream, addresses, statuses):
    settings.PARALLEL_ANSWERS_PER_ADDRESS = 2
    assert [open_stream(at(address)).status_code for address in addresses] == statuses


def test_who_is_refused_takes_no_place_from_others(settings, visitor, another_visitor, open_stream):
    settings.PARALLEL_ANSWERS_PER_CALLER, settings.PARALLEL_ANSWERS_PER_ADDRESS = 1, 2
    assert [open_stream(visitor).status_code for _ in range(4)] == [200, 429, 429, 429]
    assert open_stream(another_visitor).status_code == 200


def test_the_place_of_a_stream_is_free_when_it_has_ended(settings, visitor, open_stream):
    settings.PARALLEL_ANSWERS_PER_CALLER = 1
    for _ in range(3):
        reply = open_stream(visitor)
        assert reply.status_code == 200
        assert open_stream(visitor).status_code == 429
        assert b"[DONE]" in b"".join(reply.streaming_content)


def test_other_requests_are_not_refused(settings, visitor, open_stream):
    settings.PARALLEL_ANSWERS_PER_CALLER = 1
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    open_stream(visitor)
    assert visitor.get("/api/chat/conversations").status_code == 200
    assert visitor.post_json(f"/api/chat/{conversation}/stop", {}).status_code == 200
    assert visitor.get("/").status_code == 200


def test_whoever_leaves_a_stream_keeps_its_place_as_long_as_the_answer_may_continue(settings, visitor, open_stream):
    settings.PARALLEL_ANSWERS_PER_CALLER, settings.UNREAD_RUN_TIMEOUT_SECONDS = 1, 2
    open_stream(visitor).close()
    assert open_stream(visitor).status_code == 429
    eventually(lambda: open_stream(visitor).status_code == 200, every=0.2)


COMPLETION = {"model": "chat-bff", "stream": True, "messages": [{"role": "user", "content": "Bonjour"}]}
DOCUMENT = {"document": "Madame, votre dossier est incomplet.", "documentType": "other", "fileName": "lettre.txt"}


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/chat/completions", COMPLETION), ("/api/chat/analyze-document", DOCUMENT)],
    ids=["completion", "document"],
)
def test_the_place_of_a_stream_that_ends_with_its_reader_is_free_at_once(settings, visitor, ai, path, body):
    settings.PARALLEL_ANSWERS_PER_CALLER, settings.OPENAI_ALLOW_ANONYMOUS = 1, True
    for _ in range(2):
        reply = visitor.post_json(path, body, headers={"Accept": "text/event-stream"})
        assert (reply.status_code, reply.streaming) == (200, True)
        reply.close()


@pytest.mark.parametrize("path", ["/api/chat/message", "/api/chat/analyze-document", "/v1/chat/completions"])
def test_every_entry_point_counts(settings, visitor, open_stream, path):
    settings.PARALLEL_ANSWERS_PER_CALLER = 1
    open_stream(visitor)
    assert visitor.post_json(path, {}).status_code == 429


def test_readers_who_resume_count(settings, visitor, open_stream):
    settings.PARALLEL_ANSWERS_PER_CALLER = 1
    assert visitor.get("/api/chat/unknown123/stream").status_code == 204
    open_stream(visitor)
    assert visitor.get("/api/chat/unknown123/stream").status_code == 429


@pytest.mark.parametrize(("language", "words"), [("fr", "réponses"), ("en", "answers")])
def test_the_page_without_script_says_it(settings, visitor, open_stream, language, words):
    settings.PARALLEL_ANSWERS_PER_CALLER = 1
    open_stream(visitor)
    reply = visitor.post("/", {"message": "Bonjour"}, headers={"Accept-Language": language})
    assert reply.status_code == 429
    assert words in reply.content.decode()


def test_answers_in_one_piece_count_while_they_are_written(settings, visitor, ai):
    settings.PARALLEL_ANSWERS_PER_CALLER = 1
    visitor.get("/")
    ai.pace(60)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(visitor.ask, "Qu'est-ce que la CDAPH ?")
        eventually(lambda: ai.open_calls == 1)
        assert visitor.ask("Bonjour").status_code == 429
        assert first.result().status_code == 200
    assert visitor.ask("Bonjour").status_code == 200


def test_a_program_is_limited_by_its_key_alone(settings, db, open_stream):
    settings.PARALLEL_ANSWERS_PER_CALLER, settings.PARALLEL_ANSWERS_PER_ADDRESS = 2, 1
    row, key = api_keys.create("A program")
    row.save()
    headers = {"Authorization": f"Bearer {key}"}
    assert [open_stream(ChatClient(), **headers).status_code for _ in range(3)] == [200, 200, 429]


def test_zero_is_no_limit(settings, visitor, open_stream):
    settings.PARALLEL_ANSWERS_PER_CALLER = settings.PARALLEL_ANSWERS_PER_ADDRESS = 0
    assert {open_stream(visitor).status_code for _ in range(5)} == {200}
    assert not get_redis_connection("default").keys("bff:parallel:*")


def test_the_place_of_a_worker_that_died_expires(settings, visitor, open_stream, monkeypatch):
    settings.PARALLEL_ANSWERS_PER_CALLER = 2
    leases = itertools.chain([60, 3], itertools.repeat(60))  # 3: two at least, because Redis compares whole seconds
    monkeypatch.setattr(parallel_answers, "_lease_seconds", lambda: next(leases))
    started_at = time.monotonic()
    assert [open_stream(visitor).status_code for _ in range(2)] == [200, 200]
    eventually(lambda: open_stream(visitor).status_code == 200, every=0.2)
    assert time.monotonic() - started_at > 1.9
    assert open_stream(visitor).status_code == 429


def test_without_redis_each_process_counts_on_its_own(settings, visitor, open_stream):
    settings.PARALLEL_ANSWERS_PER_CALLER = 2
    settings.CACHES = caches_at(settings, free_port())
    replies = [open_stream(visitor) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    list(replies[0].streaming_content)
    assert [open_stream(visitor).status_code for _ in range(2)] == [200, 429]


class WithoutCounters:
    """A cluster of two shards: the one with the rates is away."""

    def __init__(self, client: Redis) -> None:
        self._trips = RedisTrips(client)

    def send(self, *commands: Command) -> list[Any]:
        here = [command for command in commands if "bff:parallel:" in str(command)]
        replies = self._trips.send(*here)
        if len(here) < len(commands):
            raise ShardUnavailable("the other shard")
        return replies

    post = send


def test_the_place_of_a_request_that_could_not_be_counted_is_free_after_the_answer(visitor, monkeypatch):
    monkeypatch.setattr(shared_redis, "trips_of", WithoutCounters)
    assert visitor.ask("Bonjour").status_code == 200
    assert not get_redis_connection("default").keys("bff:parallel:*")


class NoShard:
    """A cluster whose shards have all lost their masters."""

    nodes_manager = SimpleNamespace(get_node_from_slot=Mock(side_effect=SlotNotCoveredError("not covered")))


def test_a_request_without_a_place_that_could_not_be_counted_is_no_unexpected_error(visitor, monkeypatch):
    monkeypatch.setattr(shared_redis, "trips_of", lambda _: ClusterTrips(cast("RedisCluster", NoShard)))
    errors = metrics.UNEXPECTED_ERRORS.labels("ratelimit")
    before = errors._value.get()
    assert visitor.get("/api/chat/conversations").status_code == 200
    assert errors._value.get() == before


def test_places_that_redis_gave_too_late_are_free_after_the_answers(settings, db, monkeypatch):
    monkeypatch.setattr(RedisTrips, "post", post_as_in_a_server)
    redis = services.start_redis(free_port())
    settings.CACHES = caches_at(settings, redis.port)
    clients = [at(f"192.0.2.{number}") for number in range(4)]
    run_concurrently(4, lambda: ChatClient().ask("Bonjour"))
    redis.freeze()
    with ThreadPoolExecutor(4) as threads:
        assert [reply.status_code for reply in threads.map(lambda client: client.ask("Bonjour"), clients)] == [200] * 4
    redis.thaw()
    eventually(lambda: clients[0].ask("Bonjour").headers["X-Cache"] == "HIT")
    eventually(lambda: not get_redis_connection("default").keys("bff:parallel:*"))
    redis.stop()


def test_redis_keys_expire_and_name_nobody(settings, visitor, open_stream):
    open_stream(visitor)
    redis = get_redis_connection("default")
    keys = redis.keys("bff:parallel:*")
    assert len(keys) == 2  # the visitor's, and the address'
    assert all(0 < redis.ttl(key) <= 120 for key in keys)
    assert b"127.0.0.1" not in b" ".join(keys)


def test_one_limit_holds_for_all_instances(ai, few_entries):
    ai.pace(30)
    servers = [Server(PARALLEL_ANSWERS_PER_ADDRESS="1") for _ in range(2)]
    try:
        with requests.post(f"{servers[0].url}/api/chat/stream", json={"message": "Bonjour"}, stream=True) as reply:
            assert reply.status_code == 200
            assert servers[1].ask("Bonjour").status_code == 429
            assert "[DONE]" in reply.text
        eventually(lambda: servers[1].ask("Bonjour").status_code == 200)
    finally:
        for server in servers:
            server.stop()
