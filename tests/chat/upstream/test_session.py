"""The session against the stand-in AI: its events, headers, limits, metrics and log."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from chat.core.events import Delta, Finish
from chat.upstream import service, session
from chat.upstream.errors import AIError, AIUnavailable
from chat.upstream.http.cancel_scope import Deadline
from chat.upstream.session import AISession
from observability import correlation, metrics
from tests.support.fake_upstream import joined_text, make_breaker, make_request, make_session, read_until_error


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_an_answer_is_deltas_as_they_arrive_and_one_finish(ai):
    ai.pace(200)
    events = list(make_session().stream(make_request()))
    assert len([event for event in events if isinstance(event, Delta)]) > 3
    assert joined_text(events).strip()
    assert isinstance(events[-1], Finish)
    assert (events[-1].origin, events[-1].ending) == ("ai", "stop")
    assert events[-1].usage is not None
    assert sum(isinstance(event, Finish) for event in events) == 1


def test_an_analysis_has_its_own_deadline(ai, settings):
    settings.AI_DEADLINE_CHAT = 0.01
    document = '<document type="mdph" >Renvoyez ce dossier avant le 3 mars 2026.</document>'
    assert joined_text(list(make_session().stream(make_request(document, "analyze"))))
    assert ai.calls_of("analyze") == 1


def test_a_call_sends_correlation_id_trace_api_key_and_deadline(ai, settings):
    settings.AI_SERVICE_API_KEY = "secret"
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    received = correlation.from_environ(
        {"HTTP_X_CORRELATION_ID": "req-42", "HTTP_TRACEPARENT": f"00-{trace}-00f067aa0ba902b7-01"}
    )
    with correlation.bound(received):
        list(make_session().stream(make_request(), deadline=Deadline.after(12)))
    headers = ai.requests[-1]["headers"]
    assert headers["x-correlation-id"] == "req-42"
    assert headers["traceparent"].split("-")[1] == trace
    assert headers["authorization-present"]
    assert headers["x-retry-count"] == "0"
    assert 11_000 < int(headers["x-deadline-ms"]) <= 12_000


def test_without_an_api_key_no_authorization_is_sent(ai, settings):
    settings.AI_SERVICE_API_KEY = ""
    list(make_session().stream(make_request()))
    assert not ai.requests[-1]["headers"]["authorization-present"]


def test_each_process_has_its_own_session():
    ai_service = service.primary()
    parent_session = session.get(ai_service)
    assert session.get(ai_service) is parent_session
    child = os.fork()
    if not child:
        os._exit(0 if session.get(ai_service) is not parent_session else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_call_over_the_concurrency_limit_is_refused_and_not_counted_by_the_breaker(ai, settings):
    settings.AI_MAX_CONCURRENCY = 1
    ai.pace(5)
    breaker = make_breaker()
    ai_session = make_session(breaker)
    first = ai_session.stream(make_request())
    next(first)
    _, error = read_until_error(ai_session.stream(make_request()))
    assert isinstance(error, AIUnavailable)
    assert (error.reason, error.code) == ("overloaded", "overloaded")
    assert ai.calls == 1
    assert breaker.snapshot().calls == 0
    first.close()
    ai.pace(0)
    assert joined_text(list(ai_session.stream(make_request())))


def test_a_concurrency_slot_is_released_after_every_kind_of_failure(ai, settings):
    settings.AI_MAX_CONCURRENCY = 1
    ai_session = make_session()
    for fault in ("error", "cut", "garbage"):
        ai.fail(fault)
        _, error = read_until_error(ai_session.stream(make_request()))
        assert error.reason != "overloaded"


def test_concurrent_answers_do_not_mix(ai):
    ai_session = make_session()
    ai.pace(500)
    documents = {number: f'<document type="other" >Facture de {number} euros.</document>' for number in range(20)}
    answers: dict[int, str] = {}

    def analyze(number: int) -> None:
        answers[number] = joined_text(list(ai_session.stream(make_request(documents[number], "analyze"))))

    threads = [threading.Thread(target=analyze, args=[number]) for number in documents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert all(f"{number} euros" in answers[number] for number in documents)


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
def test_the_duration_of_each_attempt_is_measured_by_outcome(ai, settings, fault, options, outcome):
    settings.AI_READ_TIMEOUT_CHAT = 0.2
    if fault:
        ai.fail(fault, **options)
    labels = {"service": "primary", "operation": "chat", "outcome": outcome}
    before = sample("bff_ai_request_duration_seconds_count", **labels)
    try:
        list(make_session().stream(make_request()))
    except AIError:
        assert fault
    assert sample("bff_ai_request_duration_seconds_count", **labels) == before + 1


@pytest.mark.parametrize("role", ["primary", "fallback"])
def test_a_new_session_counts_no_refusal_of_its_settings_so_that_the_first_one_is_an_increase(role):
    series = [
        {"service": role, "operation": operation, "outcome": "misconfigured"} for operation in ("chat", "analyze")
    ]
    for labels in series:
        with suppress(KeyError):  # not counted by other tests
            metrics.AI_REQUEST_DURATION.remove(*labels.values())
    AISession(replace(service.primary(), role=role))
    counts = [REGISTRY.get_sample_value("bff_ai_request_duration_seconds_count", labels) for labels in series]
    assert counts == [0, 0]


def test_first_words_tokens_and_retries_are_counted(ai):
    names = [
        ("bff_ai_time_to_first_chunk_seconds_count", {"service": "primary", "operation": "chat"}),
        ("bff_ai_retries_total", {"service": "primary", "operation": "chat", "reason": "http_502"}),
        ("bff_ai_tokens_total", {"service": "primary", "type": "prompt"}),
        ("bff_ai_tokens_total", {"service": "primary", "type": "completion"}),
    ]
    before = [sample(name, **labels) for name, labels in names]
    ai.fail("error", status=502, count=1)
    finish = list(make_session().stream(make_request()))[-1]
    assert isinstance(finish, Finish)
    assert finish.usage
    after = [sample(name, **labels) for name, labels in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [
        1,
        1,
        finish.usage.prompt_tokens,
        finish.usage.completion_tokens,
    ]


def test_the_log_has_each_attempt_and_no_content(ai, capsys):
    ai.fail("error", count=1)
    answer = joined_text(list(make_session().stream(make_request("Mon fils Émile a-t-il droit à l'AEEH ?"))))
    output = capsys.readouterr().out
    lines = [json.loads(line) for line in output.splitlines()]
    records = [
        (line["message"], line["operation"], line["attempt"], line["outcome"])
        for line in lines
        if line["message"].startswith("AI call")
    ]
    assert records == [
        ("AI call finished", "chat", 1, "http_500"),
        ("AI call retried", "chat", 2, "http_500"),
        ("AI call finished", "chat", 2, "ok"),
    ]
    assert all("droppedFields" not in line for line in lines)
    assert "Émile" not in output
    assert answer.split(".")[0] not in output
