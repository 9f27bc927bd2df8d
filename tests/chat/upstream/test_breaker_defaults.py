"""With the settings that ship: how soon the breaker opens after the AI fails, fast and slow traffic alike."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

from chat.upstream import breaker_registry, service
from chat.upstream.errors import AIError
from chat.upstream.session import AISession
from tests.support.breakers import Clock, breaker_with_clock, redis_client
from tests.support.fake_upstream import make_request, make_session


def ask(session: AISession, text: str) -> None:
    with suppress(AIError):
        list(session.stream(make_request(text)))


def test_at_eight_questions_a_second_it_opens_within_two_seconds_and_twenty_failed_calls(ai, monkeypatch):
    monkeypatch.setattr(breaker_registry.breaker_redis, "client", redis_client())
    session, breaker = AISession(service.primary()), breaker_registry.get("chat")
    breaker.reset(who="test", reason="test")
    asked: list[threading.Thread] = []

    def ask_eight_a_second_until(is_over) -> None:
        while not is_over():
            asked.append(threading.Thread(target=ask, args=(session, f"Question {len(asked)} ?")))
            asked[-1].start()
            time.sleep(0.125)

    healthy_until = time.monotonic() + 5
    ask_eight_a_second_until(lambda: time.monotonic() > healthy_until)
    assert breaker.snapshot().failures == 0
    ai.fail("error", status=503)
    failed_at = time.time()
    ask_eight_a_second_until(lambda: breaker.snapshot().state == "open" or time.time() > failed_at + 10)
    for thread in asked:
        thread.join(10)
    snapshot = breaker.snapshot()
    breaker.reset(who="test", reason="test")
    assert snapshot.opened_at is not None, snapshot
    assert 1 <= snapshot.opened_at - failed_at <= 2
    assert snapshot.failures <= 20


def test_at_one_question_in_ten_seconds_it_opens_with_the_fifth_failure(ai):
    clock = Clock()
    breaker = breaker_with_clock("redis", clock, breaker_registry._policy("chat"))

    def wait(cancelled: threading.Event, seconds: float) -> bool:
        clock.advance(seconds)
        return cancelled.is_set()

    session = make_session(breaker, wait=wait)
    for number in range(6):
        ask(session, f"Question {number} ?")
        clock.advance(10)
    ai.fail("error", status=503)
    calls = ai.calls
    for number in range(5):
        ask(session, f"Encore une question {number} ?")
        clock.advance(10)
    assert breaker.snapshot().state == "open"
    assert ai.calls == calls + 5


@pytest.mark.parametrize(
    ("operation", "first_words_after", "state"),
    [("chat", 16.0, "open"), ("analyze", 59.0, "closed"), ("analyze", 61.0, "open")],
)
def test_only_a_document_may_take_as_long_as_its_read_timeout(operation, first_words_after, state):
    clock = Clock()
    breaker = breaker_with_clock("redis", clock, breaker_registry._policy(operation))
    for number in range(8):
        breaker.acquire(f"subject {number}").success(first_words_after)
        clock.advance(10)
        if breaker.snapshot().state != "closed":
            break
    assert breaker.snapshot().state == state


def test_a_longer_limit_for_slow_calls_counts_for_documents_too(settings):
    settings.BREAKER_SLOW_CALL_SECONDS = 100.0
    assert breaker_registry._policy("analyze").slow_call == 100
