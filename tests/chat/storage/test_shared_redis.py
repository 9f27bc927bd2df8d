"""SharedRedis: one outage state per Redis server in this process; defaults while it is unavailable."""

from __future__ import annotations

import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from chat.storage import answer_cache
from chat.storage.shared_redis import SharedRedis, shared_redis
from chat.upstream import breaker_registry
from chat.upstream.breaker.failover import Failover
from tests.support.polling import eventually


def fail(_: object) -> str:
    raise RedisTimeout


def test_all_aliases_of_one_server_share_one_outage():
    breaker_store = breaker_registry.get("chat").store
    assert isinstance(breaker_store, Failover)
    assert shared_redis.outage is SharedRedis("runs").outage is breaker_store.outage


def test_after_one_failure_redis_is_skipped_until_it_recovers():
    assert shared_redis.execute(fail, "default") == "default"
    assert answer_cache.is_unavailable()
    assert shared_redis.execute(lambda _: pytest.fail("Redis was called"), "default") == "default"
    assert breaker_registry.get("chat").snapshot().source == "memory"
    eventually(lambda: shared_redis.execute(lambda redis: redis.ping(), False))
    assert breaker_registry.get("chat").snapshot().source == "redis"


def test_other_exceptions_do_not_begin_an_outage():
    with pytest.raises(ZeroDivisionError):
        shared_redis.execute(lambda _: 1 // 0, 0)
    assert not shared_redis.is_unavailable
