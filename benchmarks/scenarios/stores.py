"""The load of one message on Redis and PostgreSQL: commands (those of scripts, too), trips, bytes, CPU, and the keys
that remain. A trip is a read of Redis from a connection.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

from benchmarks.harness import backing_services
from benchmarks.harness.progress import print_progress
from benchmarks.scenarios.messages import run_load
from benchmarks.systems import endpoints
from benchmarks.systems.endpoints import Endpoint, cpu_seconds

CLIENTS = 16
SECONDS = 4


def measure() -> dict[str, dict[str, Any]]:
    """Counts, bytes and CPU ms per message at each endpoint; `remaining_keys` lists the keys left in Redis."""
    with endpoints.fixed_ai() as ai:
        measured = endpoints.chat_bff(ai)
        for endpoint in measured:
            run_load(endpoint, 8, 1)
        return {endpoint.key: _measure(endpoint) for endpoint in measured}


def _measure(endpoint: Endpoint) -> dict[str, Any]:
    print_progress(f"Redis and PostgreSQL: {endpoint.name}")
    redis, postgres = backing_services.redis(), backing_services.postgres()
    with backing_services.redis_client() as client:
        run_load(endpoint, 1, 1)
        client.flushall()  # so that only keys of the counted messages remain at the end
        before = _readings(redis, postgres)
        result, _ = run_load(endpoint, CLIENTS, SECONDS)
        after = _readings(redis, postgres)
        remaining_keys = _remaining_keys(client, result.requests)
    per_message = {name: (after[name] - before[name]) / result.requests for name in before.keys() & after.keys()}
    commands = {name: count for name, count in per_message.items() if name.startswith("cmdstat_") and count >= 0.005}
    return {
        "commands": {name.removeprefix("cmdstat_"): count for name, count in sorted(commands.items())},
        **{name: value for name, value in per_message.items() if not name.startswith("cmdstat_")},
        "remaining_keys": remaining_keys,
    }


def _readings(redis: Any, postgres: Any) -> dict[str, float]:
    stats = backing_services.redis_info("stats")
    calls = {name: float(stat["calls"]) for name, stat in backing_services.redis_info("commandstats").items()}
    return calls | {
        "redis_commands": stats["total_commands_processed"],
        "redis_trips": stats["total_reads_processed"],
        "redis_in": stats["total_net_input_bytes"],
        "redis_out": stats["total_net_output_bytes"],
        "redis_memory": backing_services.redis_info("memory")["used_memory"],
        "redis_cpu": cpu_seconds(redis) * 1000,
        "postgres_cpu": cpu_seconds(postgres) * 1000,
        "postgres_log": backing_services.wal_bytes(),
        "postgres_size": backing_services.table_bytes(),
    }


def _remaining_keys(client: Any, messages: int) -> list[dict[str, Any]]:
    """The kinds of keys whose number grows with the messages: keys per message, bytes each, time to live."""
    sizes, ttls, counts = defaultdict(list), defaultdict(list), defaultdict(int)
    for key in client.scan_iter(count=1000):
        kind = ":".join(key.decode(errors="replace").split(":")[:2])
        counts[kind] += 1
        if len(sizes[kind]) < 50:
            sizes[kind].append(client.memory_usage(key, samples=0) or 0)
            ttls[kind].append(max(0, client.ttl(key)))
    return [
        {
            "kind": kind,
            "count": count / messages,
            "bytes": statistics.mean(sizes[kind]),
            "seconds": statistics.mean(ttls[kind]),
        }
        for kind, count in sorted(counts.items())
        if count >= 0.01 * messages
    ]
