"""Which failures are retried, when, and how often."""

from __future__ import annotations

import datetime as dt
import threading
import time
from email.utils import format_datetime
from typing import Any

import pytest

from chat.core.events import Finish, Notice
from chat.core.question import Question
from chat.upstream.errors import AIInterrupted, AIMisconfigured, AIRejected, AIUnavailable
from chat.upstream.http.cancel_scope import CallCancelled, CancelScope, Deadline
from chat.upstream.http.transport import ERROR_BODY_SECONDS
from chat.upstream.protocols import openai, rag
from chat.upstream.retry import RetryBudget
from tests.support.breakers import fail, redis_breaker, succeed
from tests.support.fake_upstream import (
    TOLERANT_POLICY,
    RecordedWaits,
    head,
    joined_text,
    make_breaker,
    make_request,
    make_session,
    read_until_error,
    stream_response,
)


def test_three_attempts_wait_with_jitter_and_share_one_idempotency_key(ai):
    ai.fail("error", status=503)
    waits = RecordedWaits()
    _, error = read_until_error(make_session(wait=waits).stream(make_request()))
    assert isinstance(error, AIUnavailable)
    assert (error.reason, error.code) == ("ai_error", "http_503")
    headers = [request["headers"] for request in ai.requests]
    assert [header["x-retry-count"] for header in headers] == ["0", "1", "2"]
    assert len({header["idempotency-key"] for header in headers}) == 1
    assert (
        len({header["traceparent"].split("-")[1] for header in headers}) == 1
    )  # each attempt may be a span of this trace
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0


def test_two_calls_have_two_idempotency_keys(ai):
    ai_session = make_session()
    list(ai_session.stream(make_request()))
    list(ai_session.stream(make_request()))
    assert len({request["headers"]["idempotency-key"] for request in ai.requests}) == 2


def test_waits_are_random_and_double_up_to_four_seconds(ai, settings):
    settings.AI_MAX_ATTEMPTS = 5
    ai.fail("error")
    all_waits = []
    for _ in range(5):
        waits = RecordedWaits()
        with pytest.raises(AIUnavailable):
            list(make_session(wait=waits).stream(make_request()))
        all_waits.append(waits)
    for longest, column in zip([1, 2, 4, 4], zip(*all_waits, strict=True), strict=True):
        assert all(longest / 2 <= wait <= longest for wait in column)
        assert len(set(column)) > 1


@pytest.mark.parametrize(("language", "text"), [("fr", "Nouvelle tentative dans 1 s"), ("en", "Trying again in 1 s")])
def test_a_notice_is_sent_before_the_wait(ai, language, text):
    ai.fail("error", count=1)
    events: list[Any] = []
    events_before_wait = []

    def wait(cancelled: threading.Event, seconds: float) -> bool:
        events_before_wait.append(list(events))
        return False

    for event in make_session(wait=wait).stream(openai.chat([{"role": "user", "content": "Bonjour"}], "m", language)):
        events.append(event)  # noqa: PERF402 - `wait` reads the events received so far
    notice = Notice("status", text, {"attempt": 2, "waitSeconds": 1})
    assert events_before_wait == [[notice]]
    assert events[0] == notice
    assert isinstance(events[-1], Finish)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_transient_statuses_are_retried(ai, status):
    ai.fail("error", status=status, count=1)
    assert joined_text(list(make_session().stream(make_request())))
    assert ai.calls == 2


def test_a_connection_that_breaks_before_the_response_is_retried(ai):
    ai.fail("down", count=1)
    assert joined_text(list(make_session().stream(make_request())))
    assert ai.calls == 2


def test_a_stream_that_breaks_before_its_first_words_is_retried(ai):
    ai.fail("cut", after_tokens=0, count=1)
    assert joined_text(list(make_session().stream(make_request())))
    assert ai.calls == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, AIRejected) for status in (400, 409, 413, 418, 422)),
        *((status, AIMisconfigured) for status in (301, 401, 402, 403, 404, 405)),
    ],
)
def test_a_refused_request_is_not_retried(ai, status, kind):
    ai.fail("error", status=status)
    _, error = read_until_error(make_session().stream(make_request()))
    assert type(error) is kind
    assert error.code == f"http_{status}"
    assert error.reason == ("ai_rejected" if kind is AIRejected else "ai_misconfigured")
    # 400 and 422 may be about the options of the request: it is sent once more without them.
    assert ai.calls == (2 if status in {400, 422} else 1)


def test_a_read_timeout_is_not_retried(ai, settings):
    settings.AI_READ_TIMEOUT_CHAT = 0.2
    ai.fail("hang")
    _, error = read_until_error(make_session().stream(make_request()))
    assert isinstance(error, AIUnavailable)
    assert (error.reason, error.code) == ("timeout", "read_timeout")
    assert ai.calls == 1


def test_a_retry_that_leaves_too_little_time_for_the_first_words_is_not_made(ai, settings):
    settings.AI_FIRST_WORDS_SECONDS = 2.4  # half a second at least before the retry, and two for itself
    ai.fail("error", status=503)
    _, error = read_until_error(make_session().stream(make_request()))
    assert error.code == "http_503"
    assert ai.calls == 1


def test_a_malformed_response_is_not_retried(ai):
    ai.fail("garbage")
    for request, code in [
        (make_request(), "not_a_stream"),
        (rag.chat(Question("Bonjour", "fr", "me"), "me"), "not_json"),
    ]:
        _, error = read_until_error(make_session().stream(request))
        assert (error.reason, error.code) == ("ai_error", code)
    assert ai.calls == 2


def test_a_stream_that_breaks_after_its_first_words_is_not_retried(ai):
    ai.fail("cut", after_tokens=3)
    events, error = read_until_error(make_session().stream(make_request()))
    assert isinstance(error, AIInterrupted)
    assert (error.reason, error.code) == ("interrupted", "cut")
    assert len(joined_text(events).split()) == 3
    assert ai.calls == 1


def test_a_retry_waits_for_the_retry_after_of_the_service(ai):
    ai.fail("rate_limited", retry_after=7, count=1)
    waits = RecordedWaits()
    assert joined_text(list(make_session(wait=waits).stream(make_request())))
    assert waits == [7.0]


def test_a_retry_that_does_not_fit_the_deadline_is_not_made(ai):
    ai.fail("rate_limited", retry_after=7)
    waits = RecordedWaits()
    _, error = read_until_error(make_session(wait=waits).stream(make_request(), deadline=Deadline.after(8.9)))
    assert isinstance(error, AIUnavailable)
    assert (error.reason, error.code, error.retry_after) == ("ai_error", "http_429", 7.0)
    assert waits == []
    assert ai.calls == 1


def test_a_call_past_its_deadline_is_not_made_and_not_counted_by_the_breaker(ai):
    breaker = make_breaker()
    _, error = read_until_error(make_session(breaker).stream(make_request(), deadline=Deadline.after(0)))
    assert isinstance(error, AIUnavailable)
    assert (error.reason, error.code) == ("timeout", "deadline")
    assert (ai.calls, breaker.snapshot().calls) == (0, 0)


def test_retries_stop_when_the_budget_of_the_process_is_used_up(ai, settings):
    settings.AI_MAX_ATTEMPTS = 2
    breaker = make_breaker()
    ai_session = make_session(breaker)
    for _ in range(200):  # so that the following failures are no outage
        breaker.acquire().success(0.1)
    ai.fail("error")
    for _ in range(12):
        read_until_error(ai_session.stream(make_request()))
        succeed(breaker)  # not all calls fail, or retries would wait for one that succeeds
    assert ai.calls == 12 + 10


def test_in_an_outage_no_call_is_retried_after_the_first_three_attempts(ai):
    breaker, waits = make_breaker(), RecordedWaits()
    ai.fail("error")
    for _ in range(10):
        _, error = read_until_error(make_session(breaker, waits).stream(make_request()))
        assert error.reason == "ai_error"
    assert ai.calls == 3 + 9
    assert len(waits) == 2


@pytest.mark.parametrize(("successes", "attempts"), [(26, 1), (27, 2)])
def test_failures_are_retried_up_to_10_percent_of_the_calls(ai, successes, attempts):
    breaker = make_breaker()
    fail(breaker, 2)
    succeed(breaker, successes)
    ai.fail("error", count=1)  # the third failure: 10 % of 30 calls, more of 29
    consume = list if attempts == 2 else read_until_error
    consume(make_session(breaker).stream(make_request()))
    assert ai.calls == attempts


def test_a_retry_is_not_sent_while_every_call_of_the_fleet_fails(ai):
    breaker = make_breaker()
    succeed(breaker, 80)  # three failures are no tenth of these
    ai.fail("error")

    def wait(cancelled: threading.Event, seconds: float) -> bool:
        fail(breaker, 2)  # of others, meanwhile
        return False

    _, error = read_until_error(make_session(breaker, wait).stream(make_request()))
    assert error.code == "http_500"
    assert ai.calls == 1


def test_with_a_second_service_a_retry_that_is_left_out_is_the_last(ai, settings):
    settings.AI_SERVICE_FALLBACK_URL = "http://127.0.0.1:9"
    breaker, waits = make_breaker(), RecordedWaits()
    succeed(breaker, 80)
    fail(breaker, 2)
    ai.fail("error")
    read_until_error(make_session(breaker, waits).stream(make_request()))
    assert ai.calls == 1
    assert len(waits) == 1


@pytest.mark.parametrize("second_ai", ["", "http://127.0.0.1:9"])
def test_the_last_failure_is_reported_when_the_last_retry_is_left_out(ai, settings, second_ai):
    settings.AI_SERVICE_FALLBACK_URL = second_ai
    breaker = make_breaker()
    succeed(breaker, 80)
    ai.fail("error", status=503)
    waits: list[float] = []

    def wait(cancelled: threading.Event, seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 1:
            ai.fail("error", status=500)
        else:
            fail(breaker)  # of another call
        return False

    _, error = read_until_error(make_session(breaker, wait).stream(make_request()))
    assert ai.calls == 2
    assert error.code == "http_500"


def test_a_retry_is_sent_once_an_answer_has_begun_since_the_failures(ai):
    breaker = make_breaker()
    succeed(breaker, 80)
    ai.fail("error", count=1)
    waits: list[float] = []

    def wait(cancelled: threading.Event, seconds: float) -> bool:
        if not waits:
            fail(breaker, 2)
        else:
            breaker.acquire().answer_began(0.1)
        waits.append(seconds)
        return False

    assert joined_text(list(make_session(breaker, wait).stream(make_request())))
    assert ai.calls == 2
    assert len(waits) == 2  # the first retry was left out


def test_an_outage_counted_by_another_process_ends_the_retries(ai, settings):
    elsewhere, here = (redis_breaker("chat", TOLERANT_POLICY) for _ in range(2))
    for _ in range(4):
        elsewhere.acquire().failure("http_503")
    ai.fail("error")
    read_until_error(make_session(here).stream(make_request()))
    assert ai.calls == 1


def test_the_budget_is_a_fifth_of_the_calls_of_the_last_minute_and_at_least_ten():
    now = [1000.0]
    budget = RetryBudget(clock=lambda: now[0])
    assert [budget.take_retry() for _ in range(11)] == [True] * 10 + [False]
    now[0] += 59.9
    for _ in range(100):
        budget.count_call()
    assert [budget.take_retry() for _ in range(11)] == [True] * 10 + [False]
    now[0] += 0.2
    assert [budget.take_retry() for _ in range(11)] == [True] * 10 + [False]
    now[0] += 60
    assert [budget.take_retry() for _ in range(11)] == [True] * 10 + [False]


def test_a_retry_may_take_as_long_as_a_first_attempt(serve):
    def answer(connection: Any) -> None:
        if len(server.requests) == 1:
            connection.sendall(head("503 Service Unavailable", "Content-Length: 0"))
        else:
            time.sleep(ERROR_BODY_SECONDS + 0.3)
            connection.sendall(stream_response("Bonjour"))

    server = serve(answer)
    assert joined_text(list(make_session(wait=RecordedWaits()).stream(make_request()))) == "Bonjour"


def test_a_wait_that_expired_in_one_reply_does_not_end_the_next():
    scope = CancelScope(Deadline.after(5), read_timeout=4)
    scope.read_timeout = 0.1
    scope.expire()
    with pytest.raises(TimeoutError):
        scope.start_wait()
    scope.begin_reply()
    assert 3 < scope.start_wait() <= 4
    scope.cancel()
    scope.begin_reply()
    with pytest.raises(CallCancelled):
        scope.start_wait()


def test_retry_after_may_be_a_date(serve):
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=9)
    replies = [
        head("503 Service Unavailable", f"Retry-After: {format_datetime(later, usegmt=True)}", "Content-Length: 0"),
        stream_response("Bonjour"),
    ]
    serve(lambda connection: connection.sendall(replies.pop(0)))
    waits = RecordedWaits()
    list(make_session(wait=waits).stream(make_request()))
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
def test_an_invalid_retry_after_changes_nothing(serve, header):
    rejection = (
        head("503 Service Unavailable", f"Retry-After: {header}", "Content-Length: 0").decode().encode("latin-1")
    )
    replies = [rejection, stream_response("Bonjour")]
    serve(lambda connection: connection.sendall(replies.pop(0)))
    waits = RecordedWaits()
    list(make_session(wait=waits).stream(make_request()))
    assert 0.5 <= waits[0] <= 1.0


def test_a_refused_connection_is_tried_three_times(settings, serve):
    serve(b"").close()
    waits = RecordedWaits()
    _, error = read_until_error(make_session(wait=waits).stream(make_request()))
    assert (error.reason, error.code) == ("ai_error", "connection")
    assert len(waits) == 2
