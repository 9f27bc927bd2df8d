"""What one message asks of Redis and PostgreSQL: commands, bytes, CPU, and what stays behind for how long."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

from benchmarks import beside, contenders
from benchmarks.contenders import cpu_seconds
from benchmarks.messages import visit
from benchmarks.progress import tell

CLIENTS = 16
SECONDS = 4


def measure() -> dict[str, dict[str, Any]]:
    """Per message at each of our doors: counts and bytes, CPU in ms; `kept` lists what Redis still holds of it."""
    with contenders.stage() as ai:
        doors = contenders.ours(ai)
        for door in doors:
            visit(door, 8, 1)
        return {door.key: _measure(door) for door in doors}


def _measure(door: contenders.Door) -> dict[str, Any]:
    tell(f"Redis and PostgreSQL: {door.name}")
    redis, postgres = beside.redis(), beside.postgres()
    with beside.redis_client() as client:
        visit(door, 1, 1)
        client.flushall()  # so that what is there at the end was put there by the messages counted
        before = _readings(redis, postgres)
        seen, _ = visit(door, CLIENTS, SECONDS)
        after = _readings(redis, postgres)
        kept = _kept(client, seen.requests)
    spent = {name: (after[name] - before[name]) / seen.requests for name in before.keys() & after.keys()}
    commands = {name: count for name, count in spent.items() if name.startswith("cmdstat_") and count >= 0.005}
    return {
        "commands": {name.removeprefix("cmdstat_"): count for name, count in sorted(commands.items())},
        **{name: value for name, value in spent.items() if not name.startswith("cmdstat_")},
        "kept": kept,
    }


def _readings(redis: Any, postgres: Any) -> dict[str, float]:
    stats = beside.redis_info("stats")
    calls = {name: float(stat["calls"]) for name, stat in beside.redis_info("commandstats").items()}
    return calls | {
        "redis_commands": stats["total_commands_processed"],
        "redis_in": stats["total_net_input_bytes"],
        "redis_out": stats["total_net_output_bytes"],
        "redis_memory": beside.redis_info("memory")["used_memory"],
        "redis_cpu": cpu_seconds(redis) * 1000,
        "postgres_cpu": cpu_seconds(postgres) * 1000,
        "postgres_log": beside.written_ahead(),
        "postgres_size": beside.tables_size(),
    }


def _kept(client: Any, messages: int) -> list[dict[str, Any]]:
    """The kinds of keys that grow with the messages: how many a message, how large, for how many more seconds."""
    sizes, lives, counts = defaultdict(list), defaultdict(list), defaultdict(int)
    for key in client.scan_iter(count=1000):
        kind = ":".join(key.decode(errors="replace").split(":")[:2])
        counts[kind] += 1
        if len(sizes[kind]) < 50:
            sizes[kind].append(client.memory_usage(key, samples=0) or 0)
            lives[kind].append(max(0, client.ttl(key)))
    return [
        {
            "kind": kind,
            "count": count / messages,
            "bytes": statistics.mean(sizes[kind]),
            "seconds": statistics.mean(lives[kind]),
        }
        for kind, count in sorted(counts.items())
        if count >= 0.01 * messages
    ]
