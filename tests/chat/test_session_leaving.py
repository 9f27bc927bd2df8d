"""Whoever asked goes away: everything that the answer held is free at once."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from chat.events import Finish, Notice
from tests.chat.session_parts import a_breaker, a_half_open_breaker, a_question, a_session, said
from tests.waiting import eventually


@pytest.mark.parametrize("fault", ["hang", "slow", "drip"])
def test_closing_from_another_thread_before_the_first_byte_frees_everything_at_once(ai, fault):
    ai.fail(fault)
    breaker = a_half_open_breaker()
    asking = a_session(breaker)
    answering = asking.perform(a_question())
    heard: list[Any] = []
    reader = threading.Thread(target=lambda: heard.extend(answering))
    reader.start()
    eventually(lambda: ai.open_calls == 1)
    answering.close()
    left = time.monotonic()
    reader.join(0.5)
    assert not reader.is_alive()
    eventually(lambda: ai.open_calls == 0, 0.5)
    assert time.monotonic() - left < 0.5
    assert heard == []
    # Neither success nor failure, and the next call may be the probe.
    assert breaker.snapshot().state == "half_open"
    ai.heal()
    assert said(list(asking.perform(a_question())))


def test_closing_amid_an_answer_frees_everything_at_once(ai):
    ai.pace(5)
    breaker = a_breaker()
    answering = a_session(breaker).perform(a_question())
    next(answering)
    assert ai.open_calls == 1
    answering.close()
    eventually(lambda: ai.open_calls == 0, 0.5)
    assert breaker.snapshot().calls == 0
    assert list(answering) == []


def test_closing_during_the_wait_for_a_retry_wakes_at_once(ai):
    ai.fail("rate_limited", retry_after=20)
    answering = a_session(wait=threading.Event.wait).perform(a_question())
    assert isinstance(next(answering), Notice)
    reader = threading.Thread(target=lambda: list(answering))
    reader.start()
    time.sleep(0.05)
    answering.close()
    reader.join(0.5)
    assert not reader.is_alive()
    assert ai.calls == 1


def test_closing_twice_early_or_late_is_harmless(ai):
    asking = a_session()
    never_begun = asking.perform(a_question())
    never_begun.close()
    never_begun.close()
    assert list(never_begun) == []
    done = asking.perform(a_question())
    assert list(done)
    done.close()
    assert ai.calls == 1


def test_an_answer_closed_late_does_not_disturb_the_next_on_its_connection(ai):
    asking = a_session()
    first = asking.perform(a_question())
    while not isinstance(next(first), Finish):
        pass
    ai.pace(100)
    second = asking.perform(a_question())
    heard = [next(second)]
    first.close()
    heard.extend(second)
    assert isinstance(heard[-1], Finish)


def test_whoever_is_forgotten_is_as_good_as_closed(ai):
    ai.pace(5)
    asking = a_session()
    next(asking.perform(a_question()))
    eventually(lambda: ai.open_calls == 0, 0.5)
