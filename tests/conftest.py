"""What every test may ask for: the stand-in AI, a clean Redis, and a client that speaks JSON."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django_redis import get_redis_connection

from ai_service.control import StandIn
from chat import hit_rate, knowledge, runs
from chat.upstream import breakers, session
from observability import absence
from tests.server import Server
from tests.waiting import eventually

# A shell that runs us in the background has us, and all that we start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class ChatClient(Client):
    """Somebody with a browser: keeps cookies, sends JSON."""

    def ask(self, message: str, **body: Any) -> Any:
        return self.post_json("/api/chat/message", {"message": message, **body})

    def post_json(self, path: str, body: Any, **options: Any) -> Any:
        return self.post(path, body, content_type="application/json", **options)

    def stream(self, message: str, **body: Any) -> Any:
        return self.post_json("/api/chat/stream", {"message": message, **body})


@pytest.fixture
def visitor(db: None) -> ChatClient:
    knowledge.refresh()  # an earlier test's entries would go out of force in the middle of this one
    return ChatClient(raise_request_exception=False)


@pytest.fixture
def another_visitor() -> ChatClient:
    return ChatClient(raise_request_exception=False)


@pytest.fixture
def ai() -> Iterator[StandIn]:
    """The stand-in AI service, healthy and with nothing counted."""
    stand_in = StandIn(settings.AI_SERVICE_URL)
    stand_in.reset()
    yield stand_in
    stand_in.reset()


@pytest.fixture(scope="session", autouse=True)
def _database_around_all_else(django_db_setup: None) -> Iterator[None]:
    """Made while no thread of ours lives yet: one that asks the database meanwhile opens the pool to the wrong one.
    Taken down when none does any more."""
    yield
    knowledge._library.stop()


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """No test finds what another left in Redis or in this process."""
    yield
    _end_answers_under_way()
    hit_rate.current()  # what it counted is handed in before, not after
    get_redis_connection("default").flushdb()
    breakers._build.cache_clear()
    session.get.cache_clear()
    absence.all_over()


def _end_answers_under_way() -> None:
    """An answer outlives its reader: its end would be counted, saved or kept in the middle of another test."""
    for run in list(runs._office._runs.values()):
        run.cancel()
    eventually(lambda: not runs.is_leading())


@pytest.fixture
def server(ai: StandIn, transactional_db: None) -> Iterator[Server]:
    """A running instance with two workers. Each test has its own: answers outlive the reader who asked for them."""
    instance = Server(workers=2)
    yield instance
    instance.stop()


@pytest.fixture
def two_servers(ai: StandIn, transactional_db: None) -> Iterator[tuple[Server, Server]]:
    """Two instances of one worker each, sharing Redis, PostgreSQL and the stand-in."""
    instances = Server(), Server()
    yield instances
    for instance in instances:
        instance.stop()
