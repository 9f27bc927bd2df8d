"""A second AI answers when the first can't: at every entry point, within the same deadline, without a notice."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command

from ai_service.control import StandIn
from chat import checks, probes
from chat.core.question import Question
from chat.pipeline import question_answering
from chat.storage.provenance import RequestTrace
from chat.upstream import breaker_registry, service, session
from chat.upstream.errors import AIUnavailable
from tests.support.fake_upstream import CHUNKED, chunk, delta_event, head, stream_response
from tests.support.polling import eventually
from tests.support.provenance_records import find_provenance
from tests.support.rag_service import running_rag_service
from tests.support.sse import parse_parts

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Comment demander l'AEEH pour mon enfant ?"
LETTER = {"document": "Votre AEEH de 151,80 € est accordée jusqu'au 31/08/2027.", "documentType": "administrative"}
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def second(ai, settings) -> StandIn:
    """The stand-in is the second AI; the first one's port is closed."""
    settings.AI_SERVICE_FALLBACK_URL = settings.AI_SERVICE_URL
    settings.AI_SERVICE_FALLBACK_MODEL = "second-model"
    settings.AI_SERVICE_URL = NOBODY
    settings.AI_MAX_ATTEMPTS = 1
    return ai


def attempts_of(reply: Any) -> list[tuple[str, str]]:
    """The service and outcome of each attempt, from the provenance of a response."""
    (record,) = find_provenance(reply.headers["X-Correlation-ID"])
    return [(attempt["service"], attempt["outcome"]) for attempt in record["making"]["attempts"]]


def origin_and_reason(reply: Any) -> tuple[str, str | None]:
    answer = reply.json()
    return answer["origin"], (answer["degraded"] or {}).get("reason")


# --- Every entry point ---


def test_a_message_is_answered_by_the_second_when_nobody_is_at_the_first(visitor, second):
    reply = visitor.ask(QUESTION)
    assert origin_and_reason(reply) == ("ai", None)
    assert "X-Degraded" not in reply.headers
    assert attempts_of(reply) == [("primary", "connection"), ("fallback", "ok")]


def test_a_stream_is_answered_by_the_second(visitor, second):
    parts = list(parse_parts(visitor.stream(QUESTION)))
    assert [part["type"] for part in parts].count("text-delta") >= 1
    assert not [part for part in parts if part["type"] == "data-notice"]
    assert parts[-1]["messageMetadata"]["origin"] == "ai"


def test_an_openai_client_is_answered_by_the_second(visitor, second):
    body = {"model": "any", "messages": [{"role": "user", "content": QUESTION}]}
    reply = visitor.post_json("/v1/chat/completions", body)
    assert reply.json()["choices"][0]["finish_reason"] == "stop"
    assert "X-Degraded" not in reply.headers


def test_a_document_is_explained_by_the_second(visitor, second):
    reply = visitor.post_json("/api/chat/analyze-document", LETTER)
    assert (reply.json()["degraded"], reply.json()["ending"]) == (None, "stop")
    assert attempts_of(reply) == [("primary", "connection"), ("fallback", "ok")]
    assert second.calls_of("analyze") == 1


def test_a_second_service_of_another_protocol_gets_the_question_and_no_token_of_the_caller(second, settings):
    settings.AI_SERVICE_FALLBACK_PROTOCOL, settings.AI_SERVICE_FALLBACK_API_KEY = "rag", "second-key"
    settings.AI_SERVICE_AUTH = "caller"
    with running_rag_service("second-key") as rag:
        settings.AI_SERVICE_FALLBACK_URL = rag.address
        asked = Question(QUESTION, "fr", "me", caller_token="token-of-the-caller")
        finish = question_answering.answer(asked).read_to_end().finish
    assert finish is not None
    assert finish.origin == "ai"
    assert [authorization for _, authorization, _ in rag.requests] == ["Bearer second-key"]


# --- When it is asked, and when not ---


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "503 Service Unavailable"])
def test_the_second_is_asked_when_the_first_fails_or_refuses_our_settings(visitor, second, serve, status):
    serve(head(status, "Content-Length: 0"))
    assert origin_and_reason(visitor.ask(QUESTION)) == ("ai", None)


@pytest.mark.usefixtures("quick_breakers")
def test_an_open_circuit_of_the_first_costs_nothing_but_the_second_is_asked(visitor, second, serve):
    first = serve(head("503 Service Unavailable", "Content-Length: 0"))
    for number in range(5):
        visitor.ask(f"Question numéro {number} ?")
    calls = len(first.requests)
    reply = visitor.ask(QUESTION)
    assert origin_and_reason(reply) == ("ai", None)
    assert attempts_of(reply) == [("primary", "circuit_open"), ("fallback", "ok")]
    assert len(first.requests) == calls
    assert breaker_registry.get("chat@fallback").snapshot().state == "closed"


def test_the_second_is_not_asked_when_the_first_refuses_the_question(visitor, second, serve):
    serve(head("422 Unprocessable Content", "Content-Length: 0"))
    assert origin_and_reason(visitor.ask(QUESTION)) == ("knowledge", "ai_rejected")
    assert second.calls == 0


def test_the_second_is_not_asked_after_the_first_words(visitor, second, serve):
    serve(lambda connection: (connection.sendall(CHUNKED + chunk(delta_event("Bonjour"))), connection.close()))
    answer = visitor.ask(QUESTION).json()
    assert (answer["ending"], answer["response"]) == ("interrupted", "Bonjour")
    assert second.calls == 0


def test_the_second_is_asked_when_the_first_answers_nothing_but_spaces(visitor, second, serve):
    serve(stream_response(" "))
    answer = visitor.ask(QUESTION).json()
    assert (answer["origin"], answer["degraded"]) == ("ai", None)


def test_a_long_wait_that_the_first_asks_for_is_left_to_the_second(visitor, second, serve, settings):
    settings.AI_MAX_ATTEMPTS = 3
    serve(head("429 Too Many Requests", "Retry-After: 8", "Content-Length: 0"))
    reply = visitor.ask(QUESTION)
    assert attempts_of(reply) == [("primary", "http_429"), ("fallback", "ok")]


def test_both_share_one_deadline(visitor, second, serve, settings):
    settings.AI_FIRST_WORDS_SECONDS, settings.AI_DEADLINE_CHAT = 0.6, 20.0
    serve(lambda connection: connection.recv(1))  # never answers
    reply = visitor.ask(QUESTION)
    assert attempts_of(reply) == [("primary", "first_words_timeout"), ("fallback", "ok")]
    assert int(second.requests[-1]["headers"]["x-deadline-ms"]) < 19_500


def test_a_first_that_is_silent_on_a_document_leaves_half_of_the_time_to_the_second(visitor, second, serve, settings):
    settings.AI_DEADLINE_ANALYZE = 8.0
    serve(lambda connection: connection.recv(1))  # never answers
    reply = visitor.post_json("/api/chat/analyze-document", LETTER)
    assert reply.json()["degraded"] is None
    assert attempts_of(reply) == [("primary", "first_words_timeout"), ("fallback", "ok")]


def test_the_best_without_an_ai_is_given_when_neither_answers(visitor, second):
    second.fail("error", status=503)
    reply = visitor.ask(QUESTION)
    assert origin_and_reason(reply) == ("knowledge", "ai_error")
    assert attempts_of(reply) == [("primary", "connection"), ("fallback", "http_503")]
    document = visitor.post_json("/api/chat/analyze-document", LETTER).json()
    assert document["degraded"]["reason"] == "ai_error"
    assert "151,80" in document["analysis"]


def test_a_worker_with_too_many_calls_does_not_ask_the_second_either(visitor, second, monkeypatch):
    def refuse(*_: Any, **__: Any) -> Any:
        raise AIUnavailable("overloaded", "overloaded")

    monkeypatch.setattr(session.get(service.primary()), "stream", refuse)
    assert origin_and_reason(visitor.ask(QUESTION)) == ("knowledge", "overloaded")
    assert second.calls == 0


def test_nobody_pays_the_second_for_answers_in_advance(second, db):
    answer = question_answering.answer(Question(QUESTION, "fr", ""), purpose="warm_up").read_to_end()
    assert answer.finish is not None
    assert answer.finish.degraded is not None
    assert second.calls == 0


@pytest.mark.parametrize("purpose", ["renewal", "warm_up"])
def test_a_person_who_joins_a_renewal_or_a_warm_up_gets_the_seconds_answer(visitor, second, serve, purpose):
    joined = threading.Event()
    serve(lambda connection: joined.wait(10) and connection.sendall(head("502 Bad Gateway", "Content-Length: 0")))
    job = question_answering._resolve(
        Question(QUESTION, "fr", ""), None, RequestTrace("chat"), not_before=0, purpose="answer"
    )
    subscription = question_answering._subscribe(replace(job, purpose=purpose))
    run = subscription.run
    if subscription.expects_reader:  # the cache warmer reads its own
        warmer = threading.Thread(target=lambda: list(subscription.read()))
        warmer.start()
        eventually(lambda: run.readers.seconds_without_reader() == 0)
    assert not run.readers.include_people()
    replies: list[Any] = []
    person = threading.Thread(target=lambda: replies.append(visitor.ask(QUESTION)))
    person.start()
    eventually(run.readers.include_people)
    joined.set()
    person.join(20)
    assert origin_and_reason(replies[0]) == ("ai", None)
    assert second.calls == 1


# --- The cache ---


def test_the_seconds_answer_is_kept_for_outages_of_the_first_alone(visitor, another_visitor, second, serve):
    first = serve(head("503 Service Unavailable", "Content-Length: 0"))
    visitor.ask(QUESTION)
    reply = another_visitor.ask(QUESTION)
    assert origin_and_reason(reply) == ("cache", None)
    assert second.calls == 1
    first.handler = lambda connection: connection.sendall(stream_response("Bonjour", " du premier"))
    answer = another_visitor.ask(QUESTION).json()
    assert (answer["origin"], answer["response"]) == ("ai", "Bonjour du premier")
    answer = visitor.ask(QUESTION).json()
    assert (answer["origin"], answer["response"]) == ("cache", "Bonjour du premier")


def test_the_record_of_a_cached_answer_names_the_second(visitor, another_visitor, second):
    made = visitor.ask(QUESTION).headers["X-Correlation-ID"]
    reply = another_visitor.ask(QUESTION)
    (record,) = find_provenance(reply.headers["X-Correlation-ID"])
    assert (record["role"], record["making"]["correlationId"]) == ("cached", made)
    assert (record["making"]["service"], record["making"]["model"]) == ("fallback", "second-model")


def test_an_older_answer_of_the_second_is_better_than_none_of_either(visitor, second, settings):
    settings.CACHE_TTL_ANSWER = 1
    fresh = visitor.ask("Une question sans article : xyzzy ?").json()
    second.fail("error", status=503)
    while (reply := visitor.ask("Une question sans article : xyzzy ?")).json()["origin"] == "cache":
        time.sleep(0.05)  # it is fresh for a second
    assert reply.json()["origin"] == "stale"
    assert reply.json()["response"] == fresh["response"]


def test_above_the_budget_the_seconds_answer_is_served_as_an_older_one(visitor, second, settings):
    settings.DAILY_ANSWERS_PER_CALLER = 1
    written = visitor.ask("Une question sans article : xyzzy ?").json()
    reply = visitor.ask("Une question sans article : xyzzy ?")
    assert origin_and_reason(reply) == ("stale", "over_budget")
    assert reply.json()["response"] == written["response"]


def test_the_seconds_cached_answer_uses_up_no_answer(visitor, second, settings):
    settings.DAILY_ANSWERS_PER_CALLER = 2
    asked = [visitor.ask("Une question sans article : xyzzy ?") for _ in range(3)]
    assert [origin_and_reason(reply) for reply in asked] == [("ai", None), ("cache", None), ("cache", None)]
    assert origin_and_reason(visitor.ask(QUESTION)) == ("ai", None)


# --- What the operator sees ---


def test_why_names_the_second(visitor, second, capsys):
    reply = visitor.ask(QUESTION)
    call_command("why", reply.headers["X-Correlation-ID"])
    output = capsys.readouterr().out
    assert "attempt 1      connection" in output
    assert "attempt 1      second AI · ok" in output
    assert "model          second AI · second-model" in output


def test_readiness_names_its_breakers_and_is_degraded_while_it_answers_alone(visitor, second):
    assert probes.ai_breakers()["breakers"] == {
        "chat": "closed",
        "analyze": "closed",
        "chat@fallback": "closed",
        "analyze@fallback": "closed",
    }
    assert probes.ai_service() == {"status": "degraded", "error": "unreachable"}
    breaker_registry.get("chat@fallback").force("open", who="op", reason="maintenance", seconds=None)
    with pytest.raises(OSError, match="refused"):
        probes.ai_service()


def test_a_second_ai_that_refuses_our_key_is_reported_before_it_is_needed(visitor, second, serve):
    second.fail("error", status=401, count=1)
    assert origin_and_reason(visitor.ask(QUESTION)) == ("knowledge", "ai_misconfigured")
    serve(stream_response("Bonjour"))
    assert origin_and_reason(visitor.ask(QUESTION)) == ("ai", None)
    assert probes.ai_service() == {"status": "degraded", "error": "fallback_misconfigured", "cause": "http_401"}


def test_its_circuits_are_on_the_operators_page_and_can_be_forced(admin_client, second):
    page = admin_client.get("/admin/chat/circuitbreaker/").content.decode()
    assert "Réponses aux questions – deuxième IA <code>chat@fallback</code>" in page
    action = "/admin/chat/circuitbreaker/chat@fallback/open/"
    assert f'href="{action}"' in page
    admin_client.post(action, {"reason": "essai", "duration": "600"})
    assert breaker_registry.get("chat@fallback").snapshot().state == "open"
    assert breaker_registry.get("chat").snapshot().state == "closed"


def test_without_a_second_there_are_no_circuits_of_it(ai):
    assert breaker_registry.names() == ["chat", "analyze"]
    with pytest.raises(KeyError):
        breaker_registry.get("chat@fallback")


def test_calls_are_measured_by_service(visitor, second, client):
    visitor.ask(QUESTION)
    metrics = client.get("/metrics").content.decode()
    for role, outcome in (("primary", "error"), ("fallback", "ok")):
        labels = f'operation="chat",outcome="{outcome}",service="{role}"'
        assert f"bff_ai_request_duration_seconds_count{{{labels}}}" in metrics


def test_the_same_service_twice_is_a_wrong_setting(settings):
    settings.AI_SERVICE_FALLBACK_URL = settings.AI_SERVICE_URL + "/"
    assert [problem.id for problem in checks.check_second_ai()] == ["chat.E005"]
    settings.AI_SERVICE_FALLBACK_MODEL = "another-model"
    assert checks.check_second_ai() == []
    settings.AI_SERVICE_FALLBACK_URL = ""
    assert checks.check_second_ai() == []


def test_no_secret_of_the_second_is_shown(settings):
    settings.AI_SERVICE_FALLBACK_URL, settings.AI_SERVICE_FALLBACK_API_KEY = NOBODY, "sk-secret"
    assert "sk-secret" not in repr(service.configured())
    assert "sk-secret" not in json.dumps(service.configured()[1].target)
