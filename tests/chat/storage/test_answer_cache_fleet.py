"""The answer cache of several instances: one renewal for all; an edited entry outdates its answers everywhere."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django_redis import get_redis_connection

from chat.models import KnowledgeEntry
from chat.storage import answer_cache
from tests.support.factories import new_entry
from tests.support.polling import eventually

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Qu'est-ce que le PPS ?"
TIMEOUT_SECONDS = 30.0  # a process uses an edited entry after some seconds


@pytest.fixture(autouse=True)
def _one_entry(transactional_db: None) -> None:
    new_entry(QUESTION)


def set_age_of_all(age_seconds: float, fresh_seconds: float) -> None:
    """Rewrite every cached answer with this age and fresh time."""
    redis = get_redis_connection("default")
    for name in redis.keys("bff:answer:*"):
        cached = answer_cache.get(key_in(name))
        assert cached is not None
        redis.set(
            name,
            answer_cache._encode_envelope(cached.events, time.time() - age_seconds, fresh_seconds, cost_ms=500),
            keepttl=True,
        )


def key_in(name: bytes) -> str:
    """The cache key of the public answer under this Redis key."""
    return name.decode().removeprefix("bff:answer:{").removesuffix("}")


@pytest.mark.parametrize("seconds", [0, 2], ids=["fast AI", "slow AI"])
def test_200_requests_for_one_expired_answer_cause_one_renewal_and_are_served_from_the_cache(two_servers, ai, seconds):
    old = two_servers[0].ask(QUESTION).json()
    set_age_of_all(age_seconds=86400 + 60, fresh_seconds=86400)
    if seconds:
        ai.fail("slow", seconds=seconds)
    with ThreadPoolExecutor(50) as pool:
        futures = [pool.submit(two_servers[n % 2].ask, QUESTION) for n in range(200)]
        replies = [future.result().json() for future in futures]
    assert {reply["origin"] for reply in replies} == {"cache"}
    assert {reply["response"] for reply in replies} == {old["response"]}
    assert ai.calls == 2  # the first answer and one renewal
    key = key_in(get_redis_connection("default").keys("bff:answer:{public:*")[0])
    eventually(lambda: (answer := answer_cache.get(key)) and answer.is_fresh, TIMEOUT_SECONDS, every=0.1)


def test_200_requests_for_one_long_expired_answer_share_one_upstream_call(two_servers, ai):
    two_servers[0].ask(QUESTION)
    set_age_of_all(age_seconds=3 * 86400, fresh_seconds=86400)
    with ThreadPoolExecutor(50) as pool:
        futures = [pool.submit(two_servers[n % 2].ask, QUESTION) for n in range(200)]
        origins = {future.result().json()["origin"] for future in futures}
    assert origins <= {"ai", "cache"}  # late requests hit the cache
    assert ai.calls == 2


def test_entry_edited_on_one_instance_outdates_its_answers_on_the_other(two_servers, ai):
    call_command("load_knowledge", verbosity=0)
    _, other = two_servers
    eventually(lambda: other.ask(QUESTION).json()["origin"] == "cache", TIMEOUT_SECONDS, every=0.1)
    calls = ai.calls
    entry = KnowledgeEntry.objects.get(slug="pps", language="fr")
    entry.text += "\n\nUne phrase de plus."
    entry.save()
    eventually(lambda: other.ask(QUESTION).json()["origin"] == "ai", TIMEOUT_SECONDS, every=0.1)
    assert ai.calls == calls + 1
