"""A warning at start if Redis, once its memory is full, refuses what is written or evicts what is in use."""

from __future__ import annotations

from collections.abc import Iterator

from django_redis import get_redis_connection
from redis import Redis, RedisCluster, RedisError

from observability import logs

log = logs.get_logger(__name__)

# What may be lost has a time to live. `allkeys-*` would also evict an operator's order to a breaker, which has none.
# The best is volatile-lru: answers not asked for go first. volatile-ttl would begin with the leases, which last 3 s.
FITTING = frozenset({"volatile-lru", "volatile-lfu", "volatile-ttl", "volatile-random"})


def warn() -> None:
    """Log the policy of each server whose memory is limited and whose policy does not fit. Without Redis: nothing."""
    try:
        memories = [server.info("memory") for server in _servers()]
    except RedisError:
        return  # it is unavailable, or tells us nothing
    policies = {memory["maxmemory_policy"] for memory in memories if memory.get("maxmemory")}
    for policy in sorted(policies - FITTING):
        log.warning("Eviction policy of Redis does not fit: set maxmemory-policy volatile-lru", code=policy)


def _servers() -> Iterator[Redis]:
    client: Redis | RedisCluster = get_redis_connection("default")
    if isinstance(client, RedisCluster):
        masters = client.nodes_manager.get_nodes_by_server_type("primary")
        yield from map(client.get_redis_connection, masters)
    else:
        yield client
