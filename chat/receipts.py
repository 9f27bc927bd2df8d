"""Why an answer is what it is: how it was come by, whose run wrote it, what that took. No word of question or answer.

A receipt is plain JSON, in milliseconds:

    {door, correlationId, origin, ending, degraded, role, cache: {verdict, ageSeconds},
     stages: {search, cache, flight, total},
     making: {correlationId, at, model, passages: [{slug, score, used}], error, older, tokens, deadlineMs,
              attempts: [{number, waitMs, breaker, outcome, firstWordsMs, durationMs}],
              stages: {waits, attempts, total}}}

The outer part is the request's own. `making` is told by the run that wrote the answer and travels with its `Finish`: so
followers on other instances have it, and whoever is given the answer from the cache; its `correlationId` says whose
request that was. It is null when the writer died. `older` is the making of the older answer that was given instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Literal

import orjson
from django.conf import settings
from django.utils.crypto import salted_hmac
from redis import Redis

from chat.cache import Kept
from chat.events import Finish, Origin, Usage
from chat.models import Message
from chat.questions import Passage
from chat.store import answers as store
from chat.upstream.attempt import Attempt
from observability import correlation
from observability.timestamps import iso

Receipt = dict[str, Any]
Door = Literal["chat", "openai", "document"]
Role = Literal["leader", "follower", "cached"]
Verdict = Literal["hit", "stale", "miss", "bypass"]

# Of answers that stand in no history: long enough for whoever is asked why.
KEPT_SECONDS = 7 * 24 * 3600


@dataclass(slots=True)
class Making:
    """How a run comes to its answer, noted by whoever writes it."""

    passages: Sequence[Passage] = ()
    deadline_seconds: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    error: str | None = None
    older: Kept | None = None
    _began: float = field(default_factory=perf_counter)

    def noted_on(self, finish: Finish) -> Finish:
        """The same end, with these notes."""
        return replace(finish, making=self._as_json(finish.origin, finish.usage))

    def _as_json(self, origin: Origin, usage: Usage | None) -> Receipt:
        return {
            "correlationId": str(correlation.current()),
            "at": iso(),
            "model": settings.AI_SERVICE_MODEL,
            "passages": [_passage(each, self._is_used(number, origin)) for number, each in enumerate(self.passages)],
            "attempts": [attempt.as_json() for attempt in self.attempts],
            "error": self.error,
            "older": _older(self.older) if origin == "stale" and self.older is not None else None,
            "tokens": {"prompt": usage.prompt_tokens, "completion": usage.completion_tokens} if usage else None,
            "deadlineMs": round(self.deadline_seconds * 1000),
            "stages": {
                "waits": sum(attempt.wait_ms for attempt in self.attempts),
                "attempts": sum(attempt.duration_ms for attempt in self.attempts),
                "total": _since(self._began),
            },
        }

    def _is_used(self, number: int, origin: Origin) -> bool:
        """The AI was given all of them, where it doesn't find its own; an article is the best one."""
        if origin == "ai":
            return settings.AI_SERVICE_PROTOCOL == "openai"
        return origin == "knowledge" and number == 0


@dataclass(slots=True)
class Asking:
    """How one request came by its answer."""

    door: Door
    verdict: Verdict = "bypass"
    age_seconds: int | None = None
    correlation_id: str = field(default_factory=correlation.current)
    stages: dict[str, int] = field(default_factory=dict)
    _began: float = field(default_factory=perf_counter)

    @contextmanager
    def stage(self, name: Literal["search", "cache", "flight"]) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            self.stages[name] = _since(began)

    def found(self, kept: Kept | None, *, asked: bool) -> None:
        """What the cache had, or that it could not be asked."""
        if kept is not None:
            self.verdict, self.age_seconds = "hit" if kept.is_current else "stale", kept.age_seconds
        elif asked:
            self.verdict = "miss"

    def receipt(self, role: Role, finish: Finish | None) -> Receipt:
        """`finish` is None as long as the answer is being written."""
        begun: Receipt = {
            "door": self.door,
            "correlationId": str(self.correlation_id),
            # A leader, too, may find at its turn that another has just kept the answer.
            "role": "cached" if finish and finish.origin == "cache" else role,
            "cache": {"verdict": self.verdict, "ageSeconds": self.age_seconds},
            "stages": self.stages | ({"total": _since(self._began)} if finish else {}),
        }
        return completed(begun, finish) if finish else begun


def completed(begun: Receipt | None, finish: Finish) -> Receipt:
    """The receipt of an answer that was being written, now that it has ended."""
    return (begun or {}) | {
        "origin": finish.origin,
        "ending": finish.ending,
        "degraded": finish.degraded.reason if finish.degraded else None,
        "making": finish.making,
    }


def keep(receipt: Receipt) -> None:
    """Keep the receipt of an answer that stands in no history, for a while."""
    store.ask(lambda redis: write(redis, receipt), None)


def write(redis: Redis, receipt: Receipt) -> None:
    """The same on a connection, or a pipeline, that is there already."""
    redis.set(_key(receipt["correlationId"]), orjson.dumps(receipt), ex=KEPT_SECONDS)


def find(correlation_id: str) -> list[Receipt]:
    """The receipts of all answers that this id was shown with, the latest last."""
    messages = Message.objects.filter(correlation_id=correlation_id, role=Message.Role.ASSISTANT)
    found = [receipt for receipt in messages.order_by("id").values_list("receipt", flat=True) if receipt]
    kept = store.ask(lambda redis: redis.get(_key(correlation_id)), None)
    return [*found, orjson.loads(kept)] if isinstance(kept, bytes) else found


def _key(correlation_id: str) -> str:
    """Clients may choose their correlation ids: nobody who reads Redis learns them."""
    return f"bff:receipt:{salted_hmac('chat.receipts', correlation_id, algorithm='sha256').hexdigest()[:32]}"


def _passage(passage: Passage, used: bool) -> Receipt:
    return {"slug": passage.slug, "score": round(passage.score, 2), "used": used}


def _older(kept: Kept) -> Receipt:
    making = next((event.making for event in kept.events if isinstance(event, Finish)), None)
    return {"ageSeconds": kept.age_seconds, "correlationId": making["correlationId"] if making else None}


def _since(began: float) -> int:
    return round((perf_counter() - began) * 1000)
