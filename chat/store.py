"""Redis as answers and runs use it: shared by the fleet when it is there, done without when it is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from observability import logs

log = logs.get_logger(__name__)

PAUSE_SECONDS = 5.0
Result = TypeVar("Result")


class Store:
    """One django-redis alias. After a failure it is left alone for a while: its timeout is paid once, not by all."""

    def __init__(self, alias: str, pause_seconds: float = PAUSE_SECONDS) -> None:
        self.alias, self.pause_seconds = alias, pause_seconds
        self._away_until = 0.0
        self._lock = threading.Lock()

    @property
    def is_away(self) -> bool:
        return time.monotonic() < self._away_until

    def ask(self, operation: Callable[[Redis], Result], otherwise: Result) -> Result:
        """What `operation` returns, or `otherwise` when Redis is away. Never raises for Redis' sake."""
        if not self._may_ask():
            return otherwise
        try:
            answer = operation(get_redis_connection(self.alias))
        except (RedisError, ConnectionError) as error:
            if not self._away_until:  # said once, however long it lasts
                log.warning("Redis is left alone for a while", dependency=self.alias, code=type(error).__name__)
            self._away_until = time.monotonic() + self.pause_seconds
            return otherwise
        self._away_until = 0.0
        return answer

    def _may_ask(self) -> bool:
        """While it is away, one in `pause_seconds` asks whether it is back; nobody else waits for that."""
        with self._lock:
            if self.is_away:
                return False
            if self._away_until:
                self._away_until = time.monotonic() + self.pause_seconds
            return True


answers = Store("default")
