"""Redis as answers and runs use it: shared by the fleet when it is there, done without when it is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from django.conf import settings
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from observability import absence
from observability.absence import Absence

Result = TypeVar("Result")


class Store:
    """One django-redis alias. Its timeout is paid once for all who use the same server (observability.absence)."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    @cached_property
    def absence(self) -> Absence:
        return absence.of_redis(str(settings.CACHES[self.alias]["LOCATION"]), lambda: self._client)

    @property
    def is_away(self) -> bool:
        return self.absence.is_on

    def ask(self, operation: Callable[[Redis], Result], otherwise: Result) -> Result:
        """What `operation` returns, or `otherwise` when Redis is away. Never raises for Redis' sake."""
        if self.is_away:
            return otherwise
        try:
            return operation(self._client)
        except (RedisError, ConnectionError) as error:
            self.absence.begin(error)
            return otherwise

    def wait(self, seconds: float) -> None:
        """Until Redis is back, so long at most."""
        self.absence.wait(seconds)

    @cached_property
    def _client(self) -> Redis:
        # Django keeps one a thread, and each run has a thread of its own: making it costs more than most commands.
        client: Redis = get_redis_connection(self.alias)
        return client


answers = Store("default")


def answer_at(key: str) -> str:
    """Where the answer to a question is kept."""
    return f"bff:answer:{key}"
