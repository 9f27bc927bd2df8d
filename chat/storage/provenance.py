"""Provenance: how an answer came about, without any text of the question or the answer.

A provenance record is plain JSON, with times in milliseconds:

    {door, correlationId, origin, ending, degraded, role, cache: {verdict, ageSeconds},
     stages: {search, cache, flight, total},
     making: {correlationId, at, service, model, passages: [{slug, score, used, leftOut}], error, older, tokens,
              deadlineMs, attempts: [{service, number, waitMs, breaker, outcome, firstWordsMs, durationMs}],
              stages: {waits, attempts, total}}}

The outer part is the request trace; `door` is its entrypoint. `making` is the generation trace: the run's leader writes
it and it travels with the `Finish` event, so followers on other instances and later readers of the cached answer have
it too. Its `correlationId` names the request that started the run. It is null if the leader died. `older.correlationId`
names the request that generated the stale answer which was served instead. `service` is the AI that was asked last,
`primary` or `fallback`. A passage is `leftOut` if the prompt had no room for it.

`door` and `making` are the names in stored records; `Message.receipt` is the column that stores them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Literal

import orjson
from django.db.models import Q

from chat.core.attempt import Attempt
from chat.core.events import Finish, Origin, Usage
from chat.core.question import Passage
from chat.models import Message
from chat.storage.answer_cache import CachedAnswer
from observability import correlation
from observability.pseudonyms import pseudonym
from observability.redis_trips import Command
from observability.shared_redis import shared_redis
from observability.timestamps import iso

Provenance = dict[str, Any]
Entrypoint = Literal["chat", "openai", "document"]
Role = Literal["leader", "follower", "cached"]
Verdict = Literal["hit", "stale", "miss", "bypass"]

# Time for an operator to look up an answer that is not saved in a history.
TTL_SECONDS = 7 * 24 * 3600
# Clients may send one id with many requests: the first records are kept, so that no client can replace another one's
# record.
MAX_RECORDS = 20
LAST_DEGRADED = "bff:degraded"


@dataclass(slots=True)
class GenerationTrace:
    """How a run generates its answer; filled in by the producer.

    `fitting` is the number of passages, the first ones, that are in the AI's prompt; None if it has none.
    """

    passages: Sequence[Passage] = ()
    deadline_seconds: float = 0.0
    service: str = ""
    model: str = ""
    fitting: int | None = None
    error: str | None = None
    older: CachedAnswer | None = None
    _calls: list[Sequence[Attempt]] = field(default_factory=list)
    _began: float = field(default_factory=perf_counter)

    @property
    def attempts(self) -> list[Attempt]:
        return [attempt for attempts in self._calls for attempt in attempts]

    def begin_call(self, service: str, model: str, attempts: Sequence[Attempt]) -> None:
        """Record which AI is asked now; `attempts` grows with the call."""
        self.service, self.model = service, model
        self._calls.append(attempts)

    def attach_to(self, finish: Finish) -> Finish:
        """A copy of `finish` with this trace."""
        return replace(finish, generation=self._as_json(finish.origin, finish.usage))

    def _as_json(self, origin: Origin, usage: Usage | None) -> Provenance:
        return {
            "correlationId": str(correlation.current()),
            "at": iso(),
            "service": self.service,
            "model": self.model,
            "passages": [self._passage(index, passage, origin) for index, passage in enumerate(self.passages)],
            "attempts": [attempt.as_json() for attempt in self.attempts],
            "error": self.error,
            "older": _older(self.older) if origin == "stale" and self.older is not None else None,
            "tokens": {"prompt": usage.prompt_tokens, "completion": usage.completion_tokens} if usage else None,
            "deadlineMs": round(self.deadline_seconds * 1000),
            "stages": {
                "waits": sum(attempt.wait_ms for attempt in self.attempts),
                "attempts": sum(attempt.duration_ms for attempt in self.attempts),
                "total": _ms_since(self._began),
            },
        }

    def _passage(self, index: int, passage: Passage, origin: Origin) -> Provenance:
        fitting = self.fitting if origin == "ai" else 1 if origin == "knowledge" else None
        return {
            "slug": passage.slug,
            "score": round(passage.score, 2),
            "used": fitting is not None and index < fitting,
            "leftOut": origin == "ai" and fitting is not None and index >= fitting,
        }


@dataclass(slots=True)
class RequestTrace:
    """How one request obtained its answer. It `began` on the performance counter."""

    entrypoint: Entrypoint
    verdict: Verdict = "bypass"
    age_seconds: int | None = None
    correlation_id: str = field(default_factory=correlation.current)
    stages: dict[str, int] = field(default_factory=dict)
    began: float = field(default_factory=perf_counter)

    @contextmanager
    def stage(self, name: Literal["search", "cache", "flight"]) -> Iterator[None]:
        """Record how long the block takes."""
        began = perf_counter()
        try:
            yield
        finally:
            self.stages[name] = _ms_since(began)

    def record_lookup(self, cached: CachedAnswer | None, *, is_available: bool) -> None:
        """Record the result of the cache lookup; it stays "bypass" while the cache is unavailable."""
        if cached is not None:
            self.verdict, self.age_seconds = "hit" if cached.is_current else "stale", cached.age_seconds
        elif is_available:
            self.verdict = "miss"

    def provenance(self, role: Role, finish: Finish | None) -> Provenance:
        """The provenance record; without the answer's end while `finish` is None."""
        record: Provenance = {
            "door": self.entrypoint,
            "correlationId": str(self.correlation_id),
            # A leader may find that another run has cached the answer since its first lookup.
            "role": "cached" if finish and finish.origin == "cache" else role,
            "cache": {"verdict": self.verdict, "ageSeconds": self.age_seconds},
            "stages": self.stages | ({"total": _ms_since(self.began)} if finish else {}),
        }
        return complete(record, finish) if finish else record


def complete(record: Provenance | None, finish: Finish) -> Provenance:
    """The record of an answer in progress, completed with its end."""
    return (record or {}) | {
        "origin": finish.origin,
        "ending": finish.ending,
        "degraded": finish.degraded.reason if finish.degraded else None,
        "making": finish.generation,
    }


def generation_of(record: Provenance) -> Provenance | None:
    """The generation trace in a record."""
    generation: Provenance | None = record.get("making")
    return generation


def save(record: Provenance) -> None:
    """Store the record of an answer that no history contains, for TTL_SECONDS."""
    shared_redis.post(*commands(record))


def commands(record: Provenance) -> tuple[Command, ...]:
    """The Redis commands of `save`."""
    key = _key(record["correlationId"])
    saving = ("RPUSH", key, orjson.dumps(record)), ("LTRIM", key, 0, MAX_RECORDS - 1), ("EXPIRE", key, TTL_SECONDS)
    return saving + (_listing(record) if record.get("degraded") else ())


def _listing(record: Provenance) -> tuple[Command, ...]:
    """The commands that put the record of a degraded answer at the beginning of LAST_DEGRADED."""
    listed = {"at": iso()} | {name: record[name] for name in ("door", "correlationId", "origin", "degraded")}
    push = ("LPUSH", LAST_DEGRADED, orjson.dumps(listed))
    return push, ("LTRIM", LAST_DEGRADED, 0, MAX_RECORDS - 1), ("EXPIRE", LAST_DEGRADED, TTL_SECONDS)


def last_degraded() -> list[Provenance]:
    """The last degraded answers in no history, newest first: `{at, door, correlationId, origin, degraded}`."""
    replies = shared_redis.send(("LRANGE", LAST_DEGRADED, 0, -1))
    return [orjson.loads(record) for record in (replies[0] if replies else ())]


def find_in_conversations(correlation_id: str) -> list[Provenance]:
    """The records of answers stored in a conversation. The short form of the id that people see finds them, too."""
    same = Q(correlation_id=correlation_id) | Q(correlation_id__startswith=f"req-{correlation_id}-")
    messages = Message.objects.filter(same, role=Message.Role.ASSISTANT)
    return [record for record in messages.order_by("id").values_list("receipt", flat=True) if record]


def find_elsewhere(correlation_id: str) -> list[Provenance] | None:
    """The records of answers that no history contains; None while Redis is unavailable."""
    replies = shared_redis.send(("LRANGE", _key(correlation_id), 0, -1))
    return None if replies is None else [orjson.loads(record) for record in replies[0]]


def _key(correlation_id: str) -> str:
    """Clients may choose correlation ids, so the key holds only an HMAC: reading Redis does not reveal them."""
    return f"bff:receipt:{pseudonym('chat.receipts', correlation_id)}"


def _older(cached: CachedAnswer) -> Provenance:
    generation = cached.finish.generation
    return {"ageSeconds": cached.age_seconds, "correlationId": generation["correlationId"] if generation else None}


def _ms_since(began: float) -> int:
    return round((perf_counter() - began) * 1000)
