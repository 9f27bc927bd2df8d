"""Samples resources: the worker processes, and the statistics of Redis, PostgreSQL and the stand-in AI."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil
import psycopg
import requests
from redis import Redis
from redis.exceptions import RedisError

from benchmarks.drill.environment import Environment
from tests.support.processes import HOST

MEGABYTE = 1024 * 1024
REDIS_TIMEOUT_SECONDS = 3.0  # during an outage a sample lacks the values of Redis


@dataclass(frozen=True, slots=True)
class Sample:
    """The values at one time, in unix seconds, by row of the report. Values of unavailable services are missing."""

    at: float
    values: Mapping[str, float]


class Sampler:
    """A `with` block during which a sample is added to `samples` every `interval` seconds.

    Each sample also lowers the time to live of Redis keys to `ttl` seconds. Keys that live for ten minutes (run logs),
    an hour (counters) or days (answers) in production are thus replaced many times in a few minutes, so that their
    number must be constant. Keys without a time to live are not changed, so that their growth is visible.
    """

    def __init__(self, environment: Environment, interval: float, ttl: float) -> None:
        self.samples: list[Sample] = []
        self._environment = environment
        self._interval = interval
        self._ttl_ms = int(ttl * 1000)
        self._workers = _workers(environment)
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run, name="samples", daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        self._thread.join()

    @property
    def replaced(self) -> list[str]:
        """The workers that have exited since the start."""
        return [name for name, worker in self._workers.items() if not worker.is_running()]

    def take(self) -> Sample:
        return Sample(time.time(), dict(self._values()))

    def unfinished(self) -> dict[str, float]:
        """The counts that must be zero at rest."""
        in_flight = sum(_gauge(instance.url, "bff_http_in_flight") for instance in self._environment.instances)
        return {
            "requests in flight": in_flight - len(self._environment.instances),  # the scrapes themselves
            "streams being sent": sum(
                _gauge(instance.url, "bff_streams_active") for instance in self._environment.instances
            ),
            "calls open at the AI": self._environment.ai.open_calls,
        }

    def _run(self) -> None:
        while not self._finished.wait(self._interval):
            self.samples.append(self.take())

    def _values(self) -> Iterator[tuple[str, float]]:
        connections: Counter[str] = Counter({"connections to Redis": 0, "connections to the AI": 0})
        servers = {
            self._environment.redis.port: "connections to Redis",
            self._environment.ai_port: "connections to the AI",
        }
        for name, worker in self._workers.items():
            with suppress(psutil.Error):
                yield f"memory of {name}, MB", worker.memory_full_info().uss / MEGABYTE
                yield f"descriptors of {name}", worker.num_fds()
                yield f"threads of {name}", worker.num_threads()
                yield f"child processes of {name}", len(worker.children(recursive=True))
                connections.update(
                    servers[connection.raddr.port]
                    for connection in worker.net_connections("tcp")
                    if connection.raddr and connection.raddr.port in servers
                )
        yield from connections.items()
        with suppress(RedisError):
            yield from self._redis()
        with suppress(psycopg.OperationalError):
            yield from self._postgres()

    def _redis(self) -> list[tuple[str, float]]:
        with Redis(HOST, self._environment.redis.port, socket_timeout=REDIS_TIMEOUT_SECONDS) as redis:
            used = redis.info("memory")["used_memory"] / MEGABYTE
            keys = list(redis.scan_iter(count=1000))
            ttls = _for_each_key(redis, "pttl", keys)
            long_lived = [key for key, ttl in zip(keys, ttls, strict=True) if ttl > self._ttl_ms]
            _for_each_key(redis, "pexpire", long_lived, self._ttl_ms)
        return [("Redis: keys", len(keys)), ("Redis: keys that never end", ttls.count(-1)), ("Redis: memory, MB", used)]

    def _postgres(self) -> list[tuple[str, float]]:
        with psycopg.connect(self._environment.postgres.address, connect_timeout=2) as connection:
            connections, pending = connection.execute(
                """
                SELECT (SELECT count(*) FROM pg_stat_activity
                         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
                       (SELECT count(*) FROM chat_message WHERE status = 'pending')
                """
            ).fetchone() or (0, 0)
        return [("connections to PostgreSQL", connections), ("answers marked pending", pending)]


def _workers(environment: Environment) -> dict[str, psutil.Process]:
    """The workers by name: a1 and a2 of the first instance, b1 of the second."""
    return {
        f"{name}{number}": worker
        for name, instance in zip("ab", environment.instances, strict=True)
        for number, worker in enumerate(psutil.Process(instance.child.pid).children(), start=1)
    }


def _for_each_key(redis: Redis, command: str, keys: list[bytes], *more: int) -> list[int]:
    """Run the command for each key in one round trip."""
    pipe = redis.pipeline(transaction=False)
    for key in keys:
        pipe.execute_command(command, key, *more)
    return pipe.execute()


def _gauge(url: str, name: str) -> float:
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(f"{url}/metrics", timeout=10).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page if line.startswith(f"{name} "))
