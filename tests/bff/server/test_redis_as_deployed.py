"""Redis as operators set it up: a user with few rights, an eviction policy, a failover by its provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.services import HOST, Process, free_port, start_redis

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Comment souffler un peu ?"
# As docs/deploy/README.md recommends.
RIGHTS = "on >password ~bff:* resetchannels -@all +@read +@write +@scripting +@connection +info +time"


@pytest.fixture
def redis_server() -> Iterator[Process]:
    process = start_redis(free_port())
    yield process
    process.stop()


@pytest.fixture
def redis(redis_server: Process) -> Redis:
    return Redis(HOST, redis_server.port, decode_responses=True)


def test_a_user_limited_to_our_keys_can_do_all_that_the_program_does(redis, redis_server, ai):
    redis.execute_command("ACL SETUSER", "chat-bff", *RIGHTS.split())
    redis.execute_command("ACL SETUSER", "default", "resetpass", "on", ">other")
    redis = Redis(HOST, redis_server.port, username="default", password="other", decode_responses=True)
    instance = Server(workers=2, REDIS_URL=f"redis://chat-bff:password@{HOST}:{redis_server.port}/0")
    try:
        assert instance.ask(QUESTION).json()["origin"] == "ai"
        assert {instance.ask(QUESTION).headers["X-Cache"] for _ in range(6)} == {"HIT"}
        assert instance.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy"
        eventually(lambda: redis.keys("bff:minute:*"))
    finally:
        instance.stop()
    assert redis.acl_log() == []
    assert {key.partition(":")[0] for key in redis.keys("*")} == {"bff"}


@pytest.mark.parametrize(("policy", "is_told"), [("noeviction", True), ("allkeys-lru", True), ("volatile-ttl", False)])
def test_an_eviction_policy_that_does_not_fit_is_told_at_start(redis, redis_server, ai, policy, is_told):
    redis.config_set("maxmemory", "100mb")
    redis.config_set("maxmemory-policy", policy)
    instance = Server(REDIS_URL=f"redis://{HOST}:{redis_server.port}/0")
    try:
        assert instance.ask(QUESTION).json()["origin"] == "ai"
        told = [line for line in instance.lines() if "Eviction policy" in line]
    finally:
        instance.stop()
    assert [f'"{policy}"' in line and "set maxmemory-policy volatile-lru" in line for line in told] == [True] * is_told


def test_after_seconds_of_a_read_only_redis_everything_is_shared_again(redis, redis_server, ai):
    instance = Server(workers=2, REDIS_URL=f"redis://{HOST}:{redis_server.port}/0")
    try:
        assert instance.ask(QUESTION).json()["origin"] == "ai"
        assert redis.replicaof(HOST, free_port())
        for number in range(20):
            answer = instance.ask(f"Et la fois {number} ?")
            assert (answer.status_code, answer.json()["degraded"]) == (200, None)
        assert redis.replicaof("NO", "ONE")
        eventually(lambda: {instance.ask(QUESTION).headers["X-Cache"] for _ in range(6)} == {"HIT"}, seconds=15)
        eventually(lambda: instance.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy", seconds=15)
    finally:
        instance.stop()
