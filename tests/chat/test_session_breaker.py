"""What the session tells the breaker, and what it lets the breaker tell it."""

from __future__ import annotations

from contextlib import closing

import pytest

from chat.events import Finish
from chat.upstream import breakers
from chat.upstream.errors import AIInterrupted, AIRejected, AIUnavailable
from chat.upstream.session import AISession
from tests.chat.session_parts import Waits, a_breaker, a_half_open_breaker, a_question, a_session, hear, said


@pytest.fixture
def redis():
    breaker = breakers.get("chat")
    breaker.reset(who="test", reason="test")
    yield
    breaker.reset(who="test", reason="test")


def test_an_open_breaker_is_not_passed(ai):
    breaker = a_breaker()
    breaker.force("open", who="test", reason="test", seconds=40)
    _, error = hear(a_session(breaker).perform(a_question()))
    assert isinstance(error, AIUnavailable)
    assert error.reason == "circuit_open"
    assert error.retry_after == pytest.approx(40, abs=1)
    assert ai.calls == 0


def test_a_breaker_that_opens_ends_the_retries(ai):
    ai.fail("error")
    _, error = hear(a_session(a_breaker(failure_threshold=2)).perform(a_question()))
    assert isinstance(error, AIUnavailable)
    assert error.reason == "circuit_open"
    assert ai.calls == 2


def test_each_attempt_is_one_vote(ai):
    ai.fail("error", count=2)
    breaker = a_breaker()
    list(a_session(breaker).perform(a_question()))
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (3, 2)


def test_a_cut_stream_is_one_failure(ai):
    ai.fail("cut")
    breaker = a_breaker()
    with pytest.raises(AIInterrupted):
        list(a_session(breaker).perform(a_question()))
    assert (breaker.snapshot().calls, breaker.snapshot().failures, breaker.snapshot().last_error) == (1, 1, "cut")


def test_a_slow_first_word_is_a_failure_though_the_answer_is_good(ai):
    ai.fail("slow", seconds=0.2)
    breaker = a_breaker(slow_call=0.1)
    assert said(list(a_session(breaker).perform(a_question())))
    assert breaker.snapshot().failures == 1


def test_a_refused_request_says_nothing_of_the_services_health(ai):
    ai.fail("error", status=422)
    breaker = a_breaker()
    with pytest.raises(AIRejected):
        list(a_session(breaker).perform(a_question()))
    assert breaker.snapshot().calls == 0


def test_the_service_may_ask_the_whole_fleet_to_stay_away(ai):
    ai.fail("rate_limited", retry_after=200)
    breaker = a_breaker(failure_threshold=1)
    with pytest.raises(AIUnavailable):
        list(a_session(breaker).perform(a_question()))
    assert breaker.snapshot().retry_after == pytest.approx(200, abs=1)


def test_a_probe_closes_the_circuit_at_its_first_word(ai):
    ai.pace(20)
    breaker = a_half_open_breaker()
    with closing(a_session(breaker).perform(a_question())) as answering:
        next(answering)
        assert breaker.snapshot().state == "closed"


def test_otherwise_an_answer_counts_once_it_is_whole(ai):
    ai.pace(100)
    breaker = a_breaker()
    answering = a_session(breaker).perform(a_question())
    next(answering)
    assert breaker.snapshot().calls == 0
    for event in answering:
        if isinstance(event, Finish):  # after which nobody has to ask for more
            assert breaker.snapshot().calls == 1


def test_the_fleets_breaker_is_the_one_that_counts(ai, redis):
    list(AISession(wait=Waits()).perform(a_question()))
    snapshot = breakers.get("chat").snapshot()
    assert (snapshot.source, snapshot.calls, snapshot.failures) == ("redis", 1, 0)
