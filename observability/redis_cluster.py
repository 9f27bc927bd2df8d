"""Redis trips in a cluster: each command goes to the shard of its key.

redis-py's client finds the shards and makes the connections. Its own commands are not used: while a shard has no master
it would try again for longer than an answer may wait, in every caller. Here one caller looks for the shard's new master
and the others do without that shard; the other shards serve on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

from redis import Redis, RedisCluster
from redis.cluster import ClusterNode
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    MovedError,
    RedisClusterException,
    RedisError,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from observability.redis_trips import Command, RedisTrips, raise_first, with_source

FAILED_SECONDS = 0.2  # time for which a node that has failed is not asked again
MAX_REDIRECTIONS = 6
# A script whose keys are just moving to another shard is tried again; a slot moves within milliseconds.
TRY_AGAIN_SECONDS = 0.01


class ShardUnavailable(RedisError):
    """A shard does not answer, as until its replica takes over; others do."""


class ClusterTrips:
    """The same methods as `RedisTrips`. A command without a key goes to the same shard as another one of its trip."""

    def __init__(self, client: RedisCluster) -> None:
        self._client = client
        self._topology = client.nodes_manager
        self._trips: dict[str, RedisTrips] = {}  # by name of the node
        self._failed: dict[str, float] = {}  # by name of the node: when it may be asked again

    def send(self, *commands: Command) -> list[Any]:
        """The reply to each command. One trip for each shard; the last command is executed after all others.

        Raises the first error among the replies, and ShardUnavailable if a shard does not answer.
        """
        replies: list[Any] = [None] * len(commands)
        unavailable: ShardUnavailable | None = None
        for numbers in self._by_shard(commands):
            slot, sent = _slot(commands[numbers[0]]), [commands[number] for number in numbers]
            try:
                for number, reply in zip(numbers, self._ask(slot, sent), strict=True):
                    replies[number] = self._redirected(commands[number], reply)
            except ShardUnavailable as error:  # the commands for the other shards are executed all the same
                unavailable = error
        if unavailable:
            raise unavailable
        raise_first(replies)
        return replies

    def post(self, *commands: Command) -> None:
        """The same as `send`: a reply may say that the key has moved."""
        if commands:
            self.send(*commands)

    def close_idle(self) -> None:
        """Close the idle connections to all nodes."""
        for trips in list(self._trips.values()):
            trips.close_idle()

    def one_key_on_each_shard(self, key: str) -> list[str]:
        """Variants of the key, so that each shard that has slots gets one."""
        shards: dict[str, str] = {}
        for number in range(1000):
            variant = f"{key}:{number}"
            with suppress(SlotNotCoveredError):
                name = self._topology.get_node_from_slot(key_slot(variant.encode())).name
                shards.setdefault(name, variant)
            if len(shards) == len(self._topology.get_nodes_by_server_type("primary")):
                break
        return list(shards.values())

    def _by_shard(self, commands: Sequence[Command]) -> Iterator[list[int]]:
        """The numbers of the commands for each shard, those with a key first; the last command's shard is the last."""
        shards: dict[str, list[int]] = {}
        keyless = [number for number, command in enumerate(commands) if _key(command) is None]
        for number, command in enumerate(commands):
            if number not in keyless:
                name = self._shard(_slot(command))
                shards[name] = [*shards.pop(name, ()), number]  # at the end
        last = shards.popitem()[1] if shards else []
        yield from shards.values()
        yield [*last, *keyless]

    def _ask(self, slot: int, commands: Sequence[Command]) -> list[Any]:
        """The replies of a slot's master, errors among them. A replica can read meanwhile: answers in the cache."""
        try:
            return self._ask_master(slot, commands)
        except ShardUnavailable:
            if any(command[0] != "GET" for command in commands):
                raise
            return self._ask_replica(slot, commands)

    def _ask_master(self, slot: int, commands: Sequence[Command]) -> list[Any]:
        node = self._master(slot)
        if (asked_again_at := self._failed.get(node.name)) is not None:
            if monotonic() < asked_again_at:
                raise ShardUnavailable(node.name)
            node = self._new_master(slot, node)
        try:
            return self._exchange(node, commands)
        except (RedisConnectionError, RedisTimeoutError) as error:
            if (successor := self._new_master(slot, node)) == node:
                raise ShardUnavailable(node.name) from error
        return self._exchange(successor, commands)

    def _ask_replica(self, slot: int, commands: Sequence[Command]) -> list[Any]:
        for node in self._topology.slots_cache.get(slot, [])[1:]:
            with suppress(RedisError):
                return self._exchange(node, [("READONLY",), *commands])[1:]
        raise ShardUnavailable("no replica answers")

    def _redirected(self, command: Command, reply: Any) -> Any:
        """The reply of the shard that the command's key has moved to, or is moving to."""
        for _ in range(MAX_REDIRECTIONS):
            if isinstance(reply, MovedError):
                self._topology.move_slot(reply)
                [reply] = self._ask(reply.slot_id, [command])
            elif isinstance(reply, AskError):
                node = self._topology.get_node(reply.host, reply.port) or _node(reply.host, reply.port)
                # A shard that is new may not know the script, and ASKING holds for one command alone.
                _, reply = self._exchange(node, [("ASKING",), with_source(command)])
            elif isinstance(reply, TryAgainError):
                sleep(TRY_AGAIN_SECONDS)
                [reply] = self._ask(_slot(command), [command])
            else:
                break
        return reply

    def _exchange(self, node: ClusterNode, commands: Sequence[Command]) -> list[Any]:
        trips = self._trips.get(node.name)
        if trips is None:
            trips = self._trips[node.name] = RedisTrips(self._client.get_redis_connection(node))
        replies = trips.replies(commands)
        self._failed.pop(node.name, None)
        return replies

    def _shard(self, slot: int) -> str:
        """The name of the slot's master; empty if no shard has the slot."""
        try:
            return self._master(slot).name
        except ShardUnavailable:
            return ""

    def _master(self, slot: int) -> ClusterNode:
        """Raises ShardUnavailable if no shard has the slot."""
        try:
            return self._topology.get_node_from_slot(slot)
        except RedisClusterException as error:
            raise ShardUnavailable("no shard has this slot") from error

    def _new_master(self, slot: int, failed: ClusterNode) -> ClusterNode:
        """Ask the other nodes which one is the slot's master now; until FAILED_SECONDS later no other caller does.

        Raises RedisConnectionError if no node answers.
        """
        if monotonic() < self._failed.get(failed.name, 0.0):
            raise ShardUnavailable(failed.name)
        self._failed[failed.name] = monotonic() + FAILED_SECONDS
        try:
            self._topology.initialize(disconnect_startup_nodes_pools=False, last_failed_node_name=failed.name)
        except RedisClusterException as error:
            raise RedisConnectionError("no node of the cluster answers") from error
        return self._master(slot)


Trips = RedisTrips | ClusterTrips


def trips_of(client: Redis | RedisCluster) -> Trips:
    """Trips through this client."""
    return ClusterTrips(client) if isinstance(client, RedisCluster) else RedisTrips(client)


def write_everywhere(trips: Trips, key: str) -> None:
    """Write a key that expires at once, in a cluster one to each shard. Raises RedisError if one of them refuses it.

    It takes an idle connection of the trips if there is one: the pool counts these as in use, and may have no other.
    """
    for each in trips.one_key_on_each_shard(key):
        _write(trips, each)


def write_anywhere(trips: Trips, key: str) -> None:
    """The same; raises only if all of them refuse it."""
    keys, errors = trips.one_key_on_each_shard(key), list[RedisError]()
    for each in keys:
        try:
            _write(trips, each)
        except RedisError as error:
            errors.append(error)
    if len(errors) == len(keys):
        raise errors[0]


def _write(trips: Trips, key: str) -> None:
    command = ("SET", key, b"", "PX", 1000)
    try:
        trips.send(command)
    except RedisConnectionError:  # maybe of an idle connection that the server has closed since
        trips.send(command)


def _node(host: str, port: int) -> ClusterNode:
    return ClusterNode(host, port)  # type: ignore[no-untyped-call]


def _key(command: Command) -> str | None:
    """A key of the command; all its keys are in one slot."""
    match command[0]:
        case "EVALSHA" | "EVAL":
            return str(command[3])
        case "XREAD":
            return str(command[command.index("STREAMS") + 1])
        case "TIME":
            return None
    return str(command[1])


def _slot(command: Command) -> int:
    return key_slot((_key(command) or "").encode())
