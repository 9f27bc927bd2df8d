"""Closing an event stream releases everything that the call holds, without delay."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from chat.core.events import Finish, Notice
from tests.support.fake_upstream import joined_text, make_breaker, make_half_open_breaker, make_request, make_session
from tests.support.polling import eventually


@pytest.mark.parametrize("fault", ["hang", "slow", "drip"])
def test_closing_from_another_thread_before_the_first_byte_releases_everything(ai, fault):
    ai.fail(fault)
    breaker = make_half_open_breaker()
    ai_session = make_session(breaker)
    stream = ai_session.stream(make_request())
    received: list[Any] = []
    reader = threading.Thread(target=lambda: received.extend(stream))
    reader.start()
    eventually(lambda: ai.open_calls == 1)
    stream.close()
    reader.join(5)
    assert not reader.is_alive()
    eventually(lambda: ai.open_calls == 0, 5)
    assert received == []
    # Neither success nor failure, and the next call may be the probe.
    assert breaker.snapshot().state == "half_open"
    ai.heal()
    assert joined_text(list(ai_session.stream(make_request())))


def test_closing_during_an_answer_releases_everything(ai):
    ai.pace(1)  # the whole answer would take more than 10 s
    breaker = make_breaker()
    stream = make_session(breaker).stream(make_request())
    next(stream)
    assert ai.open_calls == 1
    stream.close()
    eventually(lambda: ai.open_calls == 0, 5)
    assert breaker.snapshot().calls == 0
    assert list(stream) == []


def test_closing_during_the_wait_before_a_retry_ends_the_wait(ai):
    ai.fail("rate_limited", retry_after=5)
    stream = make_session(wait=threading.Event.wait).stream(make_request())
    assert isinstance(next(stream), Notice)
    reader = threading.Thread(target=lambda: list(stream))
    reader.start()
    time.sleep(0.05)
    stream.close()
    reader.join(4)  # the wait would take 5
    assert not reader.is_alive()
    assert ai.calls == 1


def test_closing_twice_before_or_after_the_call_is_harmless(ai):
    ai_session = make_session()
    not_started = ai_session.stream(make_request())
    not_started.close()
    not_started.close()
    assert list(not_started) == []
    finished = ai_session.stream(make_request())
    assert list(finished)
    finished.close()
    assert ai.calls == 1


def test_closing_a_finished_answer_does_not_disturb_the_next_one_on_its_connection(ai):
    ai_session = make_session()
    first = ai_session.stream(make_request())
    while not isinstance(next(first), Finish):
        pass
    ai.pace(100)
    second = ai_session.stream(make_request())
    received = [next(second)]
    first.close()
    received.extend(second)
    assert isinstance(received[-1], Finish)


def test_a_stream_without_references_is_closed(ai):
    ai.pace(1)  # the whole answer would take more than 10 s
    ai_session = make_session()
    next(ai_session.stream(make_request()))
    eventually(lambda: ai.open_calls == 0, 5)
