"""Trips in a Redis Cluster while no shard has a slot. tests/test_redis_cluster.py has a cluster of real shards."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django_redis import get_redis_connection
from redis.cluster import ClusterNode
from redis.crc import key_slot
from redis.exceptions import SlotNotCoveredError

from observability.redis_cluster import ClusterTrips, ShardUnavailable


class Topology:
    """One shard, which has all slots but that of the key "lost"."""

    slots_cache: dict[int, Any] = {}

    def get_node_from_slot(self, slot: int) -> ClusterNode:
        if slot == key_slot(b"lost"):
            raise SlotNotCoveredError("not covered")
        return ClusterNode("127.0.0.1", 6379)


def trips() -> ClusterTrips:
    client: Any = SimpleNamespace(
        nodes_manager=Topology(), get_redis_connection=lambda _: get_redis_connection("default")
    )
    return ClusterTrips(client)


@pytest.mark.parametrize("commands", [[("SET", "lost", 1), ("SET", "key", 1)], [("SET", "key", 1), ("GET", "lost")]])
def test_the_commands_for_other_shards_are_executed_while_no_shard_has_a_slot(commands):
    with pytest.raises(ShardUnavailable):
        trips().send(*commands)
    assert get_redis_connection("default").get("key") == b"1"


def test_to_post_nothing_does_nothing():
    trips().post()
