"""Redis, shared by the fleet; while it is unavailable, every trip returns None."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from time import perf_counter, sleep
from typing import Any, TypeVar

from django.conf import settings
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from observability import outage
from observability.outage import Outage
from observability.redis_cluster import Trips, trips_of
from observability.redis_trips import Command

Result = TypeVar("Result")

SHARD_RETRY_SECONDS = 0.1


class SharedRedis:
    """One django-redis alias. All users of the same server share one outage, so they pay its timeout once.

    Operations that wait for new data on purpose (`blocks`) are not counted as slow.
    """

    def __init__(self, alias: str, *, blocks: bool = False) -> None:
        self.alias = alias
        self._blocks = blocks

    @cached_property
    def outage(self) -> Outage:
        return outage.for_redis(str(settings.CACHES[self.alias]["LOCATION"]), lambda: self.trips)

    @property
    def is_unavailable(self) -> bool:
        return self.outage.is_active

    def send(self, *commands: Command) -> list[Any] | None:
        """The reply to each command, from one trip; None while Redis is unavailable."""
        return self._execute(lambda: self.trips.send(*commands))

    def post(self, *commands: Command) -> None:
        """Execute commands without waiting for their replies. They are lost while Redis is unavailable."""
        self._execute(lambda: self.trips.post(*commands))

    def wait(self, seconds: float) -> None:
        """Block until Redis may be available again, for at most `seconds`."""
        if self.is_unavailable:
            self.outage.wait(seconds)
        else:  # one shard of a cluster is unavailable
            sleep(min(seconds, SHARD_RETRY_SECONDS))

    def _execute(self, operation: Callable[[], Result]) -> Result | None:
        """The result of `operation`; None while Redis is unavailable. Raises only other errors."""
        if self.is_unavailable:
            return None
        began = perf_counter()
        try:
            result = operation()
        except (RedisError, ConnectionError) as error:
            self.outage.suspect(error)
            return None
        if not self._blocks:
            self.outage.observe(perf_counter() - began)
        return result

    @cached_property
    def client(self) -> Redis:
        # Django keeps one client per thread, each run has its own thread, and creating a client is expensive.
        client: Redis = get_redis_connection(self.alias)
        return client

    @cached_property
    def trips(self) -> Trips:
        """Trips that are made during an outage, too, and raise `redis.RedisError`."""
        return trips_of(self.client)


shared_redis = SharedRedis("default")
