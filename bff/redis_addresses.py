"""What an address of Redis means to django-redis.

    redis://[[user]:password@]host:port/db        rediss:// with TLS, unix:// for a socket
    redis+sentinel://[[user]:password@]host:port,host:port/service[/db][?sentinel_password=…]

The second names the sentinels, and the service whose master they know. The password is the servers'; the sentinels'
own, where they want one, stands behind the question mark.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from environs import ValidationError

SENTINEL = "redis+sentinel"
# urlsplit can't read the port of one of several hosts.
_HOST = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:,\[\]]+)(?::(\d+))?")


def check(address: str) -> None:
    """Raises ValidationError when we can't make sense of it."""
    parts = urlsplit(address)
    if parts.scheme == SENTINEL:
        if not all(_HOST.fullmatch(host) for host in _hosts(address)) or not parts.path.strip("/"):
            raise ValidationError("Not like redis+sentinel://host:port,host:port/service/0.")
    elif parts.scheme not in ("redis", "rediss", "unix") or not (parts.netloc or parts.path):
        raise ValidationError("Not like redis://host:port/0.")


def with_client_name(address: str, name: str) -> str:
    """The same Redis under another address: django-redis shares pools, and their timeouts, between equal ones."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query)) | {"client_name": name}
    return urlunsplit(parts._replace(query=urlencode(query)))


def cache(address: str, *, timeout: float, max_connections: int) -> dict[str, Any]:
    """An entry of Django's CACHES. `timeout` in seconds, for connecting and for each answer."""
    options: dict[str, Any] = {
        # Never pickle: whoever can write to Redis would run code in every worker.
        "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        "SOCKET_CONNECT_TIMEOUT": timeout,
        "SOCKET_TIMEOUT": timeout,
        "CONNECTION_POOL_KWARGS": {"max_connections": max_connections, "retry": None},
    }
    location = address
    if urlsplit(address).scheme == SENTINEL:
        location, by_sentinel = _by_sentinel(address, timeout)
        options |= by_sentinel
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": location,
        "KEY_PREFIX": "bff",
        "OPTIONS": options,
    }


def _by_sentinel(address: str, timeout: float) -> tuple[str, dict[str, Any]]:
    """django-redis' address of the service, and the options that tell how to find it."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    asked: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": None}
    if password := query.pop("sentinel_password", ""):
        asked["password"] = password
    service, _, database = parts.path.strip("/").partition("/")
    sentinels = [(host.strip("[]"), int(port or 26379)) for host, port in map(_parted, _hosts(address))]
    options = {
        "CLIENT_CLASS": "django_redis.client.SentinelClient",
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "SENTINELS": sentinels,
        "SENTINEL_KWARGS": asked,
        "USERNAME": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }
    return f"redis://{service}/{database or 0}?{urlencode(query)}", options


def _hosts(address: str) -> list[str]:
    return urlsplit(address).netloc.rpartition("@")[2].split(",")


def _parted(host: str) -> tuple[str, str | None]:
    found = _HOST.fullmatch(host)
    assert found is not None  # see check()
    return found[1], found[2]
