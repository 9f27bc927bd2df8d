"""One attempt to call the AI service, as provenance records it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Attempt:
    """`service` is the AI's role, `primary` or `fallback`; `wait_ms` is the delay before the attempt; `breaker` the
    breaker's state when it began.
    """

    service: str
    number: int
    wait_ms: int = 0
    breaker: str | None = None
    outcome: str = "under_way"
    first_words_ms: int | None = None
    duration_ms: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "number": self.number,
            "waitMs": self.wait_ms,
            "breaker": self.breaker,
            "outcome": self.outcome,
            "firstWordsMs": self.first_words_ms,
            "durationMs": self.duration_ms,
        }
