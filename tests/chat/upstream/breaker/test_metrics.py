"""The breaker's state metric."""

from __future__ import annotations

from functools import partial

import pytest
from django_redis import get_redis_connection

from chat.upstream import breaker_registry, service
from chat.upstream.breaker.redis import RedisStore


@pytest.mark.parametrize(("state", "value"), [("open", 2.0), ("closed", 0.0)])
def test_metrics_show_a_state_that_another_instance_changed(client, db, state, value):
    here = breaker_registry.get("chat")
    here.acquire().success(0.1)  # this instance saw it closed
    redis = partial(get_redis_connection, "breaker")
    elsewhere = RedisStore("chat", here.policy, redis, target=service.primary().target)
    elsewhere.force(state, who="marie", reason="maintenance", seconds=60)
    assert f'bff_breaker_state{{breaker="chat"}} {value}' in client.get("/metrics").content.decode()
