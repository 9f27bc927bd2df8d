"""What one message costs here and at the peers': CPU of the server as the operating system accounts it, side by side.

Machines are noisy, so the doors take turns in rounds, and medians are compared. Wall-clock times stand beside it for
orientation.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

import jwt
import psutil

from benchmarks import contenders, load
from benchmarks.contenders import Door, cpu_seconds, memory_mb
from benchmarks.fixed_ai import FixedAI

ROUNDS = 5
SECONDS = 3.0  # of each door in each round
CLIENTS = 16
SECRET = "only-for-benchmarks-" + "x" * 44


def compare() -> None:
    """Print the table. Peers that can't be installed here are named and left out."""
    with tempfile.TemporaryDirectory(prefix="chat-bff-bench-") as folder:
        ai = FixedAI(Path(folder))
        doors = _open_doors(ai)
        for door in doors:
            _visit(door, 2.0)  # caches fill, connections open, code is compiled
            _forget(door)
        for number in range(ROUNDS):
            for door in doors:
                _visit(door, SECONDS)
            print(f"round {number + 1} of {ROUNDS}", flush=True)
        _report(doors)


def _open_doors(ai: FixedAI) -> list[Door]:
    from tests.server import Server  # noqa: PLC0415 after Django is set up

    server = Server(
        workers=1,
        DEBUG="0",
        LOG_LEVEL="info",
        AI_SERVICE_URL=ai.url,
        AI_SERVICE_MODEL="bench",
        SUPABASE_JWT_SECRET=SECRET,
    )
    doors = [*contenders.ours(server), *contenders.nginx(ai), *contenders.bare_django(ai)]
    for name, peer in (
        ("Express", lambda: contenders.express(ai, os.environ["REDIS_URL"], SECRET)),
        ("LiteLLM", lambda: contenders.litellm(ai)),
    ):
        try:
            doors += peer()
        except (OSError, TimeoutError, contenders.NotInstalled) as error:
            print(f"{name} does not take part: {error}")
    return doors


def _visit(door: Door, seconds: float) -> None:
    token = jwt.encode({"sub": "bench", "aud": "authenticated", "exp": time.time() + 3600}, SECRET)
    before = cpu_seconds(door.process)
    seen = load.run(door.url, clients=CLIENTS, seconds=seconds, token=token, body=door.body)
    if seen.errors or not seen.requests:
        raise RuntimeError(f"{door.name}: {seen.errors} of {seen.requests} requests failed")
    door.cpu.append((cpu_seconds(door.process) - before) * 1000 / seen.requests)
    door.p50.append(seen.p50)
    door.p99.append(seen.p99)
    door.per_second.append(seen.per_second)


def _forget(door: Door) -> None:
    for figures in (door.cpu, door.p50, door.p99, door.per_second):
        figures.clear()


def _report(doors: list[Door]) -> None:
    print(f"\n{ROUNDS} rounds of {SECONDS:g} s, {CLIENTS} clients, one worker each, {psutil.cpu_count()} cores\n")
    print("| message | CPU ms | answers/s | p50 ms | p99 ms | memory MB |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for door in doors:
        cpu, rate, p50, p99 = (statistics.median(f) for f in (door.cpu, door.per_second, door.p50, door.p99))
        print(f"| {door.name} | {cpu:.2f} | {rate:.0f} | {p50:.1f} | {p99:.1f} | {memory_mb(door.process):.0f} |")
