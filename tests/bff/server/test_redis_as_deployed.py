"""Redis as operators set it up: a user with few rights, an eviction policy, a failover by its provider."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from redis import Redis

from tests.support.commands import manage
from tests.support.polling import eventually
from tests.support.server import Server, database_url
from tests.support.services import HOST, ROOT, Process, free_port, start_redis

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Comment souffler un peu ?"
USER = re.search(r"^(ACL SETUSER) (chat-bff .+)$", (ROOT / "docs/deploy/README.md").read_text(), re.MULTILINE)


@pytest.fixture
def redis_server() -> Iterator[Process]:
    process = start_redis(free_port())
    yield process
    process.stop()


@pytest.fixture
def redis(redis_server: Process) -> Redis:
    return Redis(HOST, redis_server.port, decode_responses=True)


@pytest.mark.parametrize("database", [0, 1])
def test_a_user_limited_to_our_keys_can_do_all_that_the_program_does(redis_server, redis, ai, database):
    assert USER
    redis.execute_command(USER[1], *USER[2].split())
    redis.execute_command("ACL SETUSER", "default", "resetpass", "on", ">other")
    redis = Redis(HOST, redis_server.port, db=database, username="default", password="other", decode_responses=True)
    address = f"redis://chat-bff:password@{HOST}:{redis_server.port}/{database}"
    instance = Server(workers=2, REDIS_URL=address)
    try:
        visitor, url = instance.visitor(), f"{instance.url}/api/chat"
        answer = visitor.post(f"{url}/message", json={"message": QUESTION}, timeout=60).json()
        assert answer["origin"] == "ai"
        rating = {"messageId": answer["messageId"], "rating": "down"}
        assert visitor.post(f"{url}/feedback", json=rating, timeout=60).status_code == 204
        assert visitor.delete(f"{url}/reset", timeout=60).json()["deleted"] == 1
        assert {instance.ask(QUESTION).headers["X-Cache"] for _ in range(6)} == {"HIT"}
        assert instance.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy"
        eventually(lambda: redis.keys("bff:minute:*"))
        environment = {**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": address}
        for command in ("breaker open chat --reason test", "breaker reset chat", "warm_cache"):
            ended = manage(*command.split(), env=environment)
            assert ended.returncode == 0, ended.stderr
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
