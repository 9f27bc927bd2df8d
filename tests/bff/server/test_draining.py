"""Graceful shutdown: no response is cut off, /readyz reports it, and the process exits."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import psutil
import pytest
import requests

from ai_service.control import StandIn
from tests.support.polling import eventually
from tests.support.server import Server

pytestmark = pytest.mark.django_db(transaction=True)

STREAMS = 50
DONE = b"data: [DONE]\n\n"


@pytest.fixture
def instance(ai: StandIn, transactional_db: None) -> Iterator[Server]:
    """A server with two workers and no minimum draining time."""
    server = Server(workers=2, DRAIN_SECONDS="0")
    yield server
    server.stop()


class Reader:
    """A client that reads a stream from its first byte on."""

    def __init__(self, url: str, number: int) -> None:
        self.reply = requests.post(
            f"{url}/api/chat/stream",
            json={"message": f"Comment demander la PCH, cas {number} ?"},
            stream=True,
            timeout=60,
        )
        self.reply.raise_for_status()

    def read_all(self) -> bytes:
        return self.reply.content


def start_streams(server: Server, pool: ThreadPoolExecutor) -> list[Future[bytes]]:
    readers = list(pool.map(lambda number: Reader(server.url, number), range(STREAMS)))
    return [pool.submit(reader.read_all) for reader in readers]


def readiness(server: Server) -> int | None:
    return status_of(server, "/readyz")


def status_of(server: Server, path: str) -> int | None:
    """The status of a request on a new connection; None if the connection is refused or closed."""
    try:
        return server.get(path).status_code
    except requests.ConnectionError:
        return None


def send_sigterm(server: Server) -> None:
    """Send the signal and wait until draining has started."""
    os.kill(server.process.child.pid, signal.SIGTERM)
    eventually(lambda: readiness(server) == 503, 2)


def test_streams_run_to_their_end_while_readyz_returns_503(instance, ai):
    ai.pace(25)
    assert readiness(instance) == 200
    with ThreadPoolExecutor(STREAMS) as pool:
        streams = start_streams(instance, pool)
        send_sigterm(instance)
        statuses = []
        while not all(stream.done() for stream in streams):
            statuses.append(readiness(instance))
            if statuses[-1] is None:  # the last stream has ended, but its reader may not have noticed yet
                eventually(lambda: all(stream.done() for stream in streams), 2)
            time.sleep(0.05)
        assert all(stream.result().endswith(DONE) for stream in streams)
    assert set(statuses[:-1]) == {503}
    assert len(statuses) > 5
    assert instance.process.child.wait(10) == 0


def test_requests_during_draining_are_served_and_their_connections_closed(instance, ai):
    ai.pace(25)
    with Reader(instance.url, 0).reply as stream:
        send_sigterm(instance)
        late = instance.ask("Qu'est-ce qu'un SESSAD ?")
        assert late.status_code == 200
        assert late.headers["Connection"] == "close"
        assert stream.content.endswith(DONE)
    assert instance.process.child.wait(15) == 0


def test_draining_lasts_at_least_drain_seconds(ai, transactional_db):
    server = Server(DRAIN_SECONDS="2")
    began = time.monotonic()
    os.kill(server.process.child.pid, signal.SIGTERM)
    while (status := readiness(server)) is not None:
        assert status == 503
        time.sleep(0.05)
    assert time.monotonic() - began >= 2
    assert server.process.child.wait(10) == 0


def test_idle_connections_do_not_delay_the_shutdown(instance):
    idle = requests.Session()
    idle.get(f"{instance.url}/healthz", timeout=10)
    silent = socket.create_connection(("127.0.0.1", instance.port))
    began = time.monotonic()
    os.kill(instance.process.child.pid, signal.SIGTERM)
    assert instance.process.child.wait(20) == 0
    assert time.monotonic() - began < 10  # keepalive is 75 s
    silent.close()
    assert not [line for line in instance.lines() if '"error"' in line or "Traceback" in line]


def test_an_answer_with_readers_on_another_instance_is_completed(instance, ai):
    here, there = instance, Server()
    ai.pace(10)
    question = {"message": "Comment souffler un peu ?"}  # the entry's own, so it is shared
    with requests.post(f"{here.url}/api/chat/stream", json=question, stream=True, timeout=60) as first:
        next(first.iter_lines())
        second = requests.post(f"{there.url}/api/chat/stream", json=question, stream=True, timeout=60).iter_lines()
        next(second)
    # The answer is produced here, but only read there.
    send_sigterm(here)
    lines = [line for line in second if line]
    assert lines[-1] == DONE.strip()
    assert b'"ending":"stop"' in lines[-2]
    assert ai.calls == 1
    there.stop()


def test_reloading_the_workers_keeps_the_instance_ready(instance, ai):
    ai.pace(25)
    arbiter = psutil.Process(instance.process.child.pid)
    old = {child.pid for child in arbiter.children()}
    with Reader(instance.url, 0).reply as stream:
        arbiter.send_signal(signal.SIGHUP)
        statuses = set()
        ended = threading.Event()

        def read() -> None:
            assert stream.content
            ended.set()

        threading.Thread(target=read, daemon=True).start()
        while not ended.wait(0.05):
            statuses.add(readiness(instance))
        assert stream.content.endswith(DONE)
    assert statuses == {200}
    eventually(lambda: not any(map(psutil.pid_exists, old)), 20)


def test_a_worker_that_stops_serves_the_connections_that_it_has_just_accepted(instance):
    arbiter = psutil.Process(instance.process.child.pid)
    old = arbiter.children()
    statuses = []

    def keep_asking() -> None:
        while any(worker.is_running() for worker in old):
            statuses.append(status_of(instance, "/healthz"))

    with ThreadPoolExecutor(16) as pool:
        clients = [pool.submit(keep_asking) for _ in range(16)]
        arbiter.send_signal(signal.SIGHUP)
        for client in clients:
            client.result()
    assert set(statuses) == {200}
    assert not [line for line in instance.lines() if "Bad file descriptor" in line]


class FullWorkers:
    """Two workers that have reached `max_requests`, each with a stream that runs for some ten seconds."""

    def __init__(self, ai: StandIn, open_streams: ExitStack) -> None:
        self.server = Server(workers=2, GUNICORN_CMD_ARGS="--max-requests 30 --max-requests-jitter 0")
        open_streams.callback(self.server.stop)
        self.arbiter = psutil.Process(self.server.process.child.pid)
        self.workers = self.arbiter.children()
        ai.pace(5)
        self.streams: list[requests.Response] = []
        while not all(self._is_streaming(worker) for worker in self.workers):
            reader = Reader(self.server.url, len(self.streams))
            self.streams.append(open_streams.enter_context(reader.reply))
        while len([line for line in self.server.lines() if "Autorestarting worker" in line]) < 2:
            self.ask()

    def ask(self) -> None:
        assert requests.get(f"{self.server.url}/healthz", timeout=3).status_code == 200

    @property
    def listening(self) -> list[psutil.Process]:
        return [worker for worker in self.workers if self._has(worker, psutil.CONN_LISTEN)]

    def have_ended(self) -> bool:
        return self.ended == len(self.workers)

    @property
    def ended(self) -> int:
        return len([worker for worker in self.workers if not worker.is_running()])

    @property
    def started(self) -> int:
        """How many workers have begun to serve, successors among them."""
        return len([line for line in self.server.lines() if "Knowledge base loaded" in line])

    def _is_streaming(self, worker: psutil.Process) -> bool:
        return self._has(worker, psutil.CONN_ESTABLISHED)

    def _has(self, worker: psutil.Process, status: str) -> bool:
        try:
            connections = worker.net_connections("tcp")
        except psutil.NoSuchProcess:
            return False
        return any(each.status == status for each in connections if each.laddr.port == self.server.port)


@pytest.fixture
def full(ai: StandIn, transactional_db: None) -> Iterator[FullWorkers]:
    with ExitStack() as open_streams:
        yield FullWorkers(ai, open_streams)


def test_workers_that_reach_max_requests_together_are_replaced_one_after_the_other(full):
    while full.listening:
        full.ask()
        assert full.listening or full.ended
        time.sleep(0.02)
    assert all(stream.content.endswith(DONE) for stream in full.streams)
    eventually(full.have_ended, 20)
    assert full.server.get("/healthz").status_code == 200


def test_the_next_worker_serves_on_while_the_successor_of_the_last_starts(full):
    eventually(lambda: full.ended, 20)
    while full.started < 3:
        assert len(full.listening) == 1
        time.sleep(0.1)
    eventually(full.have_ended, 20)


def test_a_worker_that_waits_to_be_replaced_stops_at_a_signal(full):
    eventually(lambda: len(full.listening) == 1, 2)
    full.arbiter.send_signal(signal.SIGHUP)
    eventually(lambda: not full.listening, 8)
    assert all(worker.is_running() for worker in full.workers)  # the streams of both go on
    assert all(stream.content.endswith(DONE) for stream in full.streams)
    eventually(full.have_ended, 20)
