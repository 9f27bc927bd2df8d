"""A reused connection that stays silent is given one parallel try, which costs neither an answer nor a vote."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ai_service.control import StandIn
from chat.core.events import Event, Finish
from chat.upstream.errors import AIUnavailable
from chat.upstream.http.parallel_tries import MAX_AT_A_TIME, PAUSE_SECONDS, ParallelTries
from chat.upstream.session import AISession
from tests.support.concurrency import run_concurrently
from tests.support.fake_upstream import (
    Handler,
    joined_text,
    make_breaker,
    make_request,
    make_session,
    stream_response,
)
from tests.support.middlebox import Middlebox
from tests.support.polling import eventually

ANSWER = stream_response("Bonjour", " à vous")


@pytest.fixture
def middlebox(ai: StandIn, settings) -> Iterator[Middlebox]:
    """Between this program and the stand-in."""
    box = Middlebox(settings.AI_SERVICE_URL)
    settings.AI_SERVICE_URL = box.address
    yield box
    box.close()


def ask(session: AISession, text: str = "Bonjour") -> list[Event]:
    return list(session.stream(make_request(text)))


def answer_after(seconds_of: Callable[[socket.socket], float]) -> Handler:
    def handle(connection: socket.socket) -> None:
        time.sleep(seconds_of(connection))
        connection.sendall(ANSWER)

    return handle


def first_request_only(connection_of_first: list[object], seconds: float = 0.0) -> Handler:
    """A handler that answers the first request of each connection, and later ones after `seconds`, or never if 0."""

    def handle(connection: socket.socket) -> None:
        if connection not in connection_of_first:
            connection_of_first.append(connection)
            connection.sendall(ANSWER)
        elif seconds:
            time.sleep(seconds)
            connection.sendall(ANSWER)
        else:
            connection.recv(1)

    return handle


def test_ten_questions_on_connections_that_a_middlebox_forgot_are_answered_without_a_vote(ai, middlebox, settings):
    """With the shipped setting."""
    breaker = make_breaker()
    session = make_session(breaker)
    ai.pace(20)
    run_concurrently(10, lambda: ask(session))
    assert middlebox.connections == 10
    ai.pace(0)
    middlebox.forget()
    before, started_at = ai.calls, time.monotonic()
    answers = run_concurrently(10, lambda: ask(session))
    assert {type(answer[-1]) for answer in answers} == {Finish}
    assert settings.AI_STALE_SECONDS <= time.monotonic() - started_at < 2 * settings.AI_STALE_SECONDS
    assert ai.calls == before + 10
    assert breaker.snapshot().failures == 0
    eventually(lambda: middlebox.open_forgotten_connections == 0)


def test_the_parallel_try_has_the_same_key_and_is_no_attempt(serve, settings):
    settings.AI_STALE_SECONDS = 0.2
    server = serve(first_request_only([]))
    session = make_session()
    ask(session)
    stream = session.stream(make_request())
    assert joined_text(stream) == "Bonjour à vous"
    assert [attempt.outcome for attempt in stream.attempts] == ["ok"]
    _, silent, parallel = server.requests
    assert silent == parallel
    assert server.connections == 2


def test_a_slow_answer_on_the_silent_connection_wins_if_it_begins_first(serve, settings):
    settings.AI_STALE_SECONDS = 0.2
    seen: list[object] = []
    server = serve(first_request_only(seen, seconds=0.8))
    session = make_session()
    ask(session)
    server.handler = answer_after(lambda connection: 0.6 if connection in seen else 3)
    started_at = time.monotonic()
    assert joined_text(ask(session)) == "Bonjour à vous"
    assert time.monotonic() - started_at < 3
    assert server.connections == 2
    assert joined_text(ask(session)) == "Bonjour à vous"  # on the same connection: it is still good
    assert server.connections == 2  # and no parallel try now: the service is slow


def test_a_fresh_connection_gets_no_parallel_try(serve, settings):
    settings.AI_STALE_SECONDS = 0.1
    server = serve(answer_after(lambda _: 0.5))
    ask(make_session())
    assert server.connections == 1


def test_zero_turns_parallel_tries_off(serve, settings):
    settings.AI_STALE_SECONDS, settings.AI_READ_TIMEOUT_CHAT, settings.AI_MAX_ATTEMPTS = 0, 0.5, 1
    server = serve(first_request_only([]))
    session = make_session()
    ask(session)
    with pytest.raises(AIUnavailable):
        ask(session)
    assert server.connections == 1


def test_a_service_that_is_silent_on_both_connections_has_failed(serve, settings):
    settings.AI_STALE_SECONDS, settings.AI_READ_TIMEOUT_CHAT, settings.AI_MAX_ATTEMPTS = 0.2, 0.6, 1
    server = serve(first_request_only([]))
    breaker = make_breaker()
    session = make_session(breaker)
    ask(session)
    server.handler = lambda connection: connection.recv(1)
    with pytest.raises(AIUnavailable) as failure:
        ask(session)
    assert failure.value.reason == "timeout"
    assert breaker.snapshot().failures == 1


def test_a_service_that_takes_no_new_connections_is_waited_for_on_the_old_one(serve, settings):
    settings.AI_STALE_SECONDS = 0.2
    server = serve(first_request_only([], seconds=0.8))
    session = make_session()
    ask(session)
    server.stop_listening()
    assert joined_text(ask(session)) == "Bonjour à vous"


def test_closing_the_stream_ends_both_connections(serve, settings):
    settings.AI_STALE_SECONDS = 0.2
    server = serve(first_request_only([]))
    session = make_session()
    ask(session)
    server.handler = lambda connection: connection.recv(1)
    stream = session.stream(make_request())
    reader = threading.Thread(target=list, args=[stream])
    reader.start()
    eventually(lambda: len(server.requests) == 3)
    stream.close()
    reader.join(5)
    assert not reader.is_alive()
    eventually(lambda: server.open_connections == 0)


def test_a_needless_try_pauses_them_and_only_some_run_at_a_time():
    now = 0.0
    tries = ParallelTries(lambda: now)
    running = [tries.begin() for _ in range(MAX_AT_A_TIME + 1)]
    assert [each.__enter__() for each in running] == [True] * MAX_AT_A_TIME + [False]
    for each in running:
        each.__exit__(None, None, None)
    tries.was_needless()
    with tries.begin() as is_allowed:
        assert not is_allowed
    now = PAUSE_SECONDS
    with tries.begin() as is_allowed:
        assert is_allowed
