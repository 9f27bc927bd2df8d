"""The AI fails, one way after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks.drill.environment import Environment
from benchmarks.drill.faults.base import ai_fault
from tests.support.processes import HOST, free_port, start_ai_service


@contextmanager
def _with_second_ai(environment: Environment) -> Iterator[Mapping[str, str]]:
    second = start_ai_service(free_port())
    yield {"AI_SERVICE_FALLBACK_URL": f"http://{HOST}:{second.port}", "AI_SERVICE_FALLBACK_MODEL": "second"}
    second.stop()


FAULTS = (
    ai_fault("ai-down", "the AI resets every connection", "down"),
    ai_fault("ai-slow", "the AI's first byte takes 2 s", "slow", {"seconds": 2}, fails_the_ai=False),
    ai_fault(
        "ai-late", "one answer in five begins after 20 s", "slow", {"seconds": 20, "share": 0.2}, fails_the_ai=False
    ),
    ai_fault("ai-500", "the AI answers 500", "error"),
    ai_fault("ai-401", "the AI refuses the key", "error", {"status": 401}, fails_the_ai=False),
    ai_fault("ai-429", "the AI answers 429 with Retry-After: 3", "rate_limited", {"retry_after": 3}),
    ai_fault("ai-filters", "the AI's filter ends every answer", "filtered", fails_the_ai=False),
    ai_fault("ai-cut", "the AI closes the connection after eight words", "cut", {"after_tokens": 8}),
    ai_fault("ai-garbage", "the AI answers 200 with bytes that are no answer", "garbage"),
    ai_fault("ai-drip", "the AI sends one byte every 50 ms", "drip", {"seconds": 0.05}),
    ai_fault("ai-hang", "the AI accepts the question and never answers", "hang"),
    ai_fault("second-ai", "the AI resets every connection, and a second one answers", "down", settings=_with_second_ai),
)
