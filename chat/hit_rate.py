"""The share of answers that the cache had, over the last five minutes, for the whole fleet.

Each process counts, and adds its counts to Redis a second later at most, so that a lookup costs no second trip.
Redis holds one hash a minute, `bff:hit-rate:{minute}`, for six minutes.
"""

from __future__ import annotations

import threading
import time

from redis import Redis

from chat.store import answers as store

MINUTES = 5
FLUSH_SECONDS = 1.0


class Counts:
    """What this process has counted and not handed in yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hits = self._lookups = 0
        self._is_due = False

    def add(self, is_hit: bool) -> None:
        with self._lock:
            self._hits += is_hit
            self._lookups += 1
            begins, self._is_due = not self._is_due, True
        if begins:  # a burst is handed in once, also when nothing follows it
            timer = threading.Timer(FLUSH_SECONDS, self.flush)
            timer.daemon = True
            timer.start()

    def flush(self) -> None:
        """Hand in what was counted. Lost when Redis is away: then there is no cache either."""
        with self._lock:
            hits, lookups = self._hits, self._lookups
            self._hits = self._lookups = 0
            self._is_due = False
        if lookups:
            store.ask(lambda redis: _add(redis, hits, lookups), None)


_counts = Counts()
count = _counts.add


def current() -> float | None:
    """Between 0 and 1; None when nobody asked anything, or Redis is away."""
    _counts.flush()
    nothing: list[list[bytes | None]] = []
    rows = store.ask(_read, nothing)
    hits, lookups = (sum(int(row[column] or 0) for row in rows) for column in (0, 1))
    return round(hits / lookups, 4) if lookups else None


def _add(redis: Redis, hits: int, lookups: int) -> None:
    key = _key(_this_minute())
    pipe = redis.pipeline(transaction=False)
    pipe.hincrby(key, "hits", hits)
    pipe.hincrby(key, "lookups", lookups)
    pipe.expire(key, (MINUTES + 1) * 60)
    pipe.execute()


def _read(redis: Redis) -> list[list[bytes | None]]:
    now = _this_minute()
    pipe = redis.pipeline(transaction=False)
    for minute in range(now - MINUTES + 1, now + 1):
        pipe.hmget(_key(minute), "hits", "lookups")
    rows: list[list[bytes | None]] = pipe.execute()
    return rows


def _this_minute() -> int:
    return int(time.time() // 60)


def _key(minute: int) -> str:
    return f"bff:hit-rate:{minute}"
