"""The cache between instances: one refresh for all, and an edited entry that outdates its answers everywhere."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django_redis import get_redis_connection

from chat import cache
from chat.models import KnowledgeEntry
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Qu'est-ce que le PPS ?"
IN_FORCE_SECONDS = 5.0
SOON = 3 * IN_FORCE_SECONDS


def age_all(created: float, fresh_seconds: float) -> None:
    """Make every kept answer as old as that: `created` seconds ago, fresh for so many."""
    redis = get_redis_connection("default")
    for name in redis.keys("bff:answer:*"):
        kept = cache.look(name.decode().removeprefix("bff:answer:"))
        assert kept is not None
        redis.set(name, cache._seal(kept.events, time.time() - created, fresh_seconds, cost_ms=500), keepttl=True)


@pytest.mark.parametrize("seconds", [0, 2], ids=["a quick AI", "a slow AI"])
def test_two_hundred_who_ask_for_one_expired_answer_cause_one_refresh_and_all_are_answered_from_the_cache(
    two_servers, ai, seconds
):
    old = two_servers[0].ask(QUESTION).json()
    age_all(created=86400 + 60, fresh_seconds=86400)
    if seconds:
        ai.fail("slow", seconds=seconds)
    with ThreadPoolExecutor(50) as people:
        asked = [people.submit(two_servers[n % 2].ask, QUESTION) for n in range(200)]
        replies = [reply.result().json() for reply in asked]
    assert {reply["origin"] for reply in replies} == {"cache"}
    assert {reply["response"] for reply in replies} == {old["response"]}
    assert ai.calls == 2  # the first answer, and one refresh
    key = get_redis_connection("default").keys("bff:answer:public:*")[0].decode().removeprefix("bff:answer:")
    eventually(lambda: cache.look(key).is_fresh, SOON, every=0.1)


def test_one_long_expired_answer_is_asked_for_once_and_everyone_gets_the_new_one(two_servers, ai):
    two_servers[0].ask(QUESTION)
    age_all(created=3 * 86400, fresh_seconds=86400)
    with ThreadPoolExecutor(50) as people:
        asked = [people.submit(two_servers[n % 2].ask, QUESTION) for n in range(200)]
        origins = {reply.result().json()["origin"] for reply in asked}
    assert origins <= {"ai", "cache"}  # those who came after it was made find it
    assert ai.calls == 2


def test_an_entry_edited_on_one_instance_outdates_its_answers_on_the_other(two_servers, ai):
    call_command("load_knowledge", verbosity=0)
    _, other = two_servers
    eventually(lambda: other.ask(QUESTION).json()["origin"] == "cache", SOON, every=0.1)
    calls = ai.calls
    entry = KnowledgeEntry.objects.get(slug="pps", language="fr")
    entry.text += "\n\nUne phrase de plus."
    entry.save()
    time.sleep(IN_FORCE_SECONDS)
    assert other.ask(QUESTION).json()["origin"] == "ai"
    assert ai.calls == calls + 1
