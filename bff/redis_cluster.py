"""A django-redis connection factory for Redis Cluster, for which django-redis has none: redis-py's own client."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from django_redis.pool import ConnectionFactory
from redis import RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException
from redis.retry import Retry


class ClusterConnectionFactory(ConnectionFactory):  # type: ignore[misc]
    """One client for each location and process: it knows the shards and has a pool for each node.

    OPTIONS has STARTUP_NODES, pairs of host and port, and CLUSTER, arguments of RedisCluster.
    """

    _clients: ClassVar[dict[str, RedisCluster]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def connect(self, url: str) -> Any:
        """Raises redis.ConnectionError if no node answers."""
        with self._lock:
            if url not in self._clients:
                self._clients[url] = self._new_client()
            return self._clients[url]

    def disconnect(self, connection: Any) -> None:
        connection.disconnect_connection_pools()

    def _new_client(self) -> RedisCluster:
        try:
            return RedisCluster(
                startup_nodes=[ClusterNode(*address) for address in self.options["STARTUP_NODES"]],  # type: ignore[no-untyped-call]
                retry=Retry(NoBackoff(), 1),
                require_full_coverage=False,  # the other shards are used while one has no master
                max_connections=self.pool_cls_kwargs["max_connections"],
                socket_timeout=self.options["SOCKET_TIMEOUT"],
                socket_connect_timeout=self.options["SOCKET_CONNECT_TIMEOUT"],
                **self.options["CLUSTER"],
            )
        except RedisClusterException as error:
            raise RedisConnectionError("no node of the cluster answers") from error
