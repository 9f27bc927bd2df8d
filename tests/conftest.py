"""Fixtures of all tests: the stand-in AI, a clean Redis, an HTTP client, and running servers."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from typing import Any
from weakref import WeakSet

import hypothesis
import pytest
import requests
from django.conf import settings
from django.core.management.commands import flush
from django.http.response import HttpResponseBase
from django.test import Client
from django_redis import get_redis_connection

from ai_service.control import StandIn
from bff.machine import Capacity
from chat import knowledge, runs
from chat.history import late_writes
from chat.knowledge import reloader
from chat.knowledge.knowledge_base import KnowledgeBase
from chat.models import KnowledgeEntry
from chat.runs import redis_log
from chat.storage import fleet_counters
from chat.upstream import breaker_registry, session
from observability import outage
from observability.redis_trips import RedisTrips
from observability.shared_redis import shared_redis
from tests import slow_tests
from tests.support import database, factories
from tests.support.polling import eventually
from tests.support.server import Server

# A shell starts background jobs with SIGINT ignored, and child processes inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is slow, and random cases have no time of their own.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto` is two more than the cores: tests wait for other programs half of the time."""
    return Capacity().cores() + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if slow_tests.is_slow(item):
            item.add_marker(pytest.mark.slow)
        if slow_tests.is_without_coverage(item):
            item.add_marker(pytest.mark.without_coverage)


class ChatClient(Client):
    """A client with cookies that sends JSON."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._streams: WeakSet[HttpResponseBase] = WeakSet()

    def request(self, **environ: Any) -> Any:
        response = super().request(**environ)
        if response.streaming:
            self._streams.add(response)
        return response

    def close(self) -> None:
        """Close the streams that were not read to their end: the garbage collector would, during a later test."""
        for stream in self._streams:
            stream.close()

    def ask(self, message: str, **body: Any) -> Any:
        return self.post_json("/api/chat/message", {"message": message, **body})

    def post_json(self, path: str, body: Any, **options: Any) -> Any:
        return self.post(path, body, content_type="application/json", **options)

    def stream(self, message: str, **body: Any) -> Any:
        return self.post_json("/api/chat/stream", {"message": message, **body})


@pytest.fixture
def visitor(db: None) -> Iterator[ChatClient]:
    knowledge.refresh()  # else the entries of an earlier test would be reloaded during this one
    with closing(ChatClient(raise_request_exception=False)) as client:
        yield client


@pytest.fixture
def another_visitor() -> Iterator[ChatClient]:
    with closing(ChatClient(raise_request_exception=False)) as client:
        yield client


@pytest.fixture
def ai() -> Iterator[StandIn]:
    """The stand-in AI service, without faults and with its counters at zero."""
    stand_in = StandIn(settings.AI_SERVICE_URL)
    stand_in.reset()
    yield stand_in
    stand_in.reset()


@pytest.fixture(scope="session", autouse=True)
def _threads_seen_by_coverage() -> Iterator[None]:
    """Coverage watches no bare thread, and runs are written in such."""

    def start(function: Callable[..., object], arguments: tuple[object, ...]) -> None:
        threading.Thread(target=function, args=arguments, daemon=True).start()

    with pytest.MonkeyPatch.context() as patch:
        if threading.gettrace():
            patch.setattr("_thread.start_new_thread", start)
        yield


@pytest.fixture(scope="session", autouse=True)
def _database_for_the_session(django_db_setup: None) -> Iterator[None]:
    """Create the test database before any background thread starts: a thread that connects earlier would open the pool
    to the production database name. Stop the knowledge reloader, and wait for the other threads that use the database,
    before it is dropped."""
    yield
    knowledge._reloader.stop()
    database.end_other_sessions()


@pytest.fixture(scope="session", autouse=True)
def _trips_of_the_programs_own_clients() -> None:
    """Made before a test replaces a client or an address: they are kept, and the first of a server probe its outage."""
    for shared in (shared_redis, redis_log.tail_redis, breaker_registry.breaker_redis):
        _ = shared.outage, shared.trips


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush.Command, "handle", database.empty_tables)
        yield


@pytest.fixture(scope="session", autouse=True)
def _bundled_entries_indexed_once() -> Iterator[None]:
    """Each test with entries of its own is followed by one with the bundled ones, whose index takes a second of CPU."""
    entries = cache(reloader.bundled_entries)
    bundled = cache(lambda: KnowledgeBase(entries()))

    def build(given: list[KnowledgeEntry]) -> KnowledgeBase:
        return bundled() if given is entries() else KnowledgeBase(given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reloader, "bundled_entries", entries)
        patch.setattr(reloader, "KnowledgeBase", build)
        yield


@pytest.fixture(autouse=True)
def _posts_are_executed_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a test can look for what they wrote. Servers in processes of their own post them."""
    if request.module.__name__ != "tests.observability.test_redis_trips":
        monkeypatch.setattr(RedisTrips, "post", RedisTrips.send)


@pytest.fixture(autouse=True)
def _close_streams() -> Iterator[None]:
    """Close the streams that a test did not read to their end: the garbage collector would warn in a later test."""
    streams: list[requests.Response] = []
    send = requests.Session.send

    def send_and_remember(*args: Any, **options: Any) -> requests.Response:
        response = send(*args, **options)
        if options.get("stream"):
            streams.append(response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "send", send_and_remember)
        yield
    for stream in streams:
        stream.close()


@pytest.fixture(autouse=True)
def _clean_state() -> Iterator[None]:
    """Remove what a test left in Redis and in this process."""
    yield
    _end_runs()
    late_writes.queue._waiting.clear()  # unsaved answers of a test must not reach the next test's database
    fleet_counters.hit_rate()  # flushes this process's counters, so that the flush cannot follow flushdb
    get_redis_connection("default").flushdb()
    breaker_registry._build.cache_clear()
    session.get.cache_clear()
    for redis_outage in outage._redis_outages.values():
        redis_outage.end()


def _end_runs() -> None:
    """Runs outlive their readers: their end would be counted, saved or cached during the next test."""
    for run in list(runs._broker._runs.values()):
        run.cancel()
    eventually(lambda: not runs.is_leading())


@pytest.fixture
def quick_breakers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The circuits open with the fifth failure in a row, even if the first is no second ago."""
    monkeypatch.setattr(breaker_registry, "MIN_STREAK_SECONDS", 0.0)
    breaker_registry._build.cache_clear()


@pytest.fixture
def patient_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The headers of a stream wait longer for its first event, which a busy machine may make late."""
    monkeypatch.setattr("chat.runs.run.FIRST_KEEPALIVE_SECONDS", 10.0)


@pytest.fixture
def few_entries(transactional_db: None) -> None:
    """What a server knows that is started after this."""
    factories.few_entries()


@pytest.fixture
def server(ai: StandIn, few_entries: None) -> Iterator[Server]:
    """A running instance with two workers. One per test, because runs outlive their readers."""
    instance = Server(workers=2)
    yield instance
    instance.stop()


@pytest.fixture
def two_servers(ai: StandIn, few_entries: None) -> Iterator[tuple[Server, Server]]:
    """Two instances of one worker each that share Redis, PostgreSQL and the stand-in AI."""
    instances = Server(), Server()
    yield instances
    for instance in instances:
        instance.stop()
