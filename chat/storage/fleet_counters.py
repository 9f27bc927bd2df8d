"""Counters of the whole fleet, per minute, for the last hour: lookups, hits, answers by origin, warm-ups, and more.

Each process buffers its increments and adds them to Redis in the background, at most one second later, so that counting
costs a request no Redis trip. Redis holds one hash per minute, `bff:minute:{minutes since 1970}`, for 61 minutes.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from observability import metrics
from observability.outage import SLOW_SECONDS
from observability.shared_redis import shared_redis

HOUR = 60  # minutes
HIT_RATE_MINUTES = 5
FLUSH_SECONDS = 1.0


class CounterBuffer:
    """The increments of this process that are not in Redis yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._pending: defaultdict[str, int] = defaultdict(int)

    def increment(self, *names: str) -> None:
        self._count((name, 1) for name in names)

    def add(self, counts: Mapping[str, int]) -> None:
        self._count(counts.items())

    def _count(self, counts: Iterable[tuple[str, int]]) -> None:
        with self._lock:
            is_first = not self._pending
            for name, number in counts:
                self._pending[name] += number
        if is_first:  # one flush per burst, even if nothing follows it
            timer = threading.Timer(FLUSH_SECONDS, self.flush)
            timer.daemon = True
            timer.start()

    def flush(self) -> None:
        """Add the pending increments to Redis, and count a slow Redis. They are lost while Redis is unavailable.

        Waits for a flush that another thread has begun: afterwards, all increments of before are in Redis.
        """
        with self._flushing:
            with self._lock:
                pending, self._pending = self._pending, defaultdict(int)
            if not pending:
                return
            began = time.perf_counter()
            _add(pending)
            if time.perf_counter() - began > SLOW_SECONDS:
                self.increment("slow_redis")


_buffer = CounterBuffer()


def add(counts: Mapping[str, int]) -> None:
    """Add to several counters at once."""
    _buffer.add(counts)


def count_lookup(is_hit: bool) -> None:
    """Count one lookup in the answer cache."""
    _buffer.increment("lookup", *["hit"] * is_hit)


def count_answer(operation: str, origin: str) -> None:
    """Count one delivered answer, in the metrics and for the admin dashboard."""
    metrics.ANSWERS.labels(operation, origin).inc()
    _buffer.increment(f"answer:{origin}")


def count_over_budget(budget: str) -> None:
    """Count one answer that the AI was not asked for, because this budget is used up."""
    _buffer.increment(f"over_budget:{budget}")


def count_warm_up() -> None:
    """Count one answer that was generated or found for the cache alone."""
    _buffer.increment("warm_up")


def last_minutes(count: int = HOUR) -> dict[int, dict[str, int]]:
    """The counters of each of the last minutes by its beginning in unix seconds, oldest first; empty while Redis is
    unavailable.
    """
    _buffer.flush()
    now = _this_minute()
    minutes = range(now - count + 1, now + 1)
    rows = shared_redis.send(*(("HGETALL", _key(minute)) for minute in minutes))
    if rows is None:
        return {}
    return {
        60 * minute: {name.decode(): int(number) for name, number in row.items()}
        for minute, row in zip(minutes, rows, strict=True)
    }


def hit_rate() -> float | None:
    """The cache's hit rate over the last HIT_RATE_MINUTES; see `hit_rate_of`."""
    return hit_rate_of(last_minutes(HIT_RATE_MINUTES).values())


def hit_rate_of(rows: Collection[Mapping[str, int]]) -> float | None:
    """Hits divided by lookups, 0 to 1; None without lookups."""
    hits, lookups = (sum(row.get(name, 0) for row in rows) for name in ("hit", "lookup"))
    return round(hits / lookups, 4) if lookups else None


def _add(counts: Mapping[str, int]) -> None:
    key = _key(_this_minute())
    increments = [("HINCRBY", key, name, number) for name, number in counts.items()]
    shared_redis.send(*increments, ("EXPIRE", key, (HOUR + 1) * 60))


def _this_minute() -> int:
    return int(time.time() // 60)


def _key(minute: int) -> str:
    return f"bff:minute:{minute}"
