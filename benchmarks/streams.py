"""Many streams at a time: what one relayed token costs, and how late it is.

The upstream and the readers are processes of their own that do next to nothing. Token lag and the time to the first
token are what the readers see; CPU is that of the workers and of the Redis beside them, while all are reading.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import psutil
import requests

from benchmarks.contenders import cpu_seconds
from chat.drill.parts import HOST, Process, free_port
from tests.server import Server


@dataclass(frozen=True, slots=True)
class Load:
    """How many streams, how long each and how many tokens a second in it."""

    streams: int = 1000
    seconds: float = 30.0
    rate: float = 10.0
    workers: int = 2

    @property
    def ramp(self) -> float:
        """Seconds over which people arrive: all are there for the last third of the first answer."""
        return self.seconds * 2 / 3

    @property
    def window(self) -> float:
        """Seconds in which CPU and tokens are counted."""
        return (self.seconds - self.ramp) * 0.8


def measure(load: Load) -> None:
    """Print the table."""
    server = _start(load)
    web, redis = psutil.Process(server.process.child.pid), _redis()
    idle = _memory(web)
    reading = [sys.executable, "-m", "benchmarks.readers"]
    with subprocess.Popen(
        [*reading, *map(str, (server.port, load.streams, load.ramp, load.window))], stdout=subprocess.PIPE, text=True
    ) as readers:
        assert readers.stdout is not None
        tokens, web_cpu, redis_cpu = -int(readers.stdout.readline()), -cpu_seconds(web), -cpu_seconds(redis)
        tokens += int(readers.stdout.readline())
        web_cpu, redis_cpu = web_cpu + cpu_seconds(web), redis_cpu + cpu_seconds(redis)
        memory = _memory(web) - idle
        seen = json.loads(readers.stdout.readline())
    server.stop()
    _report(
        load,
        {
            "failed streams": seen["failed"],
            "token lag p50, p99 (ms)": f"{seen['lag_p50_ms']}, {seen['lag_p99_ms']}",
            "to the first token p50, p99 (ms)": f"{seen['first_p50_ms']}, {seen['first_p99_ms']}",
            "CPU a token, workers (µs)": f"{web_cpu / tokens * 1e6:.0f}",
            "CPU a token, Redis (µs)": f"{redis_cpu / tokens * 1e6:.0f}",
            "memory a stream (KB)": f"{memory / load.streams / 1000:.0f}",
        },
    )


def _start(load: Load) -> Server:
    """One instance before a token server, each of its workers warm."""
    port = free_port()
    Process(sys.executable, "-m", "benchmarks.token_server", *map(str, (port, load.seconds, load.rate)), port=port)
    server = Server(
        workers=load.workers,
        DEBUG="0",
        LOG_LEVEL="info",
        AI_SERVICE_URL=f"http://{HOST}:{port}",
        AI_DEADLINE_CHAT=str(load.seconds * 2),
    )
    for number in range(10 * load.workers):
        question, headers = {"message": f"Bonjour {number}"}, {"X-Forwarded-Proto": "https"}
        url = f"{server.url}/api/chat/stream"
        with requests.post(url, json=question, headers=headers, stream=True, timeout=60) as reply:
            next(reply.iter_lines())
    return server


def _redis() -> psutil.Process:
    return next(child for child in psutil.Process().children() if "redis-server" in child.name())


def _memory(web: psutil.Process) -> int:
    """Bytes that the workers hold for themselves."""
    return sum(child.memory_full_info().uss for child in web.children(recursive=True))


def _report(load: Load, figures: dict[str, object]) -> None:
    print(
        f"\n{load.streams} streams of {load.rate:g} tokens/s for {load.seconds:g} s, {load.workers} workers, ", end=""
    )
    print(f"{psutil.cpu_count()} cores, load of the machine {os.getloadavg()[0]:.1f}\n")
    print("| stream | |\n| --- | ---: |")
    for name, value in figures.items():
        print(f"| {name} | {value} |")
