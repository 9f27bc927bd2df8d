"""Daily budgets: above one, people get cached answers, articles and fallback texts, never an error."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_redis import get_redis_connection

from chat import runs
from chat.core.events import Finish, Notice
from chat.core.question import Question
from chat.core.transcript import Transcript
from chat.history import api_keys
from chat.pipeline import question_answering
from chat.pipeline.answer_stream import RunStream
from chat.storage import budgets
from chat.storage.answer_cache import CachedAnswer
from chat.upstream import dialogue
from observability import metrics
from observability.caller import Caller
from tests.chat.admin.test_admin import staff_client
from tests.conftest import ChatClient
from tests.support.document_files import LETTER
from tests.support.fake_upstream import Serve, head, stream_response
from tests.support.outages import break_redis
from tests.support.polling import eventually

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN = "Xyzzy numéro {} ?"
ARTICLE = "Qu'est-ce que l'AEEH ?"
ENTRY_POINTS = [
    ("/api/chat/message", {"message": UNKNOWN}),
    ("/api/chat/analyze-document", {"document": LETTER, "documentType": "mdph"}),
]


def client_at(address: str) -> ChatClient:
    return ChatClient(raise_request_exception=False, REMOTE_ADDR=address)


def origins(replies) -> list[tuple[str, str | None]]:
    assert {reply.status_code for reply in replies} == {200}
    answers = [reply.json() for reply in replies]
    return [(answer["origin"], (answer["degraded"] or {}).get("reason")) for answer in answers]


def test_above_a_persons_budget_they_get_what_costs_nothing(settings, visitor, ai):
    settings.DAILY_ANSWERS_PER_CALLER = 2
    replies = [visitor.ask(text) for text in ("Bonjour", UNKNOWN, "Bonjour", ARTICLE, "Xyzzy encore ?", "Bonjour")]
    assert origins(replies) == [
        ("ai", None),
        ("ai", None),
        ("cache", None),
        ("knowledge", "over_budget"),
        ("fallback", "over_budget"),
        ("cache", None),
    ]
    assert replies[3]["X-Degraded"] == "over_budget"
    assert replies[4].json()["degraded"]["retryAfter"] > 0
    assert "autant" not in replies[4].json()["response"]
    assert ai.calls == 2


def test_whoever_asks_the_same_as_somebody_above_their_budget_is_answered(settings, visitor, another_visitor, ai):
    settings.DAILY_ANSWERS_PER_CALLER = 1
    visitor.ask("Bonjour")
    assert origins([visitor.ask(UNKNOWN), another_visitor.ask(UNKNOWN)]) == [("fallback", "over_budget"), ("ai", None)]


def test_above_the_budget_an_older_answer_is_served(settings, visitor, ai):
    settings.CACHE_TTL_ANSWER, settings.DAILY_ANSWERS_PER_CALLER = 1, 1
    visitor.ask("Bonjour")
    ai.fail("error")  # else the answer would be renewed in the background
    eventually(lambda: visitor.ask("Bonjour").json()["origin"] != "cache", every=0.1)  # it is fresh for a second
    assert origins([visitor.ask("Bonjour")]) == [("stale", "over_budget")]


@pytest.mark.parametrize("address", ["192.0.2.{}", "2001:db8::{}"])
def test_an_address_has_a_budget_that_new_cookies_do_not_widen(settings, visitor, ai, address):
    settings.DAILY_ANSWERS_PER_ADDRESS = 2
    same = address.format(1) if "." in address else address
    replies = [client_at(same.format(number)).ask(UNKNOWN.format(number)) for number in range(3)]
    assert [origin for origin, _ in origins(replies)] == ["ai", "ai", "fallback"]
    assert origins([client_at("198.51.100.1").ask("Bonjour")]) == [("ai", None)]


def test_all_share_the_budget_of_tokens(settings, visitor, another_visitor, ai):
    settings.DAILY_TOKENS_TOTAL = 1
    assert origins([visitor.ask("Bonjour"), another_visitor.ask(UNKNOWN)]) == [
        ("ai", None),
        ("fallback", "over_budget"),
    ]
    assert (budgets.tokens_spent() or 0) > 1


@pytest.mark.parametrize(("path", "body"), ENTRY_POINTS)
def test_an_interrupted_answer_costs_what_was_sent_and_written(settings, visitor, ai, path, body):
    settings.DAILY_TOKENS_TOTAL = 10_000_000
    ai.fail("cut", after_tokens=3)
    assert visitor.post_json(path, body).json()["degraded"]["reason"] == "interrupted"
    assert (budgets.tokens_spent() or 0) > 100  # the prompt is the larger part


def test_a_call_that_fails_before_its_first_words_costs_nothing(settings, visitor, ai):
    settings.DAILY_TOKENS_TOTAL = 10_000_000
    ai.fail("error", status=400)
    visitor.ask(UNKNOWN)
    assert budgets.tokens_spent() == 0


@pytest.mark.parametrize(
    ("fault", "has_begun", "is_counted"),
    [
        ("rate_limited", lambda _, run: any(isinstance(event, Notice) for event in run.events), False),  # it waits
        ("hang", lambda ai, _: ai.open_calls == 1, True),  # the AI may be writing
    ],
)
def test_a_cancelled_call_costs_what_was_sent_only_while_the_ai_has_it(settings, ai, fault, has_begun, is_counted):
    settings.DAILY_TOKENS_TOTAL = 10_000_000
    ai.fail(fault)
    stream = question_answering.answer(Question(UNKNOWN, "fr", ""))
    assert isinstance(stream, RunStream)
    run = stream.subscription.run
    eventually(lambda: has_begun(ai, run))
    runs.stop(run.id)
    finish = stream.read_to_end().finish
    assert finish is not None
    assert (finish.origin, finish.ending) == ("ai", "stopped")
    assert bool(budgets.tokens_spent()) == is_counted


def counted_answers() -> list[int]:
    """Today's counts of answers, in any order: of the callers and of their networks."""
    redis = get_redis_connection("default")
    return sorted(int(redis.get(key)) for key in redis.keys("bff:budget:*"))


@pytest.mark.parametrize(("path", "body"), ENTRY_POINTS)
def test_an_outage_of_the_ai_uses_up_no_answers(settings, visitor, ai, path, body):
    settings.DAILY_ANSWERS_PER_CALLER = settings.DAILY_ANSWERS_PER_ADDRESS = 2
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error", status=503)
    replies = [visitor.post_json(path, body) for _ in range(3)]
    assert [reply.json()["degraded"]["reason"] for reply in replies] == ["ai_error"] * 3
    assert counted_answers() == [0, 0]
    ai.heal()
    assert visitor.post_json(path, body).json()["degraded"] is None
    assert counted_answers() == [1, 1]


@pytest.mark.parametrize(("path", "body"), ENTRY_POINTS)
def test_an_answer_that_the_ai_has_begun_counts(settings, visitor, ai, path, body):
    settings.DAILY_ANSWERS_PER_CALLER = settings.DAILY_ANSWERS_PER_ADDRESS = 2
    ai.fail("cut", after_tokens=3)
    assert visitor.post_json(path, body).json()["degraded"]["reason"] == "interrupted"
    assert counted_answers() == [1, 1]


def test_a_question_that_the_ai_refuses_counts(settings, visitor, ai, serve):
    settings.DAILY_ANSWERS_PER_CALLER = settings.DAILY_ANSWERS_PER_ADDRESS = 2
    serve(head("400 Bad Request", "Content-Length: 0"))
    assert visitor.ask("Comment vas-tu ?").json()["degraded"]["reason"] == "ai_rejected"
    assert counted_answers() == [1, 1]


def test_an_answer_that_ends_after_midnight_is_given_back_to_the_day_before(settings, monkeypatch):
    settings.DAILY_ANSWERS_PER_CALLER = 2
    today = datetime.fromisoformat("2026-06-01T12:00:00+02:00")
    caller = Caller("caller", "visitor", networks=("192.0.2.1",))
    monkeypatch.setattr(timezone, "now", lambda: today)
    spent = budgets.spend_answer(caller)
    assert spent is not None
    monkeypatch.setattr(timezone, "now", lambda: today + timedelta(days=1))
    assert budgets.spend_answer(caller) is not None
    spent.settle(Transcript([Finish("fallback")]))
    redis = get_redis_connection("default")
    counts = {key.partition(b"{")[2][:10]: redis.get(key) for key in redis.keys("bff:budget:*")}
    assert counts == {b"2026-06-01": b"0", b"2026-06-02": b"1"}


def key_with(daily_answers: int | None) -> str:
    row, key = api_keys.create("A program")
    row.daily_answers = daily_answers
    row.save()
    return key


def complete(key: str, text: str):
    body = {"model": "any", "messages": [{"role": "user", "content": text}]}
    headers = {"Authorization": f"Bearer {key}"}
    reply = Client().post("/v1/chat/completions", body, "application/json", headers=headers)
    assert reply.status_code == 200
    return reply


def test_a_program_has_its_own_budget_and_no_other(settings, visitor, ai):
    settings.DAILY_ANSWERS_PER_CALLER = settings.DAILY_ANSWERS_PER_ADDRESS = 1
    key = key_with(daily_answers=2)
    asked = [complete(key, UNKNOWN.format(number)) for number in range(3)]
    assert [reply.get("X-Degraded") for reply in asked] == [None, None, "over_budget"]


def test_a_program_with_no_answers_a_day_gets_only_what_costs_nothing(visitor, ai):
    visitor.ask(ARTICLE)
    key = key_with(daily_answers=0)
    before = metrics.OVER_BUDGET.labels("caller")._value.get()
    assert complete(key, ARTICLE)["X-Cache"] == "HIT"
    assert complete(key, UNKNOWN)["X-Degraded"] == "over_budget"
    document, headers = {"document": LETTER, "documentType": "mdph"}, {"Authorization": f"Bearer {key}"}
    analysis = Client().post("/api/chat/analyze-document", document, "application/json", headers=headers)
    assert analysis["X-Degraded"] == "over_budget"
    assert metrics.OVER_BUDGET.labels("caller")._value.get() == before + 2
    assert ai.calls == 1


def test_a_program_with_no_answers_a_day_gets_none_without_redis_either(visitor, ai, monkeypatch):
    break_redis(monkeypatch)
    assert complete(key_with(daily_answers=0), UNKNOWN)["X-Degraded"] == "over_budget"
    assert ai.calls == 0


def test_a_program_without_a_number_has_no_limit(settings, visitor, ai):
    settings.DAILY_ANSWERS_PER_CALLER = settings.DAILY_ANSWERS_PER_ADDRESS = 1
    key = key_with(daily_answers=None)
    assert [complete(key, UNKNOWN.format(number)).get("X-Degraded") for number in range(3)] == [None] * 3


def test_a_document_counts_and_its_facts_are_sent_above_the_budget(settings, visitor, ai):
    settings.DAILY_ANSWERS_PER_CALLER = 1
    body = {"document": LETTER, "documentType": "mdph"}
    first, second = (visitor.post_json("/api/chat/analyze-document", body) for _ in range(2))
    assert first.json()["degraded"] is None
    assert (second.status_code, second.json()["degraded"]["reason"]) == (200, "over_budget")
    assert second.json()["extractedData"]["dates"]
    assert ai.calls == 1


def test_the_desk_and_the_metrics_show_it(settings, visitor, ai):
    settings.DAILY_ANSWERS_PER_CALLER, settings.DAILY_TOKENS_TOTAL = 1, 10_000_000
    before = metrics.OVER_BUDGET.labels("caller")._value.get()
    visitor.ask("Bonjour")
    visitor.ask(UNKNOWN)
    assert metrics.OVER_BUDGET.labels("caller")._value.get() == before + 1
    page = staff_client("view_circuitbreaker").get("/admin/").content.decode()
    assert "1 answer was not asked of the AI" in page
    assert "Tokens spent today" in page


def test_a_renewal_that_the_budget_does_not_allow_is_no_answer_above_it(settings, visitor, ai, monkeypatch):
    visitor.ask("Bonjour")
    monkeypatch.setattr(CachedAnswer, "should_be_renewed", lambda _: True)
    settings.DAILY_TOKENS_TOTAL = 1
    budgets.spend_tokens(None, "more than one token")
    eventually(budgets.tokens_spent)
    before = metrics.OVER_BUDGET.labels("tokens")._value.get()
    assert visitor.ask("Bonjour").json()["origin"] == "cache"
    assert metrics.OVER_BUDGET.labels("tokens")._value.get() == before
    assert ai.calls == 1


def test_the_keys_of_budgets_end_and_name_nobody(settings, visitor, ai):
    settings.DAILY_ANSWERS_PER_CALLER = settings.DAILY_ANSWERS_PER_ADDRESS = settings.DAILY_TOKENS_TOTAL = 1000
    visitor.ask("Bonjour")
    redis = get_redis_connection("default")
    keys = redis.keys("bff:budget:*")
    assert len(keys) == 3
    assert all(0 < redis.ttl(key) <= budgets.LIFETIME_SECONDS for key in keys)
    assert b"127.0.0.1" not in b" ".join(keys)


@pytest.mark.parametrize(("limit", "sent"), [(4000, 4000), (0, None)])
def test_the_length_of_an_answer_is_bounded_upstream(settings, visitor, serve: Serve, limit, sent):
    settings.AI_MAX_OUTPUT_TOKENS = limit
    upstream = serve(stream_response("Oui."))
    visitor.ask("Bonjour")
    assert json.loads(upstream.requests[0].partition(b"\r\n\r\n")[2]).get("max_tokens") == sent


def test_tokens_that_no_service_has_counted_are_estimated_as_in_prompts(settings):
    settings.DAILY_TOKENS_TOTAL = 10_000_000
    budgets.spend_tokens(None, "été " * 150, b"x" * 300)
    assert budgets.tokens_spent() == (6 * 150 + 300) // 3 == dialogue.tokens_of("été " * 200) - dialogue.MESSAGE_TOKENS


@pytest.mark.parametrize(
    ("moment", "hours"),
    [
        ("2026-03-29T00:30:00+01:00", 22.5),  # of 23 hours
        ("2026-10-25T00:30:00+02:00", 24.5),  # of 25 hours
        ("2026-10-25T12:00:00+01:00", 12),
        ("2026-06-01T12:00:00+02:00", 12),
    ],
)
def test_budgets_are_reset_at_midnight_also_when_the_clocks_change(monkeypatch, moment, hours):
    monkeypatch.setattr(timezone, "now", lambda: datetime.fromisoformat(moment))
    assert budgets.seconds_until_reset() == hours * 3600
