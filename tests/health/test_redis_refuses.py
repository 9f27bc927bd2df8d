"""A Redis that answers and refuses to write: people get their answers, and `/readyz` names the error."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.utils.crypto import get_random_string
from redis import Redis

from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.services import HOST, free_port, start_redis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis_port() -> Iterator[int]:
    port = free_port()
    process = start_redis(port)
    yield port
    process.stop()


def fill(redis: Redis, port: int) -> None:
    redis.config_set("maxmemory", "1")
    redis.config_set("maxmemory-policy", "noeviction")


def make_a_replica(redis: Redis, port: int) -> None:
    redis.replicaof(HOST, free_port())


def fail_to_save(redis: Redis, port: int) -> None:
    redis.config_set("save", "3600 1")
    redis.config_set("dir", "/proc")  # a folder without write permission
    redis.bgsave()
    eventually(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err")


def require_a_password(redis: Redis, port: int) -> None:
    redis.config_set("requirepass", get_random_string(20))
    redis.client_kill_filter(_type="normal", skipme=True)


def forbid_writes(redis: Redis, port: int) -> None:
    redis.acl_setuser("default", enabled=True, nopass=True, categories=["+@all", "-@write"], keys=["*"])


@pytest.mark.parametrize(
    ("refuse", "code"),
    [
        (fill, "oom"),
        (make_a_replica, "readonly"),
        (fail_to_save, "misconf"),
        (require_a_password, "noauth"),
        (forbid_writes, "noperm"),
    ],
)
def test_answers_go_on_and_readiness_names_the_error(
    ai, few_entries, redis_port: int, refuse: Callable[[Redis, int], None], code: str
) -> None:
    instance = Server(
        REDIS_URL=f"redis://{HOST}:{redis_port}/0",
        BREAKER_REDIS_URL=f"redis://{HOST}:{redis_port}/0?client_name=breaker",
    )
    try:
        assert instance.ask("Qu'est-ce que la MDPH ?").json()["origin"] == "ai"
        refuse(Redis(HOST, redis_port), redis_port)

        def cache() -> dict[str, object]:
            found: dict[str, object] = instance.get("/readyz").json()["dependencies"]["cache"]
            return found

        eventually(lambda: cache()["status"] == "unhealthy", seconds=15, every=0.5)
        ready, answer = instance.get("/readyz"), instance.ask("Comment obtenir une AESH ?")
    finally:
        instance.stop()
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["dependencies"]["cache"]["error"] == code
    assert (answer.status_code, answer.json()["origin"], answer.json()["degraded"]) == (200, "ai", None)
