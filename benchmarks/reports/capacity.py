"""A capacity model: the cost of one open stream in each resource, and the resource that is exhausted first.

The unit is one open stream in the most expensive use: an answer of 30 s at 10 tokens/s, not in the cache, to a
signed-in caller, with the history saved. Each open stream therefore means one new message every 30 s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.reports.figures import Figures
from benchmarks.reports.targets import endpoint_figure, stream_figure

SECONDS = 30.0
RATE = 10.0
UTILISATION = 0.7  # of a core; latency grows above it
WORKER_STREAMS = 2000  # AI_MAX_CONCURRENCY
REDIS_GB = 64.0
NETWORK_GBIT = 10.0


@dataclass(frozen=True, slots=True)
class Costs:
    """The cost of one open stream: cores, MB, and commands and bytes a second. `*_stored` is bytes held at a time."""

    relaying: float
    messages: float
    memory: float
    worker_memory: float
    redis_cores: float
    redis_commands: float
    redis_bytes: float
    redis_stored: float
    postgres_cores: float
    postgres_wal: float
    postgres_growth: float
    network: float

    @property
    def cores(self) -> float:
        return self.relaying + self.messages


def costs(figures: Figures) -> Costs:
    """From the stored figures. Raises KeyError or StopIteration if a part is missing."""
    saved, per_second = figures["stores"]["figures"]["new-saved"], 1 / SECONDS

    def token(name: str) -> float:
        return stream_figure(figures, 2000, RATE, name)

    return Costs(
        relaying=RATE * token("token_cpu") / 1e6,
        messages=per_second * endpoint_figure(figures, "new-saved", "cpu") / 1000,
        memory=token("stream_memory") / 1000,
        worker_memory=token("idle_memory") / token("workers"),
        redis_cores=RATE * token("token_redis_cpu") / 1e6 + per_second * saved["redis_cpu"] / 1000,
        redis_commands=per_second * token("stream_commands"),
        redis_bytes=per_second * token("stream_traffic"),
        redis_stored=per_second * sum(byte_seconds(keys) for keys in saved["remaining_keys"]),
        postgres_cores=per_second * saved["postgres_cpu"] / 1000,
        postgres_wal=per_second * saved["postgres_log"],
        postgres_growth=per_second * saved["postgres_size"],
        network=RATE * token("token_bytes"),
    )


def byte_seconds(keys: Mapping[str, Any]) -> float:
    """Bytes that a message stores in keys of one kind, times their time to live."""
    return float(keys["count"] * keys["bytes"] * keys["seconds"])


def limits(cost: Costs) -> list[tuple[str, float, str]]:
    """Each limit with the number of open streams that reach it and the remedy; the first reached comes first."""
    found = [
        (
            f"one core of workers, {UTILISATION:.0%} busy",
            UTILISATION / cost.cores,
            "add workers: they share nothing but Redis",
        ),
        ("one worker's concurrent calls (`AI_MAX_CONCURRENCY`)", float(WORKER_STREAMS), "add workers, or raise it"),
        (
            f"one Redis, {UTILISATION:.0%} of its one core",
            UTILISATION / cost.redis_cores,
            "a Redis Cluster: `python -m benchmarks shards` measures it",
        ),
        (
            f"one core of PostgreSQL, {UTILISATION:.0%} busy",
            UTILISATION / cost.postgres_cores,
            "more cores, up to the largest machine",
        ),
        (
            f"{REDIS_GB:.0f} GB of Redis, all answers different and stored until they expire",
            REDIS_GB * 1e9 / cost.redis_stored,
            "`maxmemory` with `volatile-lru`, or a shorter `CACHE_TTL_STALE`",
        ),
        (
            f"a network of {NETWORK_GBIT:.0f} Gbit/s, {UTILISATION:.0%} full",
            NETWORK_GBIT * 1e9 / 8 * UTILISATION / (2 * cost.network),
            "more machines",
        ),
    ]
    return sorted(found, key=lambda limit: limit[1])


def fleet(cost: Costs, streams: int) -> Iterator[tuple[str, float, str]]:
    """The needs of a fleet with this many open streams: name, amount, and unit ("B" or "")."""
    cores = streams * cost.cores / UTILISATION
    yield "new messages a second", streams / SECONDS, ""
    yield "tokens a second", streams * RATE, ""
    yield f"cores of workers, {UTILISATION:.0%} busy", cores, ""
    yield "memory of the workers", (max(1, cores) * cost.worker_memory + streams * cost.memory) * 1e6, "B"
    yield "Redis, commands a second", streams * cost.redis_commands, ""
    yield "Redis, network a second", streams * cost.redis_bytes, "B"
    yield f"Redis, cores {UTILISATION:.0%} busy", streams * cost.redis_cores / UTILISATION, ""
    yield "Redis, memory with all keys stored until they expire", streams * cost.redis_stored, "B"
    yield f"PostgreSQL, cores {UTILISATION:.0%} busy", streams * cost.postgres_cores / UTILISATION, ""
    yield "PostgreSQL, WAL a second", streams * cost.postgres_wal, "B"
    yield "PostgreSQL, table growth a day", streams * cost.postgres_growth * 86_400, "B"
    yield "network to the readers a second", streams * cost.network, "B"
