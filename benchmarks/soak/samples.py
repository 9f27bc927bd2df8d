"""What is measured: each worker from outside, and what Redis, PostgreSQL and the stand-in AI know of them."""

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

from chat.drill.parts import HOST
from chat.drill.stage import Stage

MEGABYTE = 1024 * 1024
NOBODY_WAITS_SECONDS = 3.0  # an outage's sample lacks what is away


@dataclass(frozen=True, slots=True)
class Sample:
    """At one moment, in unix seconds: a value for each row of the report; what could not be asked is missing."""

    at: float
    values: Mapping[str, float]


class Sampler:
    """A `with` block during which a sample is taken every so many seconds; `samples` grows.

    Each one gives what Redis keeps `life` seconds to live, if it had longer: so a few minutes see many generations of
    what in production lives for ten minutes (an answer's log), an hour (the counts of a minute) or days (answers), and
    their number must be flat, too. What has no end of its life is left alone, and is seen to grow.
    """

    def __init__(self, stage: Stage, every: float, life: float) -> None:
        self.samples: list[Sample] = []
        self._stage = stage
        self._every = every
        self._life_ms = int(life * 1000)
        self._workers = _workers(stage)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="samples", daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def replaced(self) -> list[str]:
        """The workers that are not there any more."""
        return [name for name, worker in self._workers.items() if not worker.is_running()]

    def take(self) -> Sample:
        return Sample(time.time(), dict(self._values()))

    def under_way(self) -> dict[str, float]:
        """What must be nothing once nobody asks any more."""
        in_flight = sum(_gauge(instance.url, "bff_http_in_flight") for instance in self._stage.instances)
        return {
            "requests in flight": in_flight - len(self._stage.instances),  # each scrape is one itself
            "streams being sent": sum(_gauge(instance.url, "bff_streams_active") for instance in self._stage.instances),
            "calls open at the AI": self._stage.ai.open_calls,
        }

    def _run(self) -> None:
        while not self._over.wait(self._every):
            self.samples.append(self.take())

    def _values(self) -> Iterator[tuple[str, float]]:
        connections: Counter[str] = Counter({"connections to Redis": 0, "connections to the AI": 0})
        servers = {self._stage.redis.port: "connections to Redis", self._stage.ai_port: "connections to the AI"}
        for name, worker in self._workers.items():
            with suppress(psutil.Error):
                yield f"memory of {name}, MB", worker.memory_full_info().uss / MEGABYTE
                yield f"descriptors of {name}", worker.num_fds()
                yield f"threads of {name}", worker.num_threads()
                yield f"child processes of {name}", len(worker.children(recursive=True))
                connections.update(
                    servers[at.raddr.port]
                    for at in worker.net_connections("tcp")
                    if at.raddr and at.raddr.port in servers
                )
        yield from connections.items()
        with suppress(RedisError):
            yield from self._redis()
        with suppress(psycopg.OperationalError):
            yield from self._postgres()

    def _redis(self) -> list[tuple[str, float]]:
        with Redis(HOST, self._stage.redis.port, socket_timeout=NOBODY_WAITS_SECONDS) as redis:
            used = redis.info("memory")["used_memory"] / MEGABYTE
            keys = list(redis.scan_iter(count=1000))
            left = _each(redis, "pttl", keys)
            long_lived = [key for key, milliseconds in zip(keys, left, strict=True) if milliseconds > self._life_ms]
            _each(redis, "pexpire", long_lived, self._life_ms)
        return [("Redis: keys", len(keys)), ("Redis: keys that never end", left.count(-1)), ("Redis: memory, MB", used)]

    def _postgres(self) -> list[tuple[str, float]]:
        with psycopg.connect(self._stage.postgres.address, connect_timeout=2) as connection:
            connections, pending = connection.execute(
                """
                SELECT (SELECT count(*) FROM pg_stat_activity
                         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
                       (SELECT count(*) FROM chat_message WHERE status = 'pending')
                """
            ).fetchone() or (0, 0)
        return [("connections to PostgreSQL", connections), ("answers marked pending", pending)]


def _workers(stage: Stage) -> dict[str, psutil.Process]:
    """Those of the first instance are a1 and a2, that of the second one is b1."""
    return {
        f"{name}{number}": worker
        for name, instance in zip("ab", stage.instances, strict=True)
        for number, worker in enumerate(psutil.Process(instance.child.pid).children(), start=1)
    }


def _each(redis: Redis, command: str, keys: list[bytes], *more: int) -> list[int]:
    """One answer for each key, in one trip."""
    pipe = redis.pipeline(transaction=False)
    for key in keys:
        pipe.execute_command(command, key, *more)
    return pipe.execute()


def _gauge(url: str, name: str) -> float:
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(f"{url}/metrics", timeout=10).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page if line.startswith(f"{name} "))
