"""A fresh connection has one time limit, from the host's name to the TLS handshake."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.concurrency import run_concurrently
from tests.support.fake_upstream import (
    Serve,
    joined_text,
    make_request,
    make_session,
    read_until_error,
    stream_response,
)
from tests.support.polling import quickest, seconds_of

LIMIT = 0.8  # seconds
Resolve = Callable[..., list[Any]]


@pytest.fixture(autouse=True)
def _one_short_attempt(settings) -> None:
    settings.AI_SERVICE_URL = "http://ai.example"
    settings.AI_CONNECT_TIMEOUT, settings.AI_MAX_ATTEMPTS = LIMIT, 1


@pytest.fixture
def resolver(monkeypatch) -> Callable[[Resolve], None]:
    """Replaces the system's."""
    system = socket.getaddrinfo

    def replace(resolve: Resolve) -> None:
        def only_ours(host: Any, *rest: Any, **more: Any) -> Any:
            return resolve() if host == "ai.example" else system(host, *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", only_ours)

    return replace


@pytest.fixture
def black_hole() -> Iterator[Any]:
    """An address that drops whatever wants to connect: its backlog is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield address_of(listener)


def address_of(listener: socket.socket) -> Any:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname())


def address_at(server: Any) -> Any:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(server.address.rpartition(":")[2])))


def test_the_addresses_of_a_host_share_the_time_of_one_connection(resolver, black_hole):
    resolver(lambda: [black_hole] * 4)
    ai_session = make_session()

    def fail() -> None:
        _, error = read_until_error(ai_session.stream(make_request()))
        assert error.code == "connection"

    assert LIMIT - 0.1 <= quickest(lambda: seconds_of(fail), LIMIT + 0.5) <= LIMIT + 0.5


@pytest.mark.parametrize("holes", [1, 3])
def test_an_address_behind_black_holes_is_reached(serve: Serve, resolver, settings, black_hole, holes):
    server = serve(stream_response("Bonjour"))
    settings.AI_SERVICE_URL = "http://ai.example"
    resolver(lambda: [black_hole] * holes + [address_at(server)])

    def ask() -> None:
        assert joined_text(make_session().stream(make_request())) == "Bonjour"

    assert quickest(lambda: seconds_of(ask), LIMIT + 0.2) <= LIMIT + 0.2


def test_a_resolver_that_hangs_costs_the_time_of_a_connection_and_one_thread(resolver):
    is_over = threading.Event()
    resolver(lambda: is_over.wait(10) and [])
    ai_session = make_session()

    def ask() -> str:
        _, error = read_until_error(ai_session.stream(make_request()))
        return error.code

    def ask_at_once() -> None:
        assert set(run_concurrently(20, ask)) == {"connection"}

    assert LIMIT - 0.1 <= quickest(lambda: seconds_of(ask_at_once), LIMIT + 0.5) <= LIMIT + 0.5
    assert [thread.name for thread in threading.enumerate()].count("resolver") == 1
    is_over.set()


def test_a_name_is_looked_up_again_after_a_failure(serve: Serve, resolver, settings):
    server = serve(stream_response("Bonjour"))
    settings.AI_SERVICE_URL = "http://ai.example"
    replies: list[Any] = [socket.gaierror(socket.EAI_AGAIN, "again"), [address_at(server)]]

    def resolve() -> list[Any]:
        reply = replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        addresses: list[Any] = reply
        return addresses

    resolver(resolve)
    ai_session = make_session()
    _, error = read_until_error(ai_session.stream(make_request()))
    assert isinstance(error.__cause__, Exception)
    assert isinstance(error.__cause__.__cause__, socket.gaierror)
    assert joined_text(ai_session.stream(make_request())) == "Bonjour"


def test_a_handshake_gets_what_is_left_of_the_time(resolver, settings):
    settings.AI_SERVICE_URL = "https://ai.example"
    with socket.create_server(("127.0.0.1", 0)) as listener:  # accepts, and says nothing

        def resolve() -> list[Any]:
            time.sleep(LIMIT / 2)
            return [address_of(listener)]

        def fail() -> None:
            _, error = read_until_error(ai_session.stream(make_request()))
            assert error.code == "connection"

        resolver(resolve)
        ai_session = make_session()
        assert LIMIT - 0.1 <= quickest(lambda: seconds_of(fail), LIMIT + 0.3) <= LIMIT + 0.3


def test_no_other_address_is_tried_for_a_call_that_is_cancelled(serve: Serve, resolver, settings, black_hole):
    server = serve(stream_response("Bonjour"))
    settings.AI_SERVICE_URL = "http://ai.example"
    resolver(lambda: [black_hole, address_at(server)])
    stream = make_session().stream(make_request())
    reader = threading.Thread(target=lambda: list(stream))
    reader.start()
    time.sleep(LIMIT / 8)
    stream.close()
    reader.join(5)
    assert server.connections == 0
