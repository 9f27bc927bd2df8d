"""The answer cache, shared by the fleet: what may be kept, under which key, and for how long it is fresh.

A key is an HMAC over everything that may change the answer: the normalised question, its language, the history and
context, the model, the prompt's version and the version of the passages it rests on. So an edited knowledge entry
outdates just the answers that used it. Scope `public` is for questions without history and context; all others are kept
for their caller alone. Neither words nor caller can be read from a key.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import random
import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import orjson
from django.conf import settings
from redis import Redis

from chat import events, prompts
from chat.events import Event
from chat.questions import Question, normalise
from chat.store import answers as store
from chat.transcripts import Transcript
from observability import logs, metrics

log = logs.get_logger(__name__)

SCHEMA = 1  # of the envelope; another number is not read
COMPRESS_ABOVE = 1024  # bytes
JITTER = 0.1  # so that what was kept together does not expire together


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer found in the cache; times are unix seconds, `cost` is how many seconds it took to make."""

    events: list[Event]
    created: float
    fresh_until: float
    cost: float

    @property
    def is_fresh(self) -> bool:
        return time.time() < self.fresh_until

    def should_be_renewed(self) -> bool:
        """Whether to make it anew before it expires: seldom long before, surely at the end (the XFetch rule).

        So a question asked often never finds its answer expired, and what took long is begun earlier.
        """
        early = -self.cost * math.log(1 - random.random())  # noqa: S311 spread, not secrecy
        return time.time() + early >= self.fresh_until

    @property
    def age_seconds(self) -> int:
        return max(0, int(time.time() - self.created))


@cache
def _secret() -> bytes:
    return hashlib.sha256(b"answer-cache:" + settings.SECRET_KEY.encode()).digest()


def _digest(*parts: object) -> str:
    return hmac.new(_secret(), orjson.dumps(parts), hashlib.sha256).hexdigest()


def key_of(question: Question, grounds: str) -> str:
    """Where the answer to this question is kept; `grounds` is the version of the passages that it rests on."""
    asked = (normalise(question.text), question.language, settings.AI_SERVICE_MODEL, prompts.VERSION, grounds)
    if question.is_public:
        return f"public:{_digest(*asked)}"
    said = [(turn.role, turn.text) for turn in question.history]
    return f"{owner_of(question.caller_id)}:{_digest(*asked, said, sorted(question.context.items()))}"


def is_shared(key: str) -> bool:
    """Whether several people may be given what is kept there."""
    return key.startswith("public:")


def owner_of(caller_id: str) -> str:
    """The scope of what is kept for one caller alone."""
    return _digest("owner", caller_id)[:32]


def is_away() -> bool:
    """Whether answers are made without the cache just now."""
    return store.is_away


def find(key: str) -> Kept | None:
    """What is kept there, fresh or stale, or None. One Redis trip; an unreadable entry is as good as none."""
    data = store.ask(lambda redis: redis.get(f"bff:answer:{key}"), None)
    kept = _open(data) if isinstance(data, bytes) else None
    result = "error" if store.is_away else "miss" if kept is None else "hit" if kept.is_fresh else "stale"
    metrics.CACHE_REQUESTS.labels(result).inc()
    hit_rate.count(result == "hit")
    return kept


def keep(key: str, said: Sequence[Event], cost_ms: int, *, warm: bool = False) -> bool:
    """Keep an answer if it deserves it: complete, the AI's own, not empty. True when it was kept."""
    if not _is_worth_keeping(said):
        return False
    fresh = (settings.CACHE_TTL_WARM if warm else settings.CACHE_TTL_ANSWER) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 spread, not secrecy
    lifetime = int(fresh + settings.CACHE_TTL_STALE)
    envelope = _seal(said, time.time(), fresh, cost_ms)

    def write(redis: Redis) -> bool:
        pipe = redis.pipeline(transaction=False)
        pipe.set(f"bff:answer:{key}", envelope, ex=lifetime)
        scope = key.partition(":")[0]
        if scope != "public":
            pipe.sadd(f"bff:answers-of:{scope}", key)
            pipe.expire(f"bff:answers-of:{scope}", lifetime)
        pipe.execute()
        return True

    return store.ask(write, False)


def evict(key: str) -> None:
    """Forget one answer, everywhere."""
    store.ask(lambda redis: redis.delete(f"bff:answer:{key}"), None)


def forget(caller_id: str) -> None:
    """Forget all that is kept for one caller alone."""
    index = f"bff:answers-of:{owner_of(caller_id)}"

    def purge(redis: Redis) -> None:
        keys: set[bytes] = redis.smembers(index)  # type: ignore[assignment]
        redis.delete(index, *(f"bff:answer:{key.decode()}" for key in keys))

    store.ask(purge, None)


def _is_worth_keeping(said: Sequence[Event]) -> bool:
    transcript = Transcript(said)
    finish = transcript.finish
    return (
        finish is not None
        and finish.origin == "ai"
        and finish.ending == "stop"
        and finish.degraded is None
        and bool(transcript.text.strip())
    )


def _seal(said: Sequence[Event], created: float, fresh_seconds: float, cost_ms: int) -> bytes:
    head = orjson.dumps([SCHEMA, created, created + fresh_seconds, cost_ms])
    body = head + b"\n" + events.encode([event for event in said if not _is_passing(event)])
    return b"z" + zlib.compress(body, 1) if len(body) > COMPRESS_ABOVE else b"j" + body


def _open(data: bytes) -> Kept | None:
    try:
        body = zlib.decompress(data[1:]) if data[:1] == b"z" else data[1:]
        head, _, rows = body.partition(b"\n")
        schema, created, fresh_until, cost_ms = orjson.loads(head)
        return Kept(events.decode(rows), created, fresh_until, cost_ms / 1000) if schema == SCHEMA else None
    except (ValueError, TypeError, KeyError, zlib.error):
        log.warning("Unreadable cache entry", code="cache_entry_unreadable")
        return None


def _is_passing(event: Event) -> bool:
    return isinstance(event, events.Notice) and event.kind == "status"


class HitRate:
    """Hits and lookups of the whole fleet over the last five minutes, by the minute.

    Counted in this process and added to Redis at most once a second, so that a lookup costs no second trip.
    """

    MINUTES = 5

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hits = self._lookups = 0
        self._flushed_at = 0.0

    def count(self, is_hit: bool) -> None:
        with self._lock:
            self._hits += is_hit
            self._lookups += 1
            is_due = time.monotonic() - self._flushed_at > 1
        if is_due:
            self.flush()

    def flush(self) -> None:
        with self._lock:
            hits, lookups, self._hits, self._lookups = self._hits, self._lookups, 0, 0
            self._flushed_at = time.monotonic()
        if not lookups:
            return
        key = self._key(int(time.time() // 60))

        def add(redis: Redis) -> None:
            pipe = redis.pipeline(transaction=False)
            pipe.hincrby(key, "hits", hits)
            pipe.hincrby(key, "lookups", lookups)
            pipe.expire(key, (self.MINUTES + 1) * 60)
            pipe.execute()

        store.ask(add, None)

    def current(self) -> float | None:
        """Between 0 and 1; None when nobody asked anything, or Redis is away."""
        self.flush()
        now = int(time.time() // 60)

        def read(redis: Redis) -> list[list[bytes | None]]:
            pipe = redis.pipeline(transaction=False)
            for minute in range(now - self.MINUTES + 1, now + 1):
                pipe.hmget(self._key(minute), "hits", "lookups")
            rows: list[list[bytes | None]] = pipe.execute()
            return rows

        nothing: list[list[bytes | None]] = []
        rows = store.ask(read, nothing)
        hits, lookups = (sum(int(row[column] or 0) for row in rows) for column in (0, 1))
        return round(hits / lookups, 4) if lookups else None

    @staticmethod
    def _key(minute: int) -> str:
        return f"bff:hit-rate:{minute}"


hit_rate = HitRate()
