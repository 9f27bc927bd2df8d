"""The answer cache, shared by the fleet: what may be kept, under which key, and for how long it is fresh.

A key is an HMAC over everything that may change the answer: the normalised question, its language, the history and
context, the model, the prompt's version and the version of the passages it rests on. So an edited knowledge entry
outdates just the answers that used it. Scope `public` is for questions without history and context; all others are kept
for their caller alone. Neither words nor caller can be read from a key. docs/answers.md gives the lifetimes and sizes.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import random
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import orjson
from django.conf import settings
from redis import Redis

from chat import events, hit_rate, prompts
from chat.events import Delta, Event, Notice
from chat.questions import Question, normalise
from chat.store import answer_at
from chat.store import answers as store
from chat.transcripts import Transcript
from observability import logs, metrics

log = logs.get_logger(__name__)

SCHEMA = 1  # of the envelope; another number is not read
COMPRESS_ABOVE = 1024  # bytes
MOST_BYTES = 64 * 1024  # of an envelope; an answer is 2 KB, and nobody reads a hundred pages
JITTER = 0.1  # so that what was kept together does not expire together
# Share of its fresh time for which an expired answer is still given to everyone while it is made anew.
GRACE = 0.1
FORGOTTEN_SECONDS = 120

# One caller's answer, and its place in the index of what is kept for them; unless they were forgotten meanwhile.
# The index is by when they end, so that one who asks every day for years leaves no more than a fortnight of keys.
_KEEP_PRIVATE = """
local envelope, lifetime, key, now = unpack(ARGV)
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
redis.call('SET', KEYS[1], envelope, 'EX', lifetime)
redis.call('ZADD', KEYS[2], now + lifetime, key)
redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, now)
redis.call('EXPIRE', KEYS[2], 2 * lifetime)
return 1
"""


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

    @property
    def is_current(self) -> bool:
        """Fresh, or so little past it that nobody need wait while it is made anew."""
        return time.time() < self.fresh_until + GRACE * (self.fresh_until - self.created)

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
    kept = look(key)
    result = "error" if store.is_away else "miss" if kept is None else "hit" if kept.is_current else "stale"
    metrics.CACHE_REQUESTS.labels(result).inc()
    if result != "error":
        hit_rate.count(result == "hit")
    return kept


def look(key: str) -> Kept | None:
    """The same for ourselves: nobody asked, so nothing is counted."""
    data = store.ask(lambda redis: redis.get(answer_at(key)), None)
    return _open(data) if isinstance(data, bytes) else None


def keep(
    key: str,
    said: Sequence[Event],
    cost_ms: int,
    *,
    warm: bool = False,
    put: Callable[[Callable[[Redis], bool]], bool] = lambda write: store.ask(write, False),
) -> bool:
    """Keep an answer if it deserves it: complete, the AI's own, not empty. True when it was kept.

    `put` has it written: at once, if nothing else is said.
    """
    if not _is_worth_keeping(said):
        return False
    fresh = (settings.CACHE_TTL_WARM if warm else settings.CACHE_TTL_ANSWER) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 spread, not secrecy
    lifetime = int(fresh + settings.CACHE_TTL_STALE)
    envelope = _seal(said, now := time.time(), fresh, cost_ms)
    if len(envelope) > MOST_BYTES:
        return False

    def write(redis: Redis) -> bool:
        if is_shared(key):
            return bool(redis.set(answer_at(key), envelope, ex=lifetime))
        scope = key.partition(":")[0]
        keys = (answer_at(key), f"bff:answers-of:{scope}", f"bff:forgotten:{scope}")
        return bool(redis.eval(_KEEP_PRIVATE, len(keys), *keys, envelope, lifetime, key, now))

    return put(write)


def evict(key: str) -> None:
    """Forget one answer, everywhere."""
    store.ask(lambda redis: redis.delete(answer_at(key)), None)


def forget(caller_id: str) -> int | None:
    """Forget all that is kept for one caller alone; how many answers it were, None when Redis is away.

    An answer being written meanwhile is not kept when it ends: the mark lasts longer than any answer takes.
    """
    scope = owner_of(caller_id)
    index = f"bff:answers-of:{scope}"

    def purge(redis: Redis) -> int:
        redis.set(f"bff:forgotten:{scope}", "", ex=FORGOTTEN_SECONDS)
        keys: list[bytes] = redis.zrange(index, 0, -1)  # type: ignore[assignment]
        answers = [answer_at(key.decode()) for key in keys]
        forgotten = redis.delete(*answers) if answers else 0
        redis.delete(index)
        return int(forgotten)

    return store.ask(purge, None)


def _is_worth_keeping(said: Sequence[Event]) -> bool:
    finish = Transcript(said).finish
    return (
        finish is not None
        and finish.origin == "ai"
        and finish.ending == "stop"
        and finish.degraded is None
        # What we say beside an answer is no answer: help lines alone don't count.
        and any(event.text.strip() for event in said if isinstance(event, Delta))
    )


def _seal(said: Sequence[Event], created: float, fresh_seconds: float, cost_ms: int) -> bytes:
    """The envelope: what the AI said, without what we said beside it, which belongs to the moment and to the reader."""
    head = orjson.dumps([SCHEMA, created, created + fresh_seconds, cost_ms])
    body = head + b"\n" + events.encode([event for event in said if not isinstance(event, Notice)])
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
