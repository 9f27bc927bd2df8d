"""One question through the front door: from the AI, from the cache, and when the AI can't."""

from __future__ import annotations

import pytest

from chat import help_lines
from chat.upstream import session

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


def test_an_answer_that_has_ended_holds_no_place_at_the_ai(visitor, ai, settings):
    settings.AI_MAX_CONCURRENCY = 1
    session.get.cache_clear()
    origins = [visitor.ask(f"Comment demander l'AEEH, pour l'enfant numéro {n} ?").json()["origin"] for n in range(3)]
    assert origins == ["ai"] * 3


def test_the_same_question_typed_otherwise_comes_from_the_cache(visitor, another_visitor, ai):
    first = visitor.ask("Qu'est-ce que la MDPH ?").json()
    again = another_visitor.ask("  qu’est-ce   que LA mdph")
    assert again.json()["origin"] == "cache"
    assert again["X-Cache"] == "HIT"
    assert again.json()["response"] == first["response"]
    assert ai.calls == 1


def test_what_follows_in_a_conversation_is_for_its_person_alone(visitor, another_visitor, ai):
    for person in (visitor, another_visitor):
        conversation = person.ask("Bonjour").json()["conversationId"]
        follow_up = person.ask("Et pour mon fils ?", conversationId=conversation)
        assert follow_up.json()["origin"] == "ai"
    assert ai.calls == 3  # "Bonjour" was shared, what followed was not


def test_the_same_words_with_context_are_another_question(visitor, ai):
    visitor.ask("À quoi ai-je droit ?")
    with_context = visitor.ask("À quoi ai-je droit ?", context={"département": "93"})
    assert with_context.json()["origin"] == "ai"
    assert ai.calls == 2


def test_an_outage_is_answered_kindly_and_says_why(visitor, ai, settings):
    settings.AI_ATTEMPTS = 1
    ai.fail("error", status=503)
    reply = visitor.ask("Une question sans article : xyzzy ?")
    answer = reply.json()
    assert reply.status_code == 200
    assert answer["origin"] == "fallback"
    assert answer["degraded"]["reason"] == "ai_error"
    assert "0 800 360 360" in answer["response"]
    assert reply["X-Degraded"] == "ai_error"


def test_after_the_threshold_calls_are_not_made_any_more(visitor, ai, settings):
    settings.AI_ATTEMPTS = 1
    ai.fail("down")
    for number in range(settings.BREAKER_FAILURE_THRESHOLD):
        visitor.ask(f"Question numéro {number} ?")
    calls = ai.calls
    reply = visitor.ask("Encore une question ?")
    assert reply.json()["degraded"]["reason"] == "circuit_open"
    assert reply.json()["degraded"]["retryAfter"] <= settings.BREAKER_OPEN_SECONDS
    assert ai.calls == calls


def test_an_older_answer_is_given_again_with_its_age_when_the_ai_is_down(visitor, ai, settings):
    settings.CACHE_TTL_ANSWER = 1
    settings.AI_ATTEMPTS = 1
    fresh = visitor.ask("Qu'est-ce que le PPS ?").json()
    ai.fail("error")
    while (reply := visitor.ask("Qu'est-ce que le PPS ?")).json()["origin"] == "cache":
        pass  # its second is not over yet
    stale = reply.json()
    assert stale["origin"] == "stale"
    assert stale["response"] == fresh["response"]
    assert stale["degraded"]["ageSeconds"] is not None
    assert reply["X-Cache"] == "STALE"


@pytest.mark.parametrize(
    ("fault", "options"),
    [("error", {}), ("cut", {"after_tokens": 3}), ("garbage", {}), ("rate_limited", {"retry_after": 1})],
)
def test_what_is_not_a_whole_answer_is_never_found_again(visitor, ai, settings, fault, options):
    settings.AI_ATTEMPTS = 1
    ai.fail(fault, count=1, **options)
    assert visitor.ask("Qu'est-ce que l'ULIS ?").json()["degraded"] is not None
    healed = visitor.ask("Qu'est-ce que l'ULIS ?").json()
    assert healed["origin"] == "ai"
    assert healed["degraded"] is None


def test_an_answer_cut_in_the_middle_keeps_what_was_said_and_says_so(visitor, ai):
    ai.fail("cut", after_tokens=3)
    answer = visitor.ask("Comment contester une décision de la MDPH ?").json()
    assert answer["degraded"]["reason"] == "interrupted"
    assert answer["response"]
    assert ai.calls == 1  # asking again after the first words would say things twice


def test_distress_brings_the_help_lines_forward_also_from_the_cache(visitor, another_visitor, ai):
    for person in (visitor, another_visitor):
        answer = person.ask("Je n'en peux plus, j'ai envie de mourir").json()
        assert "3114" in answer["response"].split("\n\n")[0]


def test_an_older_answer_to_distress_says_the_help_lines_once(visitor, ai, settings):
    settings.CACHE_TTL_ANSWER = 1
    settings.AI_ATTEMPTS = 1
    visitor.ask("Je n'en peux plus")
    ai.fail("error")
    while (reply := visitor.ask("Je n'en peux plus")).json()["origin"] == "cache":
        pass  # its second is not over yet
    assert reply.json()["origin"] == "stale"
    assert reply.json()["response"].count(help_lines.called_for("Je n'en peux plus", "fr")) == 1


def test_english_is_answered_in_english(visitor, ai, settings):
    settings.AI_ATTEMPTS = 1
    ai.fail("error")
    assert "I'm sorry" in visitor.ask("What is the xyzzy and how do I get it?").json()["response"]


def test_a_disliked_answer_is_not_served_again(visitor, another_visitor, ai):
    answer = visitor.ask("Qu'est-ce qu'un SESSAD ?").json()
    rated = visitor.post_json("/api/chat/feedback", {"messageId": answer["messageId"], "rating": "down"})
    assert rated.status_code == 204
    assert another_visitor.ask("Qu'est-ce qu'un SESSAD ?").json()["origin"] == "ai"
