"""How the session uses the breaker: permits, results and refusals."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest

from chat.core.events import Finish
from chat.upstream import breaker_registry, service
from chat.upstream.errors import AIError, AIInterrupted, AIRejected, AIUnavailable
from chat.upstream.session import AISession
from tests.support.fake_upstream import (
    RecordedWaits,
    head,
    joined_text,
    make_breaker,
    make_half_open_breaker,
    make_request,
    make_session,
    read_until_error,
)
from tests.support.polling import eventually


@pytest.fixture
def reset_breaker():
    breaker = breaker_registry.get("chat")
    breaker.reset(who="test", reason="test")
    yield
    breaker.reset(who="test", reason="test")


def test_an_open_breaker_refuses_the_call(ai):
    breaker = make_breaker()
    breaker.force("open", who="test", reason="test", seconds=40)
    _, error = read_until_error(make_session(breaker).stream(make_request()))
    assert isinstance(error, AIUnavailable)
    assert error.reason == "circuit_open"
    assert error.retry_after == pytest.approx(40, abs=1)
    assert ai.calls == 0


def test_a_breaker_that_opens_ends_the_retries(ai):
    ai.fail("error")
    _, error = read_until_error(make_session(make_breaker(failure_threshold=2)).stream(make_request()))
    assert isinstance(error, AIUnavailable)
    assert error.reason == "circuit_open"
    assert ai.calls == 2


def test_each_attempt_is_counted_once(ai):
    ai.fail("error", count=2)
    breaker = make_breaker()
    list(make_session(breaker).stream(make_request()))
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (3, 2)


def test_a_cut_stream_is_one_failure(ai):
    ai.fail("cut")
    breaker = make_breaker()
    with pytest.raises(AIInterrupted):
        list(make_session(breaker).stream(make_request()))
    assert (breaker.snapshot().calls, breaker.snapshot().failures, breaker.snapshot().last_error) == (1, 1, "cut")


def test_slow_first_words_are_a_failure_even_of_a_complete_answer(ai):
    ai.fail("slow", seconds=0.2)
    breaker = make_breaker(slow_call=0.1)
    assert joined_text(list(make_session(breaker).stream(make_request())))
    assert breaker.snapshot().failures == 1


def test_a_rejected_request_is_not_counted(ai):
    ai.fail("error", status=422)
    breaker = make_breaker()
    with pytest.raises(AIRejected):
        list(make_session(breaker).stream(make_request()))
    assert breaker.snapshot().calls == 0


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_no_4xx_closes_a_half_open_circuit(ai, status):
    ai.fail("error", status=status)
    breaker = make_half_open_breaker()
    session = make_session(breaker)
    for _ in range(6):
        with pytest.raises(AIError):
            list(session.stream(make_request()))
    assert breaker.snapshot().state == "half_open"


def test_a_call_without_first_words_counts_while_it_hangs(ai):
    ai.fail("hang")
    breaker = make_breaker(slow_call=0.1)
    with closing(make_session(breaker).stream(make_request())) as stream:
        reader = threading.Thread(target=list, args=(stream,))
        reader.start()
        eventually(lambda: breaker.snapshot().failures == 1)
        assert (breaker.snapshot().calls, breaker.snapshot().last_error) == (1, "slow")
        assert reader.is_alive()
    reader.join(5)
    assert breaker.snapshot().calls == 1  # what became of it does not count any more


def test_a_call_cancelled_before_it_is_slow_is_not_counted(ai):
    ai.fail("hang")
    breaker = make_breaker(slow_call=1.5)
    with closing(make_session(breaker).stream(make_request())) as stream:
        reader = threading.Thread(target=list, args=(stream,))
        reader.start()
        eventually(lambda: ai.calls)
    reader.join(5)
    time.sleep(1.7)
    assert breaker.snapshot().calls == 0


def test_the_attempts_of_one_call_are_about_one_question(ai):
    ai.fail("error", count=6)
    breaker = make_breaker(failure_threshold=3, min_subjects=3)
    session = make_session(breaker)
    for _ in range(2):
        with pytest.raises(AIError):
            list(session.stream(make_request()))
    assert breaker.snapshot().state == "closed"
    assert breaker.snapshot().failures_in_row >= 4


def test_one_question_asked_again_and_again_does_not_open_the_circuit_and_three_different_ones_do(ai):
    ai.fail("error")
    breaker = make_breaker(failure_threshold=3, min_subjects=3)
    session = make_session(breaker)
    for _ in range(5):
        read_until_error(session.stream(make_request("Une question")))
    assert breaker.snapshot().state == "closed"
    for text in ("Une autre", "Une troisième"):
        read_until_error(session.stream(make_request(text)))
    assert breaker.snapshot().state == "open"


def test_calls_in_the_background_do_not_hide_failures(ai):
    breaker = make_breaker()
    session = make_session(breaker)
    breaker.acquire().failure("http_503")
    list(session.stream(make_request(), is_background=True))
    assert breaker.snapshot().failures_in_row == 1
    list(session.stream(make_request()))
    assert breaker.snapshot().failures_in_row == 0


@pytest.mark.parametrize("retry_after", ["999999999", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_of_years_is_bounded(serve, settings, retry_after):
    settings.AI_MAX_ATTEMPTS = 1
    serve(head("503 Service Unavailable", f"Retry-After: {retry_after}", "Content-Length: 0"))
    _, error = read_until_error(make_session().stream(make_request()))
    assert error.retry_after == 300


def test_retry_after_extends_the_open_time(ai):
    ai.fail("rate_limited", retry_after=200)
    breaker = make_breaker(failure_threshold=1)
    with pytest.raises(AIUnavailable):
        list(make_session(breaker).stream(make_request()))
    assert breaker.snapshot().retry_after == pytest.approx(200, abs=1)


def test_a_probe_closes_the_circuit_at_its_first_words(ai):
    ai.pace(20)
    breaker = make_half_open_breaker()
    with closing(make_session(breaker).stream(make_request())) as stream:
        next(stream)
        assert breaker.snapshot().state == "closed"


def test_a_call_that_is_no_probe_is_counted_when_it_is_complete(ai):
    ai.pace(100)
    breaker = make_breaker()
    stream = make_session(breaker).stream(make_request())
    next(stream)
    assert breaker.snapshot().calls == 0
    for event in stream:
        if isinstance(event, Finish):  # most consumers stop reading here
            assert breaker.snapshot().calls == 1


@pytest.mark.usefixtures("reset_breaker")
def test_by_default_the_session_uses_the_breaker_in_redis(ai):
    list(AISession(service.primary(), wait=RecordedWaits()).stream(make_request()))
    snapshot = breaker_registry.get("chat").snapshot()
    assert (snapshot.source, snapshot.calls, snapshot.failures) == ("redis", 1, 0)
