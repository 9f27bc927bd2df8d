"""The session against the stand-in AI: an answer, and what is told of it."""

from __future__ import annotations

import json
import os
import threading

import pytest
from prometheus_client import REGISTRY

from chat.events import Delta, Finish
from chat.upstream import session
from chat.upstream.errors import AIError, AIUnavailable
from chat.upstream.line import Deadline
from observability import correlation
from tests.chat.session_parts import a_breaker, a_question, a_session, hear, said


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


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


def test_one_call_too_many_is_turned_away_at_once_and_not_held_against_the_service(ai, settings):
    settings.AI_MAX_CONCURRENCY = 1
    ai.pace(5)
    breaker = a_breaker()
    asking = a_session(breaker)
    first = asking.perform(a_question())
    next(first)
    _, error = hear(asking.perform(a_question()))
    assert isinstance(error, AIUnavailable)
    assert (error.reason, error.code) == ("overloaded", "overloaded")
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
        _, error = hear(asking.perform(a_question()))
        assert error.reason != "overloaded"


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
