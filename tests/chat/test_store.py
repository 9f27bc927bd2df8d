"""Redis as answers and runs use it: done without when it is not there, whoever in this process found that out."""

from __future__ import annotations

import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from chat import cache
from chat.store import Store, answers
from chat.upstream import breakers
from tests.waiting import eventually


def fail(_: object) -> str:
    raise RedisTimeout


def test_all_who_use_one_redis_know_of_its_absence_together():
    assert answers.absence is Store("runs").absence is breakers.get("chat").store.absence


def test_after_one_failure_nobody_asks_until_it_is_found_back():
    assert answers.ask(fail, "otherwise") == "otherwise"
    assert cache.is_away()
    assert answers.ask(lambda _: pytest.fail("asked"), "otherwise") == "otherwise"
    assert breakers.get("chat").snapshot().source == "memory"
    eventually(lambda: answers.ask(lambda redis: redis.ping(), False))
    assert breakers.get("chat").snapshot().source == "redis"


def test_what_else_goes_wrong_is_not_taken_for_an_absence():
    with pytest.raises(ZeroDivisionError):
        answers.ask(lambda _: 1 / 0, 0)
    assert not answers.is_away
