"""What is asked of whom, and in which words a failure is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from django.apps import apps
from django.db import DatabaseError
from django_redis import get_redis_connection
from health_check.checks import Database
from health_check.exceptions import HealthCheckException
from redis.exceptions import ConnectionError as RedisConnectionError

Details = dict[str, object]
Probe = Callable[[], Details]

_CODE = re.compile(r"[a-z][a-z0-9_]{0,40}")


def database() -> Details:
    # django-health-check's other checks are coroutines, and an event loop in a gevent worker trips up the requests
    # beside it: asyncio and Django ask what runs in the thread, which all of them share.
    Database(alias="default").run()
    return {}


def cache() -> Details:
    get_redis_connection("default").ping()
    return {}


def by_dependency() -> dict[str, list[Probe]]:
    """Every installed app's probes under the dependency's name, in the order of the apps."""
    found: dict[str, list[Probe]] = {}
    for app in apps.get_app_configs():
        for name, probe in getattr(app, "health_probes", list)():
            found.setdefault(name, []).append(probe)
    return found


def code_of(error: BaseException) -> str:
    """A word for what went wrong. The message stays inside: it may hold addresses and credentials."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and _CODE.fullmatch(code):
        return code
    if any("Timeout" in type(one).__name__ for one in _chain(error)):
        return "timeout"
    if isinstance(error, OSError | RedisConnectionError | DatabaseError | HealthCheckException):
        return "unreachable"
    return "error"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
