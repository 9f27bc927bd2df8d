"""Many streams at a time: what one relayed token costs, and how late it is.

The upstream and the readers are processes of their own that do next to nothing, and that in uvloop. Token lag and the
time to the first token are what the readers see; they are read once through chat-bff and once at the upstream itself,
so that it can be told what of it is ours. CPU is that of the workers and of the Redis beside them, while all are
reading.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psutil
import requests

from benchmarks import beside
from benchmarks.contenders import cpu_seconds, memory_mb
from benchmarks.progress import tell
from benchmarks.token_server import SHORT
from chat.drill.parts import HOST, Process, free_port
from tests.server import Server

DIRECT_SECONDS = 6.0
WARMING = 50  # people a worker who ask at a time before anything is measured: pools are full then


@dataclass(frozen=True, slots=True)
class Load:
    """How many streams, how long each and how many tokens a second in it."""

    streams: int = 1000
    seconds: float = 30.0
    rate: float = 10.0
    workers: int = 2

    @property
    def ramp(self) -> float:
        """Seconds over which people arrive: all are there for the last quarter of the first answer."""
        return self.seconds * 3 / 4

    @property
    def window(self) -> float:
        """Seconds in which CPU and tokens are counted."""
        return (self.seconds - self.ramp) * 0.8

    def __str__(self) -> str:
        return f"{self.streams:,} × {self.rate:g} tokens/s"


# 2,000 people arrive in 30 s, as fast as 2,000 who read for 30 s come back.
LOADS = (Load(), Load(streams=2000, seconds=40), Load(rate=25, seconds=20))


def measure(loads: tuple[Load, ...] = LOADS) -> list[dict[str, Any]]:
    """The figures of each load: times in ms, CPU in µs, memory in MB."""
    return [_measure(load) for load in loads]


def _measure(load: Load) -> dict[str, Any]:
    tell(f"{load}, read at the token server")
    with _token_server(replace(load, seconds=DIRECT_SECONDS)) as upstream:
        direct = _read(upstream.port, replace(load, seconds=DIRECT_SECONDS), ())
    tell(f"{load}, through {load.workers} workers")
    with _token_server(load) as upstream, _warm_server(load, upstream) as server:
        web, own = psutil.Process(server.process.child.pid), psutil.Process(upstream.child.pid)
        idle, before = memory_mb(web), beside.redis_traffic()
        seen = _read(server.port, load, (web, beside.redis(), own))
        commands, traffic = (after - then for after, then in zip(beside.redis_traffic(), before, strict=True))
    web_cpu, redis_cpu, own_cpu = seen["cpu"]
    return {
        "load": str(load),
        "streams": load.streams,
        "rate": load.rate,
        "workers": load.workers,
        "failed": seen["failed"],
        "tokens_per_second": seen["window_tokens"] / load.window,
        "lag_p50": seen["lag_p50"],
        "lag_p99": seen["lag_p99"],
        "direct_lag_p50": direct["lag_p50"],
        "direct_lag_p99": direct["lag_p99"],
        "first_p50": seen["first_p50"] - direct["first_p50"],
        "first_p99": seen["first_p99"] - direct["first_p99"],
        "token_cpu": web_cpu / seen["window_tokens"] * 1e6,
        "token_redis_cpu": redis_cpu / seen["window_tokens"] * 1e6,
        "cores": web_cpu / load.window,
        "instrument_cores": (own_cpu + seen["readers_cpu"]) / load.window,
        "stream_commands": commands / load.streams,
        "stream_traffic": traffic / load.streams,
        "token_bytes": seen["bytes"] / seen["tokens"],
        "idle_memory": idle,
        "memory": seen["memory"],
        "stream_memory": (seen["memory"] - idle) / load.streams * 1000,
    }


def _read(port: int, load: Load, measured: tuple[psutil.Process, ...]) -> dict[str, Any]:
    """What the readers saw; CPU seconds of these processes in the window, and the memory of the first at its end."""
    reading = [sys.executable, "-m", "benchmarks.readers"]
    with subprocess.Popen(
        [*reading, *map(str, (port, load.streams, load.ramp, load.window))], stdout=subprocess.PIPE, text=True
    ) as readers:
        try:
            assert readers.stdout is not None
            members = (*measured, psutil.Process(readers.pid))
            tokens, cpu = -int(readers.stdout.readline()), [-cpu_seconds(member) for member in members]
            tokens += int(readers.stdout.readline())
            cpu = [spent + cpu_seconds(member) for spent, member in zip(cpu, members, strict=True)]
            memory = memory_mb(measured[0]) if measured else 0.0
            seen = json.loads(readers.stdout.readline())
        finally:
            readers.kill()
    return {**seen, "window_tokens": tokens, "cpu": cpu[:-1], "readers_cpu": cpu[-1], "memory": memory}


@contextmanager
def _token_server(load: Load) -> Iterator[Process]:
    port = free_port()
    command = ("-m", "benchmarks.token_server", *map(str, (port, load.seconds, load.rate)))
    server = Process(sys.executable, *command, port=port)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _warm_server(load: Load, upstream: Process) -> Iterator[Server]:
    """One instance before a token server, each of its workers as after its first minutes."""
    server = Server(
        workers=load.workers,
        DEBUG="0",
        LOG_LEVEL="info",
        AI_SERVICE_URL=f"http://{HOST}:{upstream.port}",
        AI_DEADLINE_CHAT=str(load.seconds * 2),
        AI_MAX_CONCURRENCY=str(load.streams),  # workers don't get just the same number of people
    )
    try:
        _warm_up(server, WARMING * load.workers)
        yield server
    finally:
        server.stop()


def _warm_up(server: Server, people: int) -> None:
    """They are given short answers."""

    def ask(number: int) -> None:
        question, headers = {"message": f"{SHORT} {number}"}, {"X-Forwarded-Proto": "https"}
        requests.post(f"{server.url}/api/chat/stream", json=question, headers=headers, timeout=60).raise_for_status()

    with ThreadPoolExecutor(people) as crowd:
        list(crowd.map(ask, range(people)))
