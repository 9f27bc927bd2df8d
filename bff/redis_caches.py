"""Entries of Django's CACHES for the URLs that redis_urls accepts: one server, Sentinel, or a cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from django_redis.pool import ConnectionFactory
from redis import RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import URL_QUERY_ARGUMENT_PARSERS
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException
from redis.retry import Retry

from bff import addresses
from bff.redis_urls import CLUSTERS, SENTINEL, TLS_CLUSTER

_PARSERS = cast("dict[str, Callable[[str], Any]]", URL_QUERY_ARGUMENT_PARSERS)


def cache(address: str, *, timeout: float, max_connections: int) -> dict[str, Any]:
    """An entry of Django's CACHES. `timeout` in seconds, for connecting and for each response."""
    options: dict[str, Any] = {
        # Not pickle: anyone able to write to Redis could run code in every worker.
        "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        "SOCKET_CONNECT_TIMEOUT": timeout,
        "SOCKET_TIMEOUT": timeout,
        "CONNECTION_POOL_KWARGS": {"max_connections": max_connections, "retry": None},
    }
    location = address
    if address.startswith(f"{SENTINEL}://"):
        location, sentinel_options = _sentinel_options(address, options)
        options |= sentinel_options
    elif address.startswith(tuple(f"{scheme}://" for scheme in CLUSTERS)):
        location, cluster_options = _cluster_options(address)
        options |= cluster_options
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": location,
        "KEY_PREFIX": "bff",
        "OPTIONS": options,
    }


def _sentinel_options(address: str, common: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The location of the service for django-redis, and the options of its sentinels.

    django-redis shares a pool between equal locations. The fragment keeps pools of different sentinels apart;
    django-redis ignores it otherwise. `service_name` preserves capitals, which the location's host would lose.
    """
    parts = addresses.split(address)
    query = dict(parts.query)
    timeout = common["SOCKET_TIMEOUT"]
    sentinel_kwargs: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": None}
    for name in ("username", "password"):
        if value := query.pop(f"sentinel_{name}", ""):
            sentinel_kwargs[name] = value
    service, _, database = parts.path.strip("/").partition("/")
    options = {
        "CLIENT_CLASS": "django_redis.client.SentinelClient",
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "SENTINELS": [(host, port or 26379) for host, port in parts.hosts],
        "SENTINEL_KWARGS": sentinel_kwargs,
        "CONNECTION_POOL_KWARGS": common["CONNECTION_POOL_KWARGS"] | {"service_name": service},
    }
    sentinels = ",".join(addresses.in_url(*host) for host in parts.hosts)
    return f"redis://{parts.credentials}{service}/{database or 0}?{urlencode(query)}#{sentinels}", options


def _cluster_options(address: str) -> tuple[str, dict[str, Any]]:
    """A location for django-redis, which splits it at commas, and what RedisCluster needs beside the common options."""
    parts = addresses.split(address)
    cluster: dict[str, Any] = {
        "username": parts.user or None,
        "password": parts.password or None,
        "ssl": parts.scheme == TLS_CLUSTER,
        # As redis-py reads them in the URL of one server: numbers, and yes or no.
        **{name: _PARSERS.get(name, str)(value) for name, value in parts.query.items()},
    }
    options = {
        "CONNECTION_FACTORY": "bff.redis_caches.ClusterConnectionFactory",
        "STARTUP_NODES": [(host, port or 6379) for host, port in parts.hosts],
        "CLUSTER": cluster,
    }
    location = f"{parts.scheme}://{parts.credentials}{addresses.in_url(*parts.hosts[0])}/0"
    return location + (f"?{urlencode(parts.query)}" if parts.query else ""), options


class ClusterConnectionFactory(ConnectionFactory):  # type: ignore[misc]
    """django-redis has none for clusters. One client for each location and process knows the shards, with a pool each.

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
