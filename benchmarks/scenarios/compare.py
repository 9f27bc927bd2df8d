"""CPU of one message in this checkout and in another one: `python -m benchmarks compare ../other`.

Both servers run at the same time, with the same Redis, PostgreSQL and AI, and are measured in turn. A round's ratio
compares measurements of the same seconds, so it depends little on what else the machine does.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import psutil

from benchmarks.harness import wrk
from benchmarks.harness.backing_services import redis_info
from benchmarks.harness.fixed_ai import FixedAI
from benchmarks.harness.progress import print_progress
from benchmarks.scenarios.messages import run_load
from benchmarks.systems import endpoints
from benchmarks.systems.endpoints import Endpoint
from tests.support.processes import ROOT, WebInstance
from tests.support.server import database_url

CLIENTS = 8
SECONDS = 3
OWN, OTHER = "own", "other"


def measure(other: Path, rounds: int) -> None:
    """Print the CPU of each kind of message in both checkouts, and the ratio of this one to the other.

    Then Redis' reads, which are trips, and its commands, for each message.
    """
    with endpoints.fixed_ai() as ai, tempfile.TemporaryDirectory() as folder:
        servers = {name: _start(root, ai, Path(folder) / name) for name, root in ((OWN, ROOT), (OTHER, other))}
        samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
        print_progress("warming up")
        for endpoint in (endpoint for each in servers.values() for endpoint in each.values()):
            wrk.run(endpoint.url, clients=1, seconds=SECONDS, headers=endpoint.headers(), body=endpoint.body)
        for number in range(rounds):
            print_progress(f"compare, round {number + 1} of {rounds}")
            for key, endpoint in servers[OWN].items():
                cpu = _measure_pair({OWN: endpoint, OTHER: servers[OTHER][key]})
                samples[key].append((cpu[OWN], cpu[OTHER]))
                _print(key, samples[key])
        for key, endpoint in servers[OWN].items():
            own, other = _redis_use(endpoint), _redis_use(servers[OTHER][key])
            print(f"{key:13} Redis reads, commands a message: {own}, other {other}", flush=True)


def _start(root: Path, ai: FixedAI, folder: Path) -> dict[str, Endpoint]:
    metrics = folder / "metrics"
    metrics.mkdir(parents=True)
    own = {"WEB_WORKERS": "1", "DATABASE_URL": database_url(), "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    own |= {"REDIS_TIMEOUT_SECONDS": "1"}
    env = {**os.environ, **endpoints.production_settings(ai), **own}
    server = WebInstance(env, folder / "web.log", root)
    process = psutil.Process(server.child.pid)
    return {each.key: each for each in endpoints.messages_of(server.url, process)}


def _measure_pair(pair: Mapping[str, Endpoint]) -> dict[str, float]:
    order = [*pair.items()]
    random.shuffle(order)
    return {name: run_load(endpoint, CLIENTS, SECONDS)[1] for name, endpoint in order}


def _redis_use(endpoint: Endpoint) -> tuple[float, float]:
    """Redis' reads from sockets, which are trips, and commands, for one message."""
    before = redis_info("stats")
    result, _ = run_load(endpoint, CLIENTS, SECONDS)
    after = redis_info("stats")
    reads, commands = (after[name] - before[name] for name in ("total_reads_processed", "total_commands_processed"))
    return round(reads / result.requests, 2), round(commands / result.requests, 2)


def _print(key: str, pairs: list[tuple[float, float]]) -> None:
    ratios = sorted(own / other for own, other in pairs)
    own, other = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(
        f"{key:13} {own:.2f} ms, other {other:.2f} ms: {statistics.median(ratios):.3f} × "
        f"({ratios[0]:.3f} to {ratios[-1]:.3f}, {len(ratios)} rounds)",
        flush=True,
    )
