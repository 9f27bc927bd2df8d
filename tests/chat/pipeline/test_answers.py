"""Answers to single questions through the API: from the AI, from the cache, and without the AI."""

from __future__ import annotations

import pytest

from chat import knowledge
from chat.upstream import session
from tests.support.distress_notices import notice_on
from tests.support.fake_upstream import CHUNKED, chunk, delta_event, stream_response
from tests.support.sse import parse_parts, text_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_question_is_answered_by_the_ai(visitor, ai):
    reply = visitor.ask("Comment demander l'AEEH pour ma fille ?")
    answer = reply.json()
    assert reply.status_code == 200
    assert answer["origin"] == "ai"
    assert answer["response"]
    assert answer["degraded"] is None
    assert answer["saved"] is True
    assert reply["X-Cache"] == "MISS"
    assert "X-Degraded" not in reply
    assert reply["Server-Timing"].startswith("answer;dur=")
    assert set(answer) == {
        "response", "conversationId", "messageId", "timestamp", "origin", "sources", "suggestions", "degraded", "saved",
        "ending",
    }  # fmt: skip


def test_a_finished_answer_frees_its_upstream_concurrency_slot(visitor, ai, settings):
    settings.AI_MAX_CONCURRENCY = 1
    session.get.cache_clear()
    origins = [visitor.ask(f"Comment demander l'AEEH, pour l'enfant numéro {n} ?").json()["origin"] for n in range(3)]
    assert origins == ["ai"] * 3


def test_the_same_question_typed_differently_is_answered_from_the_cache(visitor, another_visitor, ai):
    first = visitor.ask("Qu'est-ce que la MDPH ?").json()
    again = another_visitor.ask("  qu’est-ce   que LA mdph")
    assert again.json()["origin"] == "cache"
    assert again["X-Cache"] == "HIT"
    assert again.json()["response"] == first["response"]
    assert ai.calls == 1


def test_the_notice_on_suicide_stays_for_two_messages(visitor, ai):
    answers = [visitor.ask("Je veux mourir.").json()]
    for text in ("Répondez juste pour la tutelle.", "Et pour la carte mobilité ?", "Comment demander l'AEEH ?"):
        answers.append(visitor.ask(text, conversationId=answers[0]["conversationId"]).json())
    assert ["3114" in answer["response"] for answer in answers] == [True, True, True, False]
    assert [bool(answer["suggestions"]) for answer in answers] == [False, False, False, True]


def test_a_follow_up_is_cached_for_its_caller_alone(visitor, another_visitor, ai):
    for person in (visitor, another_visitor):
        conversation = person.ask("Qu'est-ce que la MDPH ?").json()["conversationId"]
        follow_up = person.ask("Et pour mon fils ?", conversationId=conversation)
        assert follow_up.json()["origin"] == "ai"
    assert ai.calls == 3  # the first question was shared, the follow-ups were not


def test_the_same_text_with_context_is_another_question(visitor, ai):
    visitor.ask("À quoi ai-je droit ?")
    with_context = visitor.ask("À quoi ai-je droit ?", context={"département": "93"})
    assert with_context.json()["origin"] == "ai"
    assert ai.calls == 2


def test_an_outage_is_answered_with_help_lines_and_a_reason(visitor, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error", status=503)
    reply = visitor.ask("Une question sans article : xyzzy ?")
    answer = reply.json()
    assert reply.status_code == 200
    assert answer["origin"] == "fallback"
    assert answer["degraded"]["reason"] == "ai_error"
    assert "0 800 360 360" in answer["response"]
    assert reply["X-Degraded"] == "ai_error"


@pytest.mark.usefixtures("quick_breakers")
def test_no_calls_are_made_after_the_failure_threshold(visitor, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("down")
    for number in range(settings.BREAKER_FAILURE_THRESHOLD):
        visitor.ask(f"Question numéro {number} ?")
    calls = ai.calls
    reply = visitor.ask("Encore une question ?")
    assert reply.json()["degraded"]["reason"] == "circuit_open"
    assert reply.json()["degraded"]["retryAfter"] <= settings.BREAKER_OPEN_SECONDS
    assert ai.calls == calls


def test_a_stale_answer_is_served_with_its_age_when_the_ai_is_down(visitor, ai, settings):
    settings.CACHE_TTL_ANSWER = 1
    settings.AI_MAX_ATTEMPTS = 1
    fresh = visitor.ask("Qu'est-ce que le PPS ?").json()
    ai.fail("error")
    while (reply := visitor.ask("Qu'est-ce que le PPS ?")).json()["origin"] == "cache":
        pass  # it is fresh for a second
    stale = reply.json()
    assert stale["origin"] == "stale"
    assert stale["response"] == fresh["response"]
    assert stale["degraded"]["ageSeconds"] is not None
    assert reply["X-Cache"] == "STALE"


@pytest.mark.parametrize(
    ("fault", "options"),
    [("error", {}), ("cut", {"after_tokens": 3}), ("garbage", {}), ("rate_limited", {"retry_after": 1})],
)
def test_an_incomplete_answer_is_never_cached(visitor, ai, settings, fault, options):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail(fault, count=1, **options)
    assert visitor.ask("Qu'est-ce que l'ULIS ?").json()["degraded"] is not None
    retried = visitor.ask("Qu'est-ce que l'ULIS ?").json()
    assert retried["origin"] == "ai"
    assert retried["degraded"] is None


def test_an_answer_cut_in_the_middle_keeps_its_text_and_reports_the_interruption(visitor, ai):
    ai.fail("cut", after_tokens=3)
    answer = visitor.ask("Comment contester une décision de la MDPH ?").json()
    assert answer["degraded"]["reason"] == "interrupted"
    assert answer["response"]
    assert ai.calls == 1  # a retry after the first text would repeat it


def test_distress_puts_the_help_lines_first_also_from_the_cache(visitor, another_visitor, ai):
    for person in (visitor, another_visitor):
        answer = person.ask("Je n'en peux plus, j'ai envie de mourir").json()
        assert "3114" in answer["response"].split("\n\n")[0]


def test_a_stale_answer_to_distress_has_the_help_lines_once(visitor, ai, settings):
    settings.CACHE_TTL_ANSWER = 1
    settings.AI_MAX_ATTEMPTS = 1
    visitor.ask("Je n'en peux plus")
    ai.fail("error")
    while (reply := visitor.ask("Je n'en peux plus")).json()["origin"] == "cache":
        pass  # it is fresh for a second
    assert reply.json()["origin"] == "stale"
    assert reply.json()["response"].count(notice_on("Je n'en peux plus")) == 1


def test_an_english_question_is_answered_in_english(visitor, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error")
    assert "I’m sorry" in visitor.ask("What is the xyzzy and how do I get it?").json()["response"]


@pytest.mark.parametrize(("greeting", "language"), [("Bonjour", "fr"), ("Hello", "en")])
def test_an_answer_without_an_article_offers_what_most_families_ask_first(visitor, ai, greeting, language):
    assert visitor.ask(greeting).json()["suggestions"] == knowledge.current().openers(language, 3)


def test_somebody_in_distress_gets_no_questions_where_no_article_fits(visitor, ai):
    assert visitor.ask("je veux mourir").json()["suggestions"] == []


@pytest.mark.parametrize(
    "pieces",
    [("Oui [1, 2].",), ("Oui ", "[", "1", ",", " 2", "]", "."), ("[1 e", "t 2] oui", "."), ("Oui 【1】【2】.",)],
)
def test_several_citations_in_one_bracket_have_their_sources_everywhere(visitor, serve, pieces):
    serve(stream_response(*pieces))
    answer = visitor.ask("Comment demander l'AEEH ?").json()
    assert "[1][2]" in answer["response"]
    assert [source["id"] for source in answer["sources"]] == ["1", "2"]
    parts = list(parse_parts(visitor.stream("Comment demander l'AEEH ?")))
    assert text_of(parts) == answer["response"]
    assert [part["sourceId"] for part in parts if part["type"] == "source-url"] == ["1", "2"]


@pytest.mark.parametrize(
    "text", ["L'intervalle [77, 88] compte.", "Il reste [1", "Il reste [1, 2 ans", "Voir [", "[2026]"]
)
def test_text_that_only_begins_like_a_citation_is_kept(visitor, serve, text):
    serve(stream_response(*text))
    assert visitor.ask("Comment demander l'AEEH ?").json()["response"] == text


def test_an_answer_cut_inside_a_citation_keeps_its_words(visitor, serve):
    serve(CHUNKED + chunk(delta_event("Oui ")) + chunk(delta_event("[1, ")))
    answer = visitor.ask("Comment demander l'AEEH ?").json()
    assert (answer["response"], answer["ending"]) == ("Oui [1, ", "interrupted")
