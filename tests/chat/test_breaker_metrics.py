from __future__ import annotations

from functools import partial

import pytest
from django_redis import get_redis_connection

from chat.upstream import breakers
from chat.upstream.breaker import Breaker


@pytest.mark.parametrize(("state", "level"), [("open", 2.0), ("closed", 0.0)])
def test_the_page_of_an_instance_that_is_asked_nothing_shows_what_another_one_did(client, db, state, level):
    here = breakers.get("chat")
    here.acquire().success(0.1)  # closed, as far as this instance has seen
    elsewhere = Breaker("chat", here.policy, redis=partial(get_redis_connection, "breaker"))
    elsewhere.force(state, who="marie", reason="maintenance", seconds=60)
    assert f'bff_breaker_state{{breaker="chat"}} {level}' in client.get("/metrics").content.decode()
