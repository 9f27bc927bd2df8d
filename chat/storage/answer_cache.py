"""The answer cache, shared by the fleet: which answers it stores, and how long they are fresh.

docs/answers.md lists lifetimes and sizes, answer_keys.py makes the keys.
"""

from __future__ import annotations

import math
import random
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from chat.core import events
from chat.core.events import Delta, Event, Finish, Notice
from chat.storage import fleet_counters
from chat.storage.answer_keys import answer_key, forgotten_key, index_key, is_shared, key_of_service, private_scope
from observability import logs, metrics
from observability.redis_trips import Command, Script
from observability.shared_redis import shared_redis

log = logs.get_logger(__name__)

SCHEMA = 1  # of the envelope; other schemas are ignored
COMPRESS_ABOVE = 1024  # bytes
MAX_ENVELOPE_BYTES = 64 * 1024  # a typical answer has 2 KB
JITTER = 0.1  # answers that were stored together do not expire together
# Share of the fresh time for which an expired answer is still served while one process renews it.
GRACE = 0.1
RECOVERY_SECONDS = 2.0
LATE_WRITE_SECONDS = 60  # how long after its end an answer may still be saved
# Of the marks of `forget` and of chat/history/deletions.py. They outlive the longest answer, with the reading of its
# document and a late write.
FORGOTTEN_SECONDS = (
    int(settings.DOCUMENT_TIMEOUT_SECONDS + max(settings.AI_DEADLINE_CHAT, settings.AI_DEADLINE_ANALYZE))
    + LATE_WRITE_SECONDS
    + 30  # for a place to read the document
)

# Store one caller's answer and index it, unless the caller's data was deleted meanwhile. The index is sorted by expiry
# and loses its expired keys at each write, so it never grows beyond one lifetime. A shorter lifetime, after a change of
# settings, does not shorten that of the index.
_put_private = Script("""
local envelope, lifetime, key, now = unpack(ARGV)
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
redis.call('SET', KEYS[1], envelope, 'EX', lifetime)
redis.call('ZADD', KEYS[2], now + lifetime, key)
redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, now)
if redis.call('TTL', KEYS[2]) < 2 * lifetime then redis.call('EXPIRE', KEYS[2], 2 * lifetime) end
return 1
""")

# Unless another process has stored another answer meanwhile.
_replace = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
""")


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer found in the cache. Times are unix seconds; `cost` is the seconds that its generation took."""

    events: list[Event]
    created: float
    fresh_until: float
    cost: float

    @property
    def finish(self) -> Finish:
        """Its last event."""
        last = self.events[-1]
        assert isinstance(last, Finish)
        return last

    @property
    def is_fresh(self) -> bool:
        return time.time() < self.fresh_until

    @property
    def is_current(self) -> bool:
        """Fresh, or still in the grace period, in which it is served while it is renewed."""
        return time.time() < self.fresh_until + GRACE * (self.fresh_until - self.created)

    def is_of(self, generation: Mapping[str, Any]) -> bool:
        """Whether this is the answer with that generation trace."""
        own = self.finish.generation or {}
        return all(own.get(name) == generation.get(name) for name in ("at", "correlationId"))

    def should_be_renewed(self) -> bool:
        """Whether to renew it now: unlikely long before expiry, certain at expiry (XFetch, Vattani et al. 2015).

        Popular answers are renewed before they expire; the longer an answer takes, the earlier.
        """
        early = -self.cost * math.log(1 - random.random())  # noqa: S311 not a secret
        return time.time() + early >= self.fresh_until

    @property
    def age_seconds(self) -> int:
        return max(0, int(time.time() - self.created))


def is_unavailable() -> bool:
    """Whether Redis is unavailable, so that answers bypass the cache."""
    return shared_redis.is_unavailable


def can_store() -> bool:
    """Whether Redis takes a write now; asks a second time if only the first reply was late."""
    write = ("SET", answer_key("public:"), "", "PX", 1)
    if shared_redis.send(write) is not None:
        return True
    shared_redis.wait(RECOVERY_SECONDS)
    return shared_redis.send(write) is not None


def get(key: str) -> CachedAnswer | None:
    """The cached answer, fresh or stale; None if there is none or it is unreadable. One Redis trip."""
    return get_with(key)[0]


def get_with(key: str, *commands: Command) -> tuple[CachedAnswer | None, Sequence[Any]]:
    """The same, and the replies to commands of the same trip; no replies while Redis is unavailable."""
    replies = shared_redis.send(*commands, ("GET", answer_key(key)))
    if replies is None:
        return None, ()
    return None if replies[-1] is None else _decode_envelope(replies[-1]), replies[:-1]


def count_lookup(cached: CachedAnswer | None) -> None:
    """Count a request's lookup, which has found this.

    Without Redis it is an `error` if the outage is confirmed, and a `bypass` while it is only suspected.
    """
    if shared_redis.is_unavailable:
        result = "error" if shared_redis.outage.is_confirmed else "bypass"
    elif cached is None:
        result = "miss"
    else:
        result = "hit" if cached.is_current else "stale"
    metrics.CACHE_REQUESTS.labels(result).inc()
    if result not in {"error", "bypass"}:
        fleet_counters.count_lookup(result == "hit")


def command_to_put(key: str, answer: Sequence[Event], cost_ms: int, *, warm: bool = False) -> Command | None:
    """The Redis command that stores this answer; None if it is incomplete, not from the AI, empty or too long.

    `warm` selects CACHE_TTL_WARM instead of CACHE_TTL_ANSWER.
    """
    if not _is_cacheable(answer):
        return None
    ttl_seconds = settings.CACHE_TTL_WARM if warm else settings.CACHE_TTL_ANSWER
    fresh_seconds = ttl_seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 not a secret
    lifetime = int(fresh_seconds + settings.CACHE_TTL_STALE)
    envelope = _encode_envelope(answer, now := time.time(), fresh_seconds, cost_ms)
    if len(envelope) > MAX_ENVELOPE_BYTES:
        return None
    if is_shared(key):
        return "SET", answer_key(key), envelope, "EX", lifetime
    scope = key.partition(":")[0]
    keys = (answer_key(key), index_key(scope), forgotten_key(scope))
    return _put_private(keys, envelope, lifetime, key, now)


def outdate(key: str, generation: Mapping[str, Any]) -> bool | None:
    """Serve the answer of this generation only when the AI can't answer. False if it is not in the cache (any more),
    None while Redis is unavailable.
    """
    key = key_of_service(key, generation.get("service", ""))
    found = shared_redis.send(("GET", answer_key(key)))
    if found is None:
        return None
    if found[0] is None:
        return False
    cached = _decode_envelope(found[0])
    if cached is None or not cached.is_current or not cached.is_of(generation):
        return False
    outdated = _encode_envelope(cached.events, cached.created, 0, int(cached.cost * 1000))
    replaced = shared_redis.send(_replace([answer_key(key)], found[0], outdated))
    return None if replaced is None else bool(replaced[0])


def forget(caller_id: str) -> int | None:
    """Delete all private answers of one caller; returns their number, None while Redis is unavailable.

    It also sets a mark for FORGOTTEN_SECONDS that keeps answers in progress from being stored.
    """
    scope = private_scope(caller_id)
    found = shared_redis.send(
        ("SET", forgotten_key(scope), "", "EX", FORGOTTEN_SECONDS), ("ZRANGE", index_key(scope), 0, -1)
    )
    if found is None:
        return None
    keys = [answer_key(key.decode()) for key in found[1]]
    deleted = shared_redis.send(*(("DEL", key) for key in keys), ("DEL", index_key(scope)))
    return None if deleted is None else sum(deleted[:-1])


def _is_cacheable(answer: Sequence[Event]) -> bool:
    finish = answer[-1] if answer else None
    return (
        isinstance(finish, Finish)
        and finish.origin == "ai"
        and finish.ending == "stop"
        and finish.degraded is None
        # Notices, such as help lines, are not part of the AI's answer.
        and any(event.text.strip() for event in answer if isinstance(event, Delta))
    )


def _encode_envelope(answer: Sequence[Event], created: float, fresh_seconds: float, cost_ms: int) -> bytes:
    """The envelope of an answer. It leaves out notices, which depend on the moment and the reader."""
    head = orjson.dumps([SCHEMA, created, created + fresh_seconds, cost_ms])
    body = head + b"\n" + events.encode([event for event in answer if not isinstance(event, Notice)])
    return b"z" + zlib.compress(body, 1) if len(body) > COMPRESS_ABOVE else b"j" + body


def _decode_envelope(data: bytes) -> CachedAnswer | None:
    try:
        body = zlib.decompress(data[1:]) if data[:1] == b"z" else data[1:]
        head, _, rows = body.partition(b"\n")
        schema, created, fresh_until, cost_ms = orjson.loads(head)
        if schema != SCHEMA:
            return None
        answer = events.decode(rows)
    except (ValueError, TypeError, KeyError, zlib.error):
        answer = []
    if not answer or not isinstance(answer[-1], Finish):
        log.warning("Unreadable cache entry", code="cache_entry_unreadable")
        return None
    return CachedAnswer(answer, created, fresh_until, cost_ms / 1000)
