"""When the AI is asked again, and when it is not."""

from __future__ import annotations

import datetime as dt
import threading
from email.utils import format_datetime
from typing import Any

import pytest

from chat.events import Finish, Notice
from chat.questions import Question
from chat.upstream import openai, rag
from chat.upstream.breaker import Breaker
from chat.upstream.errors import AIInterrupted, AIRejected, AIUnavailable
from chat.upstream.line import Deadline
from chat.upstream.retry import RetryBudget
from tests.chat.session_parts import POLICY, Waits, a_breaker, a_question, a_session, answer, head, hear, said
from tests.chat.test_breaker import redis_client


def test_three_attempts_are_spaced_with_jitter_under_one_idempotency_key(ai):
    ai.fail("error", status=503)
    waits = Waits()
    _, error = hear(a_session(wait=waits).perform(a_question()))
    assert isinstance(error, AIUnavailable)
    assert (error.reason, error.code) == ("ai_error", "http_503")
    headers = [request["headers"] for request in ai.requests]
    assert [header["x-retry-count"] for header in headers] == ["0", "1", "2"]
    assert len({header["idempotency-key"] for header in headers}) == 1
    assert len({header["traceparent"].split("-")[1] for header in headers}) == 1  # each attempt may be a span of it
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0


def test_two_answers_have_two_idempotency_keys(ai):
    asking = a_session()
    list(asking.perform(a_question()))
    list(asking.perform(a_question()))
    assert len({request["headers"]["idempotency-key"] for request in ai.requests}) == 2


def test_waits_differ_from_call_to_call_and_double_up_to_four_seconds(ai, settings):
    settings.AI_ATTEMPTS = 5
    ai.fail("error")
    drawn = []
    for _ in range(5):
        waits = Waits()
        with pytest.raises(AIUnavailable):
            list(a_session(wait=waits).perform(a_question()))
        drawn.append(waits)
    for longest, column in zip([1, 2, 4, 4], zip(*drawn, strict=True), strict=True):
        assert all(longest / 2 <= wait <= longest for wait in column)
        assert len(set(column)) > 1


@pytest.mark.parametrize(("language", "text"), [("fr", "Nouvelle tentative dans 1 s"), ("en", "Trying again in 1 s")])
def test_who_waits_is_told_so_before_the_wait(ai, language, text):
    ai.fail("error", count=1)
    events: list[Any] = []
    told_before_waiting = []

    def wait(left: threading.Event, seconds: float) -> bool:
        told_before_waiting.append(list(events))
        return False

    for event in a_session(wait=wait).perform(openai.chat([{"role": "user", "content": "Bonjour"}], "m", language)):
        events.append(event)  # noqa: PERF402 - `wait` looks at what was heard so far
    notice = Notice("status", text, {"attempt": 2, "waitSeconds": 1})
    assert told_before_waiting == [[notice]]
    assert events[0] == notice
    assert isinstance(events[-1], Finish)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_statuses_that_may_pass_are_retried(ai, status):
    ai.fail("error", status=status, count=1)
    assert said(list(a_session().perform(a_question())))
    assert ai.calls == 2


def test_a_connection_that_breaks_before_any_answer_is_retried(ai):
    ai.fail("down", count=1)
    assert said(list(a_session().perform(a_question())))
    assert ai.calls == 2


def test_a_stream_that_is_cut_before_its_first_word_is_retried(ai):
    ai.fail("cut", after_tokens=0, count=1)
    assert said(list(a_session().perform(a_question())))
    assert ai.calls == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_a_refused_request_is_not_sent_again(ai, status):
    ai.fail("error", status=status)
    _, error = hear(a_session().perform(a_question()))
    assert isinstance(error, AIRejected)
    assert (error.reason, error.code) == ("ai_rejected", f"http_{status}")
    assert ai.calls == 1


def test_an_answer_that_may_be_being_written_is_not_asked_for_twice(ai, settings):
    settings.AI_READ_TIMEOUT_CHAT = 0.2
    ai.fail("hang")
    _, error = hear(a_session().perform(a_question()))
    assert isinstance(error, AIUnavailable)
    assert (error.reason, error.code) == ("timeout", "read_timeout")
    assert ai.calls == 1


def test_a_reply_that_is_not_the_protocol_is_not_asked_for_twice(ai):
    ai.fail("garbage")
    for exchange, code in [(a_question(), "not_a_stream"), (rag.chat(Question("Bonjour", "fr", "me")), "not_json")]:
        _, error = hear(a_session().perform(exchange))
        assert (error.reason, error.code) == ("ai_error", code)
    assert ai.calls == 2


def test_nothing_is_asked_again_once_a_word_was_said(ai):
    ai.fail("cut", after_tokens=3)
    events, error = hear(a_session().perform(a_question()))
    assert isinstance(error, AIInterrupted)
    assert (error.reason, error.code) == ("interrupted", "cut")
    assert len(said(events).split()) == 3
    assert ai.calls == 1


def test_the_service_is_left_alone_for_as_long_as_it_asks(ai):
    ai.fail("rate_limited", retry_after=7, count=1)
    waits = Waits()
    assert said(list(a_session(wait=waits).perform(a_question())))
    assert waits == [7.0]


def test_a_wait_that_leaves_no_useful_attempt_is_not_begun(ai):
    ai.fail("rate_limited", retry_after=7)
    waits = Waits()
    _, error = hear(a_session(wait=waits).perform(a_question(), deadline=Deadline.after(8.9)))
    assert isinstance(error, AIUnavailable)
    assert (error.reason, error.code, error.retry_after) == ("ai_error", "http_429", 7.0)
    assert waits == []
    assert ai.calls == 1


def test_a_call_whose_time_is_over_is_not_begun_and_not_held_against_the_service(ai):
    breaker = a_breaker()
    _, error = hear(a_session(breaker).perform(a_question(), deadline=Deadline.after(0)))
    assert isinstance(error, AIUnavailable)
    assert (error.reason, error.code) == ("timeout", "deadline")
    assert (ai.calls, breaker.snapshot().calls) == (0, 0)


def test_retries_stop_when_the_process_has_spent_its_budget(ai, settings):
    settings.AI_ATTEMPTS = 2
    breaker = a_breaker()
    asking = a_session(breaker)
    for _ in range(200):  # so that the failures to come are here and there
        breaker.acquire().success(0.1)
    ai.fail("error")
    for _ in range(12):
        hear(asking.perform(a_question()))
    assert ai.calls == 12 + 10


def test_in_an_outage_nobody_asks_again_after_one_persons_three_attempts(ai):
    breaker, waits = a_breaker(), Waits()
    ai.fail("error")
    for _ in range(10):
        _, error = hear(a_session(breaker, waits).perform(a_question()))
        assert error.reason == "ai_error"
    assert ai.calls == 3 + 9
    assert len(waits) == 2


@pytest.mark.parametrize(("successes", "attempts"), [(26, 1), (27, 2)])
def test_what_fails_here_and_there_is_asked_again(ai, successes, attempts):
    breaker = a_breaker()
    for _ in range(successes):
        breaker.acquire().success(0.1)
    for _ in range(2):
        breaker.acquire().failure("http_503")
    ai.fail("error", count=1)  # the third failure: 10 % of 30 calls, more of 29
    hear_all = list if attempts == 2 else hear
    hear_all(a_session(breaker).perform(a_question()))
    assert ai.calls == attempts


def test_an_outage_that_the_fleet_sees_ends_the_retries_of_a_process_that_has_seen_nothing_yet(ai, settings):
    elsewhere, here = (Breaker("chat", POLICY, redis=redis_client) for _ in range(2))
    for _ in range(4):
        elsewhere.acquire().failure("http_503")
    ai.fail("error")
    hear(a_session(here).perform(a_question()))
    assert ai.calls == 1


def test_the_budget_is_a_fifth_of_the_calls_of_the_last_minute_and_ten_at_least():
    now = [1000.0]
    budget = RetryBudget(clock=lambda: now[0])
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    now[0] += 59.9
    for _ in range(100):
        budget.count_call()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    now[0] += 0.2
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    now[0] += 60
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]


def test_retry_after_may_be_a_date(serve):
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=9)
    replies = [
        head("503 Service Unavailable", f"Retry-After: {format_datetime(later, usegmt=True)}", "Content-Length: 0"),
        answer("Bonjour"),
    ]
    serve(lambda connection: connection.sendall(replies.pop(0)))
    waits = Waits()
    list(a_session(wait=waits).perform(a_question()))
    assert waits[0] == pytest.approx(9, abs=3)


@pytest.mark.parametrize(
    "header",
    [
        "soon",
        "-5",
        "1e9",
        "NaN",
        "²",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 99999999999999999999 Oct 2015 07:28:00 GMT",
        "0",
        "9" * 5000,
    ],
)
def test_a_retry_after_without_sense_changes_nothing(serve, header):
    refusal = head("503 Service Unavailable", f"Retry-After: {header}", "Content-Length: 0").decode().encode("latin-1")
    replies = [refusal, answer("Bonjour")]
    serve(lambda connection: connection.sendall(replies.pop(0)))
    waits = Waits()
    list(a_session(wait=waits).perform(a_question()))
    assert 0.5 <= waits[0] <= 1.0


def test_a_port_where_nobody_listens_is_tried_three_times(settings, serve):
    serve(b"").close()
    waits = Waits()
    _, error = hear(a_session(wait=waits).perform(a_question()))
    assert (error.reason, error.code) == ("ai_error", "connection")
    assert len(waits) == 2
