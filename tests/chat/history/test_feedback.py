"""Ratings: a shared answer is replaced only when several people of different networks have rated it down."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django_redis import get_redis_connection

from chat.models import Message
from chat.storage import answer_cache
from chat.storage.answer_cache import CachedAnswer
from tests.chat.admin.test_admin import staff_client
from tests.conftest import ChatClient
from tests.support.outages import break_redis

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Qu'est-ce qu'un SESSAD ?"


def person(address: str) -> ChatClient:
    return ChatClient(raise_request_exception=False, REMOTE_ADDR=address)


def rate(person: ChatClient, message_id: str, rating: str = "down") -> int:
    body = {"messageId": message_id, "rating": rating}
    return int(person.post_json("/api/chat/feedback", body).status_code)


def ask_and_rate(address: str, rating: str = "down") -> str:
    """The answer's origin."""
    someone = person(address)
    answer = someone.ask(QUESTION).json()
    assert rate(someone, answer["messageId"], rating) == 204
    return str(answer["origin"])


def test_one_person_cannot_vote_a_shared_answer_away(visitor, ai):
    answer = visitor.ask(QUESTION).json()
    for rating in ("down", "down", "up", "down", "down"):
        assert rate(visitor, answer["messageId"], rating) == 204
    again = [visitor.ask(QUESTION).json() for _ in range(3)]
    assert [rate(visitor, each["messageId"]) for each in again] == [204, 204, 204]
    assert visitor.ask(QUESTION).json()["origin"] == "cache"
    assert ai.calls == 1


def test_three_people_of_different_networks_have_it_written_anew(visitor, ai):
    assert [ask_and_rate(f"192.0.2.{number}") for number in range(3)] == ["ai", "cache", "cache"]
    assert visitor.ask(QUESTION).json()["origin"] == "ai"
    assert visitor.ask(QUESTION).json()["origin"] == "cache"


def test_an_expired_answer_that_is_still_served_is_written_anew_too(visitor, ai, settings, monkeypatch):
    monkeypatch.setattr(answer_cache, "GRACE", 1_000_000)
    monkeypatch.setattr(CachedAnswer, "should_be_renewed", lambda _: False)  # the AI was away when it expired
    settings.CACHE_TTL_ANSWER = 0.001
    assert [ask_and_rate(f"192.0.2.{number}") for number in range(3)] == ["ai", "cache", "cache"]
    assert visitor.ask(QUESTION).json()["origin"] == "ai"


@pytest.mark.parametrize(
    "addresses",
    [["192.0.2.1"] * 5, [f"2001:db8:1:{number}::1" for number in range(5)]],
    ids=["one address", "one customer's IPv6 addresses"],
)
def test_people_of_one_network_count_once(visitor, ai, addresses):
    for address in addresses:
        ask_and_rate(address)
    assert visitor.ask(QUESTION).json()["origin"] == "cache"


def test_a_vote_taken_back_does_not_count(visitor, ai):
    ask_and_rate("192.0.2.1")
    changed = person("192.0.2.2")
    answer = changed.ask(QUESTION).json()
    assert [rate(changed, answer["messageId"], rating) for rating in ("down", "up")] == [204, 204]
    ask_and_rate("192.0.2.3")
    assert visitor.ask(QUESTION).json()["origin"] == "cache"
    ask_and_rate("192.0.2.4")
    assert visitor.ask(QUESTION).json()["origin"] == "ai"


def test_votes_against_an_answer_do_not_count_against_the_next_one(visitor, ai):
    first = person("192.0.2.9")
    old = first.ask(QUESTION).json()
    for number in range(3):
        ask_and_rate(f"192.0.2.{number}")
    assert visitor.ask(QUESTION).json()["origin"] == "ai"
    assert rate(first, old["messageId"]) == 204
    ask_and_rate("192.0.2.7")
    ask_and_rate("192.0.2.8")
    assert visitor.ask(QUESTION).json()["origin"] == "cache"


def test_an_answer_that_was_voted_away_is_still_there_for_an_outage(visitor, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    for number in range(3):
        ask_and_rate(f"192.0.2.{number}")
    ai.fail("error")
    assert visitor.ask(QUESTION).json()["origin"] == "stale"


def test_whoever_never_received_an_answer_cannot_rate_it(visitor, another_visitor, ai):
    answer = visitor.ask(QUESTION).json()
    assert rate(another_visitor, answer["messageId"]) == 404
    question = Message.objects.get(role="user")
    assert rate(visitor, question.public_id) == 404
    assert set(Message.objects.values_list("rating", flat=True)) == {""}


def test_an_answer_for_one_person_alone_is_replaced_at_their_word(visitor, ai):
    def ask_follow_up() -> dict[str, str]:
        conversation = visitor.ask("Bonjour").json()["conversationId"]
        answer: dict[str, str] = visitor.ask("Et pour mon fils ?", conversationId=conversation).json()
        return answer

    ask_follow_up()
    cached = ask_follow_up()
    assert cached["origin"] == "cache"
    assert rate(visitor, cached["messageId"]) == 204
    assert ask_follow_up()["origin"] == "ai"


def test_redis_keeps_no_caller_and_no_address_of_a_vote(visitor, ai):
    ask_and_rate("192.0.2.1")
    redis = get_redis_connection("default")
    (key,) = redis.keys("bff:votes:*")
    assert b"192.0.2.1" not in b" ".join([key, *redis.hkeys(key), *redis.hvals(key)])
    assert redis.ttl(key) > 0


def replace_answers_rated_down() -> str:
    """The page that an operator sees afterwards."""
    operator = staff_client("view_conversation", "delete_conversation")
    rated = Message.objects.filter(rating="down").values_list("conversation", flat=True)
    body = {"action": "replace_answers_rated_down", "_selected_action": list(rated)}
    page: str = operator.post("/admin/chat/conversation/", body, follow=True).content.decode()
    return page


def test_an_operator_replaces_it_without_waiting_for_votes(visitor, ai):
    ask_and_rate("192.0.2.1")
    assert "Answers that will be replaced: 1" in replace_answers_rated_down()
    assert visitor.ask(QUESTION).json()["origin"] == "ai"


def test_an_operator_reads_that_nothing_is_replaced_while_redis_is_unavailable(visitor, ai, monkeypatch):
    ask_and_rate("192.0.2.1")
    break_redis(monkeypatch)
    page = replace_answers_rated_down()
    assert "Redis is unavailable. Done for 0 of 1;" in page
    assert "will be replaced" not in page
    assert not LogEntry.objects.exists()


def test_an_operator_reads_what_was_replaced_before_redis_failed(visitor, ai, monkeypatch):
    for number in (1, 2):
        ask_and_rate(f"192.0.2.{number}")
    outdate = answer_cache.outdate

    def outdate_and_fail(*arguments: Any) -> bool | None:
        outcome = outdate(*arguments)
        break_redis(monkeypatch)
        return outcome

    monkeypatch.setattr(answer_cache, "outdate", outdate_and_fail)
    page = replace_answers_rated_down()
    assert "Answers that will be replaced: 1" in page
    assert "Redis is unavailable. Done for 1 of 2;" in page
    assert LogEntry.objects.get().change_message == "Answers that will be replaced: 1"
