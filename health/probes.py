"""The probes of the database and the cache, the registry of all probes, and the error codes of failures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from django.apps import apps
from django.db import DatabaseError, connection
from django_redis import get_redis_connection
from health_check.checks import Database
from health_check.exceptions import HealthCheckException
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from observability import redis_cluster

Details = dict[str, object]
Probe = Callable[[], Details]

# Codes for error replies of Redis.
_REDIS_CODES: dict[type[RedisError], str] = {
    AuthenticationError: "noauth",
    NoPermissionError: "noperm",
    OutOfMemoryError: "oom",
    ReadOnlyError: "readonly",
}

_CODE = re.compile(r"[a-z][a-z0-9_]{0,40}")


def database() -> Details:
    """A PostgreSQL that answers may yet refuse to write, as a standby or with a full disk: then it is `degraded`."""
    # django-health-check's other checks are coroutines. All greenlets of a gevent worker share one thread, so an event
    # loop in it would make asyncio and Django fail in concurrent requests.
    Database(alias="default").run()
    if connection.vendor == "postgresql" and _is_read_only():
        if pool := getattr(connection, "pool", None):
            pool.drain()  # its connections would stay read-only when the server takes writes again
        return {"status": "degraded", "error": "readonly"}
    return {}


def _is_read_only() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')")
        return bool(cursor.fetchone() == ("on",))


def cache() -> Details:
    """A Redis that answers may yet refuse to write: it is full, a replica, can't save its data, or doesn't know us."""
    redis_cluster.write_everywhere(redis_cluster.trips_of(get_redis_connection("default")), "bff:health")
    return {}


def probes_by_dependency() -> dict[str, list[Probe]]:
    """The probes of all installed apps by dependency, in the order of the apps."""
    probes: dict[str, list[Probe]] = {}
    for app in apps.get_app_configs():
        for name, probe in getattr(app, "health_probes", list)():
            probes.setdefault(name, []).append(probe)
    return probes


def error_code(error: BaseException) -> str:
    """A code for the failure. The message is not exposed: it may contain addresses and credentials."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and _CODE.fullmatch(code):
        return code
    for kind, redis_code in _REDIS_CODES.items():
        if isinstance(error, kind):
            return redis_code
    if isinstance(error, ResponseError) and str(error).startswith("MISCONF"):
        return "misconf"
    if any("Timeout" in type(each).__name__ for each in _causes(error)):
        return "timeout"
    kinds = OSError | RedisConnectionError | DatabaseError | HealthCheckException
    if any(isinstance(each, kinds) for each in _causes(error)):
        return "unreachable"
    return "error"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and its chain of causes."""
    while error is not None:
        yield error
        error = error.__cause__
