"""SharedRedis: one outage state per Redis server in this process; None while it is unavailable."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from chat.storage import answer_cache
from chat.upstream import breaker_registry
from chat.upstream.breaker.failover import Failover
from observability.redis_trips import RedisTrips
from observability.shared_redis import SharedRedis, shared_redis
from tests.support.polling import eventually


def fail_with(error: type[Exception] | Exception) -> Callable[..., object]:
    def fail(*_: object) -> object:
        raise error

    return fail


def test_all_aliases_of_one_server_share_one_outage():
    breaker_store = breaker_registry.get("chat").store
    assert isinstance(breaker_store, Failover)
    assert shared_redis.outage is SharedRedis("runs").outage is breaker_store.outage


def test_after_one_failure_redis_is_skipped_until_it_recovers(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(RedisTrips, "send", fail_with(RedisTimeout))
        assert shared_redis.send(("GET", "key")) is None
        assert answer_cache.is_unavailable()
        patch.setattr(RedisTrips, "send", fail_with(AssertionError("Redis was called")))
        assert shared_redis.send(("GET", "key")) is None
    assert breaker_registry.get("chat").snapshot().source == "memory"
    eventually(lambda: shared_redis.send(("GET", "key")) == [None])
    assert breaker_registry.get("chat").snapshot().source == "redis"


def test_other_exceptions_do_not_begin_an_outage(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(RedisTrips, "send", fail_with(ZeroDivisionError))
        with pytest.raises(ZeroDivisionError):
            shared_redis.send(("GET", "key"))
    assert not shared_redis.is_unavailable
