"""How far it goes, on paper: what each part does for a stream, times the streams, and the part that gives in first.

The measure is a stream that is open: somebody reads an answer of 30 s and 10 tokens/s to a question that nobody asked
before, signed in, with the history saved – the dearest there is. So each open stream brings a new message all 30 s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import Figures
from benchmarks.targets import door, stream

SECONDS = 30.0
RATE = 10.0
USE = 0.7  # of a core: above it, waits grow
WORKER_STREAMS = 2000  # AI_MAX_CONCURRENCY
REDIS_GB = 64.0
NETWORK_GBIT = 10.0


@dataclass(frozen=True, slots=True)
class Costs:
    """What one open stream costs: cores, MB, and each second commands and bytes."""

    relaying: float
    messages: float
    memory: float
    worker_memory: float
    redis_cores: float
    redis_commands: float
    redis_bytes: float
    redis_kept: float
    postgres_cores: float
    postgres_log: float
    postgres_kept: float
    network: float

    @property
    def cores(self) -> float:
        return self.relaying + self.messages


def costs(figures: Figures) -> Costs:
    """From the parts measured. Raises KeyError or StopIteration where one is missing."""
    saved, a_second = figures["stores"]["figures"]["new-saved"], 1 / SECONDS

    def token(name: str) -> float:
        return stream(figures, 2000, RATE, name)

    return Costs(
        relaying=RATE * token("token_cpu") / 1e6,
        messages=a_second * door(figures, "new-saved", "cpu") / 1000,
        memory=token("stream_memory") / 1000,
        worker_memory=token("idle_memory") / token("workers"),
        redis_cores=RATE * token("token_redis_cpu") / 1e6 + a_second * saved["redis_cpu"] / 1000,
        redis_commands=a_second * token("stream_commands"),
        redis_bytes=a_second * token("stream_traffic"),
        redis_kept=a_second * sum(kept_seconds(kind) for kind in saved["kept"]),
        postgres_cores=a_second * saved["postgres_cpu"] / 1000,
        postgres_log=a_second * saved["postgres_log"],
        postgres_kept=a_second * saved["postgres_size"],
        network=RATE * token("token_bytes"),
    )


def kept_seconds(kind: Mapping[str, Any]) -> float:
    """How many bytes of a kind of key a message has lying in Redis, each for how long."""
    return float(kind["count"] * kind["bytes"] * kind["seconds"])


def limits(one: Costs) -> list[tuple[str, float, str]]:
    """Each limit, the open streams at which it is reached and what is done then; the nearest first."""
    found = [
        (f"one core of workers, {USE:.0%} busy", USE / one.cores, "add workers: they share nothing but Redis"),
        ("one worker's calls at a time (`AI_MAX_CONCURRENCY`)", float(WORKER_STREAMS), "add workers, or raise it"),
        (f"one Redis, {USE:.0%} of its one core", USE / one.redis_cores, "a Redis for each group of instances"),
        (f"one core of PostgreSQL, {USE:.0%} busy", USE / one.postgres_cores, "more cores, up to the largest machine"),
        (
            f"{REDIS_GB:.0f} GB of Redis, every answer another and kept its whole life",
            REDIS_GB * 1e9 / one.redis_kept,
            "`maxmemory` with `volatile-ttl`, or a shorter `CACHE_TTL_STALE`",
        ),
        (
            f"a network of {NETWORK_GBIT:.0f} Gbit/s, {USE:.0%} full",
            NETWORK_GBIT * 1e9 / 8 * USE / (2 * one.network),
            "more machines",
        ),
    ]
    return sorted(found, key=lambda limit: limit[1])


def fleet(one: Costs, streams: int) -> Iterator[tuple[str, float, str]]:
    """What so many open streams take: what, how much and the unit, which takes a prefix where it is bytes."""
    cores = streams * one.cores / USE
    yield "new messages a second", streams / SECONDS, ""
    yield "tokens a second", streams * RATE, ""
    yield f"cores of workers, {USE:.0%} busy", cores, ""
    yield "their memory", (max(1, cores) * one.worker_memory + streams * one.memory) * 1e6, "B"
    yield "Redis, commands a second", streams * one.redis_commands, ""
    yield "Redis, network a second", streams * one.redis_bytes, "B"
    yield f"Redis, cores {USE:.0%} busy", streams * one.redis_cores / USE, ""
    yield "Redis, memory when all is kept its whole life", streams * one.redis_kept, "B"
    yield f"PostgreSQL, cores {USE:.0%} busy", streams * one.postgres_cores / USE, ""
    yield "PostgreSQL, log written a second", streams * one.postgres_log, "B"
    yield "PostgreSQL, tables grow a day", streams * one.postgres_kept * 86_400, "B"
    yield "network to the readers a second", streams * one.network, "B"
