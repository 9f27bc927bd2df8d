"""Graceful shutdown: no response is cut off, /readyz reports it, and the process exits."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

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

    def read_all(self) -> bytes:
        return self.reply.content


def start_streams(server: Server, pool: ThreadPoolExecutor) -> list[Future[bytes]]:
    readers = list(pool.map(lambda number: Reader(server.url, number), range(STREAMS)))
    return [pool.submit(reader.read_all) for reader in readers]


def readiness(server: Server) -> int | None:
    """The status of /readyz on a new connection; None if the connection is refused."""
    try:
        return server.get("/readyz").status_code
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
