"""What one Redis and the three shards of a cluster spend on open streams: the busiest server is the limit.

Each stream is a new message with an answer of 30 s at 10 tokens/s, from its first command to its last. Nothing else
uses these servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from benchmarks.harness.progress import print_progress
from benchmarks.reports.capacity import UTILISATION
from benchmarks.scenarios.streams import StreamLoad, read, token_server, warm_server
from benchmarks.systems.endpoints import cpu_seconds
from tests.support.processes import HOST, Process, free_port, start_redis
from tests.support.redis_cluster import RedisCluster

LOAD = StreamLoad(streams=300, seconds=30)


def measure(load: StreamLoad = LOAD) -> None:
    """Print the CPU of each server a stream, and the open streams at which the busiest is UTILISATION busy."""
    print("| Redis | CPU ms a stream, each server | busiest | open streams, 70% of its core | failed |", flush=True)
    print("| --- | --- | ---: | ---: | ---: |", flush=True)
    for name, servers in (("one server", _one_server()), ("a cluster of three shards", _cluster())):
        with servers as (url, processes), token_server(load) as upstream:
            print_progress(f"{load}, {name}")
            with warm_server(load, upstream, REDIS_URL=url) as server:
                before = [cpu_seconds(process) for process in processes]
                failed = read(server.port, load, ())["failed"]
                spent = [cpu_seconds(process) - start for process, start in zip(processes, before, strict=True)]
        each = [seconds / load.streams * 1000 for seconds in spent]
        limit = UTILISATION * load.seconds / (max(each) / 1000)
        shown = " · ".join(f"{milliseconds:.2f}" for milliseconds in each)
        print(f"| {name} | {shown} | {max(each):.2f} | {limit:,.0f} | {failed} |", flush=True)


@contextmanager
def _one_server() -> Iterator[tuple[str, list[psutil.Process]]]:
    server = start_redis(free_port())
    try:
        yield f"redis://{HOST}:{server.port}/0", [_process(server)]
    finally:
        server.stop()


@contextmanager
def _cluster() -> Iterator[tuple[str, list[psutil.Process]]]:
    cluster = RedisCluster(replicas=False)
    try:
        yield cluster.url, [_process(node) for node in cluster.nodes]
    finally:
        cluster.stop()


def _process(server: Process) -> psutil.Process:
    return psutil.Process(server.child.pid)
