"""What happened in the fleet, minute by minute, over the last hour: looks into the cache, answers by their origin.

Each process counts, and adds its counts to Redis a second later at most, in the background: counting costs nobody a
trip. Redis holds one hash a minute, `bff:minute:{minute since 1970}`, for an hour and a bit.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from redis import Redis

from chat.store import answers as store
from observability import metrics

HOUR = 60
FLUSH_SECONDS = 1.0


class Counts:
    """What this process has counted and not handed in yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()

    def add(self, *names: str) -> None:
        """One more of each of these."""
        with self._lock:
            begins = not self._counted
            self._counted.update(names)
        if begins:  # a burst is handed in once, also when nothing follows it
            timer = threading.Timer(FLUSH_SECONDS, self.flush)
            timer.daemon = True
            timer.start()

    def flush(self) -> None:
        """Hand in what was counted. Lost when Redis is away."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        if counted:
            store.ask(lambda redis: _add(redis, counted), None)


_counts = Counts()
count = _counts.add


def answered(operation: str, origin: str) -> None:
    """Somebody got an answer: told to the metrics and to the desk."""
    metrics.ANSWERS.labels(operation, origin).inc()
    count(f"answer:{origin}")


def last(minutes: int = HOUR) -> Sequence[Mapping[str, int]]:
    """How often what was counted in each of the last minutes, the oldest first; empty when Redis is away."""
    _counts.flush()
    nothing: list[dict[bytes, bytes]] = []
    rows = store.ask(lambda redis: _read(redis, minutes), nothing)
    return [{name.decode(): int(number) for name, number in row.items()} for row in rows]


def _add(redis: Redis, counted: Mapping[str, int]) -> None:
    key = _key(_this_minute())
    pipe = redis.pipeline(transaction=False)
    for name, number in counted.items():
        pipe.hincrby(key, name, number)
    pipe.expire(key, (HOUR + 1) * 60)
    pipe.execute()


def _read(redis: Redis, minutes: int) -> list[dict[bytes, bytes]]:
    now = _this_minute()
    pipe = redis.pipeline(transaction=False)
    for minute in range(now - minutes + 1, now + 1):
        pipe.hgetall(_key(minute))
    rows: list[dict[bytes, bytes]] = pipe.execute()
    return rows


def _this_minute() -> int:
    return int(time.time() // 60)


def _key(minute: int) -> str:
    return f"bff:minute:{minute}"
