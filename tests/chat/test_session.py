"""The session against the stand-in AI: what it says, when it asks again, what it tells the breaker."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import closing
from typing import Any

import pytest
from django.conf import settings as django_settings
from prometheus_client import REGISTRY

from ai_service.control import StandIn
from chat.events import Delta, Finish, Notice
from chat.questions import Question
from chat.upstream import breakers, openai, rag, session
from chat.upstream.errors import AIError, AIInterrupted, AIRejected, AIUnavailable
from chat.upstream.line import Deadline
from chat.upstream.retry import RetryBudget
from chat.upstream.session import AISession
from observability import correlation
from tests.chat.session_parts import Waits, a_breaker, a_question, a_session, said


@pytest.fixture
def ai():
    stand_in = StandIn(django_settings.AI_SERVICE_URL)
    stand_in.reset()
    yield stand_in
    stand_in.reset()


@pytest.fixture
def redis():
    breaker = breakers.get("chat")
    breaker.reset(who="test", reason="test")
    yield
    breaker.reset(who="test", reason="test")


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def eventually(condition: Any, seconds: float = 2.0) -> bool:
    until = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < until:
        time.sleep(0.01)
    return bool(met)


# --- An answer --------------------------------------------------------------------------------------------------------


def test_an_answer_is_words_as_they_arrive_and_one_finish(ai):
    ai.pace(200)
    events = list(a_session().perform(a_question()))
    assert len([event for event in events if isinstance(event, Delta)]) > 3
    assert said(events).strip()
    assert isinstance(events[-1], Finish)
    assert (events[-1].origin, events[-1].ending) == ("ai", "stop")
    assert events[-1].usage is not None
    assert sum(isinstance(event, Finish) for event in events) == 1


def test_a_document_is_asked_about_within_its_own_limits(ai, settings):
    settings.AI_DEADLINE_CHAT = 0.01
    document = '<document type="mdph" >Renvoyez ce dossier avant le 3 mars 2026.</document>'
    assert said(list(a_session().perform(a_question(document, "analyze"))))
    assert ai.calls_of("analyze") == 1


def test_a_call_says_who_asks_for_how_long_and_for_which_trace(ai, settings):
    settings.AI_SERVICE_API_KEY = "secret"
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    asked = correlation.received(
        {"HTTP_X_CORRELATION_ID": "req-42", "HTTP_TRACEPARENT": f"00-{trace}-00f067aa0ba902b7-01"}
    )
    with correlation.bound(asked):
        list(a_session().perform(a_question(), deadline=Deadline.after(12)))
    headers = ai.requests[-1]["headers"]
    assert headers["x-correlation-id"] == "req-42"
    assert headers["traceparent"].split("-")[1] == trace
    assert headers["authorization-present"]
    assert headers["x-retry-count"] == "0"
    assert 11_000 < int(headers["x-deadline-ms"]) <= 12_000


def test_no_key_means_no_authorization(ai, settings):
    settings.AI_SERVICE_API_KEY = ""
    list(a_session().perform(a_question()))
    assert not ai.requests[-1]["headers"]["authorization-present"]


def test_each_process_has_one_session_of_its_own():
    mine = session.get()
    assert session.get() is mine
    child = os.fork()
    if not child:
        os._exit(0 if session.get() is not mine else 1)
    assert os.waitpid(child, 0)[1] == 0


# --- Asking again -----------------------------------------------------------------------------------------------------


def test_three_attempts_are_spaced_with_jitter_under_one_idempotency_key(ai):
    ai.fail("error", status=503)
    waits = Waits()
    events = []
    with pytest.raises(AIUnavailable) as failed:
        events.extend(a_session(wait=waits).perform(a_question()))
    assert (failed.value.reason, failed.value.code) == ("ai_error", "http_503")
    headers = [request["headers"] for request in ai.requests]
    assert [header["x-retry-count"] for header in headers] == ["0", "1", "2"]
    assert len({header["idempotency-key"] for header in headers}) == 1
    assert len({header["traceparent"] for header in headers}) == 1
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
        events.append(event)
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
    with pytest.raises(AIRejected) as rejected:
        list(a_session().perform(a_question()))
    assert (rejected.value.reason, rejected.value.code) == ("ai_rejected", f"http_{status}")
    assert ai.calls == 1


def test_an_answer_that_may_be_being_written_is_not_asked_for_twice(ai, settings):
    settings.AI_READ_TIMEOUT_CHAT = 0.2
    ai.fail("hang")
    with pytest.raises(AIUnavailable) as failed:
        list(a_session().perform(a_question()))
    assert (failed.value.reason, failed.value.code) == ("timeout", "read_timeout")
    assert ai.calls == 1


def test_a_reply_that_is_not_the_protocol_is_not_asked_for_twice(ai):
    ai.fail("garbage")
    for exchange, code in [(a_question(), "not_a_stream"), (rag.chat(Question("Bonjour", "fr", "me")), "not_json")]:
        with pytest.raises(AIUnavailable) as failed:
            list(a_session().perform(exchange))
        assert (failed.value.reason, failed.value.code) == ("ai_error", code)
    assert ai.calls == 2


def test_nothing_is_asked_again_once_a_word_was_said(ai):
    ai.fail("cut", after_tokens=3)
    events = []
    with pytest.raises(AIInterrupted) as cut:
        events.extend(iter_into(events, a_session().perform(a_question())))
    assert (cut.value.reason, cut.value.code) == ("interrupted", "cut")
    assert len(said(events).split()) == 3
    assert ai.calls == 1


def iter_into(events: list[Any], answering: Any) -> list[Any]:
    for event in answering:
        events.append(event)
    return []


def test_the_service_is_left_alone_for_as_long_as_it_asks(ai):
    ai.fail("rate_limited", retry_after=7, count=1)
    waits = Waits()
    assert said(list(a_session(wait=waits).perform(a_question())))
    assert waits == [7.0]


def test_a_wait_that_leaves_no_useful_attempt_is_not_begun(ai):
    ai.fail("rate_limited", retry_after=7)
    waits = Waits()
    with pytest.raises(AIUnavailable) as failed:
        list(a_session(wait=waits).perform(a_question(), deadline=Deadline.after(8.9)))
    assert (failed.value.reason, failed.value.code, failed.value.retry_after) == ("ai_error", "http_429", 7.0)
    assert waits == []
    assert ai.calls == 1


def test_retries_stop_when_the_process_has_spent_its_budget(ai, settings):
    settings.AI_ATTEMPTS = 2
    ai.fail("error")
    asking = a_session()
    for _ in range(15):
        with pytest.raises(AIUnavailable):
            list(asking.perform(a_question()))
    assert ai.calls == 15 + 10


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


# --- The breaker ------------------------------------------------------------------------------------------------------


def test_an_open_breaker_is_not_passed(ai):
    breaker = a_breaker()
    breaker.force("open", who="test", reason="test", seconds=40)
    with pytest.raises(AIUnavailable) as failed:
        list(a_session(breaker).perform(a_question()))
    assert failed.value.reason == "circuit_open"
    assert failed.value.retry_after == pytest.approx(40, abs=1)
    assert ai.calls == 0


def test_a_breaker_that_opens_ends_the_retries(ai):
    ai.fail("error")
    with pytest.raises(AIUnavailable) as failed:
        list(a_session(a_breaker(failure_threshold=2)).perform(a_question()))
    assert failed.value.reason == "circuit_open"
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


def half_open(breaker: Any) -> None:
    breaker.acquire().failure("test")
    time.sleep(0.06)


def test_a_probe_closes_the_circuit_at_its_first_word(ai):
    ai.pace(20)
    breaker = a_breaker(failure_threshold=1, open_for=0.05)
    half_open(breaker)
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


# --- Who leaves -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["hang", "slow", "drip"])
def test_closing_from_another_thread_before_the_first_byte_frees_everything_at_once(ai, fault):
    ai.fail(fault)
    breaker = a_breaker(failure_threshold=1, open_for=0.05, success_threshold=1)
    half_open(breaker)
    asking = a_session(breaker)
    answering = asking.perform(a_question())
    heard: list[Any] = []
    reader = threading.Thread(target=lambda: heard.extend(answering))
    reader.start()
    assert eventually(lambda: ai.open_calls == 1)
    answering.close()
    left = time.monotonic()
    reader.join(0.5)
    assert not reader.is_alive()
    assert eventually(lambda: ai.open_calls == 0, 0.5)
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
    assert eventually(lambda: ai.open_calls == 0, 0.5)
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
    assert eventually(lambda: ai.open_calls == 0, 0.5)


# --- Too many ---------------------------------------------------------------------------------------------------------


def test_one_call_too_many_is_turned_away_at_once_and_not_held_against_the_service(ai, settings):
    settings.AI_MAX_CONCURRENCY = 1
    ai.pace(5)
    breaker = a_breaker()
    asking = a_session(breaker)
    first = asking.perform(a_question())
    next(first)
    with pytest.raises(AIUnavailable) as failed:
        list(asking.perform(a_question()))
    assert (failed.value.reason, failed.value.code) == ("overloaded", "overloaded")
    assert ai.calls == 1
    assert breaker.snapshot().calls == 0
    first.close()
    ai.pace(0)
    assert said(list(asking.perform(a_question())))


def test_a_place_is_freed_however_the_call_ends(ai, settings):
    settings.AI_MAX_CONCURRENCY = 1
    asking = a_session()
    for fault in ("error", "cut", "garbage"):
        ai.fail(fault)
        with pytest.raises(AIError) as failed:
            list(asking.perform(a_question()))
        assert failed.value.reason != "overloaded"


def test_many_answers_at_once_do_not_mix(ai):
    asking = a_session()
    ai.pace(500)
    wanted = {number: f'<document type="other" >Facture de {number} euros.</document>' for number in range(20)}
    got: dict[int, str] = {}

    def ask(number: int) -> None:
        got[number] = said(list(asking.perform(a_question(wanted[number], "analyze"))))

    threads = [threading.Thread(target=ask, args=[number]) for number in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert all(f"{number} euros" in got[number] for number in wanted)


# --- What is told -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "options", "outcome"),
    [
        (None, {}, "ok"),
        ("error", {"status": 422}, "rejected"),
        ("garbage", {}, "error"),
        ("cut", {}, "interrupted"),
        ("hang", {}, "timeout"),
    ],
)
def test_each_attempt_is_measured_by_its_outcome(ai, settings, fault, options, outcome):
    settings.AI_READ_TIMEOUT_CHAT = 0.2
    if fault:
        ai.fail(fault, **options)
    before = sample("bff_ai_request_duration_seconds_count", operation="chat", outcome=outcome)
    try:
        list(a_session().perform(a_question()))
    except AIError:
        assert fault
    assert sample("bff_ai_request_duration_seconds_count", operation="chat", outcome=outcome) == before + 1


def test_first_words_tokens_and_retries_are_counted(ai):
    names = [
        ("bff_ai_time_to_first_chunk_seconds_count", {"operation": "chat"}),
        ("bff_ai_retries_total", {"operation": "chat", "reason": "http_502"}),
        ("bff_ai_tokens_total", {"type": "prompt"}),
        ("bff_ai_tokens_total", {"type": "completion"}),
    ]
    before = [sample(name, **labels) for name, labels in names]
    ai.fail("error", status=502, count=1)
    finish = list(a_session().perform(a_question()))[-1]
    after = [sample(name, **labels) for name, labels in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [
        1,
        1,
        finish.usage.prompt_tokens,
        finish.usage.completion_tokens,
    ]


def test_the_log_tells_each_attempt_and_nothing_of_what_was_said(ai, capsys):
    ai.fail("error", count=1)
    answer = said(list(a_session().perform(a_question("Mon fils Émile a-t-il droit à l'AEEH ?"))))
    output = capsys.readouterr().out
    lines = [json.loads(line) for line in output.splitlines()]
    told = [
        (line["message"], line["operation"], line["attempt"], line["outcome"])
        for line in lines
        if line["message"].startswith("AI call")
    ]
    assert told == [
        ("AI call finished", "chat", 1, "http_500"),
        ("AI call retried", "chat", 2, "http_500"),
        ("AI call finished", "chat", 2, "ok"),
    ]
    assert all("droppedFields" not in line for line in lines)
    assert "Émile" not in output
    assert answer.split(".")[0] not in output
