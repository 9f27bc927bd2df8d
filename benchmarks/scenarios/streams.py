"""Many concurrent streams: CPU and lag of a relayed token.

The upstream and the readers are separate uvloop processes with little CPU cost. The readers measure token lag and the
time to the first token, once through chat-bff and once directly at the upstream; the difference is chat-bff's. CPU is
that of the workers and of Redis while all streams are being read.
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

from benchmarks.harness import backing_services
from benchmarks.harness.progress import print_progress
from benchmarks.harness.token_server import WARM_UP_QUESTION
from benchmarks.systems.endpoints import cpu_seconds, memory_mb
from tests.support.processes import HOST, Process, free_port
from tests.support.server import Server

DIRECT_SECONDS = 6.0
WARM_UP_CLIENTS = 50  # concurrent clients per worker before the measurement, to fill the pools


@dataclass(frozen=True, slots=True)
class StreamLoad:
    """The number of streams, their duration in seconds, and their tokens a second."""

    streams: int = 1000
    seconds: float = 30.0
    rate: float = 10.0
    workers: int = 2

    @property
    def ramp(self) -> float:
        """Seconds in which the streams are opened: all are open in the last quarter of the first one."""
        return self.seconds * 3 / 4

    @property
    def window(self) -> float:
        """Seconds during which CPU and tokens are counted."""
        return (self.seconds - self.ramp) * 0.8

    def __str__(self) -> str:
        return f"{self.streams:,} × {self.rate:g} tokens/s"


# 2,000 streams are opened in 30 s, the rate at which 2,000 readers of 30 s answers return.
LOADS = (StreamLoad(), StreamLoad(streams=2000, seconds=40), StreamLoad(rate=25, seconds=20))


def measure(loads: tuple[StreamLoad, ...] = LOADS) -> list[dict[str, Any]]:
    """The figures of each load: times in ms, CPU in µs, memory in MB."""
    return [_measure(load) for load in loads]


def _measure(load: StreamLoad) -> dict[str, Any]:
    print_progress(f"{load}, read directly at the token server")
    with token_server(replace(load, seconds=DIRECT_SECONDS)) as upstream:
        direct = read(upstream.port, replace(load, seconds=DIRECT_SECONDS), ())
    print_progress(f"{load}, through {load.workers} workers")
    with token_server(load) as upstream, warm_server(load, upstream) as server:
        web, ai = psutil.Process(server.process.child.pid), psutil.Process(upstream.child.pid)
        idle, before = memory_mb(web), backing_services.redis_traffic()
        outages_before = _logged_outages(server)
        through = read(server.port, load, (web, backing_services.redis(), ai))
        commands, traffic = (
            after - start for after, start in zip(backing_services.redis_traffic(), before, strict=True)
        )
        outages = _logged_outages(server) - outages_before
    web_cpu, redis_cpu, token_server_cpu = through["cpu"]
    return {
        "load": str(load),
        "streams": load.streams,
        "rate": load.rate,
        "workers": load.workers,
        "failed": through["failed"] + outages,
        "unsaved": through["unsaved"],
        "degraded": through["degraded"],
        "outages": outages,
        "tokens_per_second": through["window_tokens"] / load.window,
        "lag_p50": through["lag_p50"],
        "lag_p99": through["lag_p99"],
        "direct_lag_p50": direct["lag_p50"],
        "direct_lag_p99": direct["lag_p99"],
        "first_p50": through["first_p50"] - direct["first_p50"],
        "first_p99": through["first_p99"] - direct["first_p99"],
        "token_cpu": web_cpu / through["window_tokens"] * 1e6,
        "token_redis_cpu": redis_cpu / through["window_tokens"] * 1e6,
        "cores": web_cpu / load.window,
        "instrument_cores": (token_server_cpu + through["readers_cpu"]) / load.window,
        "stream_commands": commands / load.streams,
        "stream_traffic": traffic / load.streams,
        "token_bytes": through["bytes"] / through["tokens"],
        "idle_memory": idle,
        "memory": through["memory"],
        "stream_memory": (through["memory"] - idle) / load.streams * 1000,
    }


def _logged_outages(server: Server) -> int:
    """How many times a worker has logged Redis or PostgreSQL as unavailable. Both are healthy here."""
    return sum('"Dependency unavailable"' in line for line in server.lines())


def read(port: int, load: StreamLoad, measured: tuple[psutil.Process, ...]) -> dict[str, Any]:
    """The readers' results, the processes' CPU seconds in the window, and the first one's memory at its end."""
    command = [sys.executable, "-m", "benchmarks.harness.stream_readers"]
    with subprocess.Popen(
        [*command, *map(str, (port, load.streams, load.ramp, load.window))], stdout=subprocess.PIPE, text=True
    ) as readers:
        try:
            assert readers.stdout is not None
            members = (*measured, psutil.Process(readers.pid))
            tokens, cpu = -int(readers.stdout.readline()), [-cpu_seconds(member) for member in members]
            tokens += int(readers.stdout.readline())
            cpu = [spent + cpu_seconds(member) for spent, member in zip(cpu, members, strict=True)]
            memory = memory_mb(measured[0]) if measured else 0.0
            results = json.loads(readers.stdout.readline())
        finally:
            readers.kill()
    return {**results, "window_tokens": tokens, "cpu": cpu[:-1], "readers_cpu": cpu[-1], "memory": memory}


@contextmanager
def token_server(load: StreamLoad) -> Iterator[Process]:
    port = free_port()
    command = ("-m", "benchmarks.harness.token_server", *map(str, (port, load.seconds, load.rate)))
    server = Process(sys.executable, *command, port=port)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def warm_server(load: StreamLoad, upstream: Process, **env: str) -> Iterator[Server]:
    """One instance in front of a token server, with its workers warmed up; `env` overrides its settings."""
    server = Server(
        workers=load.workers,
        DEBUG="0",
        LOG_LEVEL="info",
        AI_SERVICE_URL=f"http://{HOST}:{upstream.port}",
        AI_DEADLINE_CHAT=str(load.seconds * 2),
        AI_MAX_CONCURRENCY=str(load.streams),  # the kernel does not balance connections evenly
        **env,
    )
    try:
        _warm_up(server, WARM_UP_CLIENTS * load.workers)
        yield server
    finally:
        server.stop()


def _warm_up(server: Server, clients: int) -> None:
    """Request short answers concurrently."""

    def send(number: int) -> None:
        question, headers = {"message": f"{WARM_UP_QUESTION} {number}"}, {"X-Forwarded-Proto": "https"}
        requests.post(f"{server.url}/api/chat/stream", json=question, headers=headers, timeout=60).raise_for_status()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(send, range(clients)))
