"""Being told to stop: nobody is cut off, everybody can see it, and it ends."""

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
from tests.server import Server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

STREAMS = 50
DONE = b"data: [DONE]\n\n"


@pytest.fixture
def instance(ai: StandIn, transactional_db: None) -> Iterator[Server]:
    """Two workers that need not wait for any load balancer."""
    server = Server(workers=2, DRAIN_SECONDS="0")
    yield server
    server.stop()


class Reader:
    """Somebody who reads an answer while it is written, from its first byte on."""

    def __init__(self, url: str, number: int) -> None:
        self.reply = requests.post(
            f"{url}/api/chat/stream",
            json={"message": f"Comment demander la PCH, cas {number} ?"},
            stream=True,
            timeout=60,
        )

    def to_the_end(self) -> bytes:
        return self.reply.content


def begin(server: Server, pool: ThreadPoolExecutor) -> list[Future[bytes]]:
    readers = list(pool.map(lambda number: Reader(server.url, number), range(STREAMS)))
    return [pool.submit(reader.to_the_end) for reader in readers]


def readiness(server: Server) -> int | None:
    """What /readyz says on a connection of its own; None when nobody answers any more."""
    try:
        return server.get("/readyz").status_code
    except requests.ConnectionError:
        return None


def tell_to_stop(server: Server) -> None:
    """Send the signal, and return when it has come: a moment later, on a busy machine."""
    os.kill(server.process.child.pid, signal.SIGTERM)
    eventually(lambda: readiness(server) == 503, 2)


def test_streams_end_while_readyz_says_no_all_along(instance, ai):
    ai.pace(25)
    assert readiness(instance) == 200
    with ThreadPoolExecutor(STREAMS) as pool:
        streams = begin(instance, pool)
        tell_to_stop(instance)
        said = []
        while not all(stream.done() for stream in streams):
            said.append(readiness(instance))
            time.sleep(0.05)
        assert all(stream.result().endswith(DONE) for stream in streams)
    # The last look may come when the last stream has just ended and the door is closed.
    assert set(said[:-1]) == {503}
    assert len(said) > 5
    assert instance.process.child.wait(10) == 0


def test_who_comes_while_it_drains_is_served_and_told_to_connect_anew(instance, ai):
    ai.pace(25)
    with Reader(instance.url, 0).reply as stream:
        tell_to_stop(instance)
        late = instance.ask("Qu'est-ce qu'un SESSAD ?")
        assert late.status_code == 200
        assert late.headers["Connection"] == "close"
        assert stream.content.endswith(DONE)
    assert instance.process.child.wait(15) == 0


def test_load_balancers_are_given_time_to_notice(ai, transactional_db):
    server = Server(DRAIN_SECONDS="2")
    began = time.monotonic()
    os.kill(server.process.child.pid, signal.SIGTERM)
    while (said := readiness(server)) is not None:
        assert said == 503
        time.sleep(0.05)
    assert time.monotonic() - began >= 2
    assert server.process.child.wait(10) == 0


def test_connections_kept_open_for_a_next_request_do_not_delay_the_end(instance):
    idle = requests.Session()
    idle.get(f"{instance.url}/healthz", timeout=10)
    mute = socket.create_connection(("127.0.0.1", instance.port))
    began = time.monotonic()
    os.kill(instance.process.child.pid, signal.SIGTERM)
    assert instance.process.child.wait(20) == 0
    assert time.monotonic() - began < 10  # they may stay for 75 s otherwise
    mute.close()
    assert not [line for line in instance.lines() if '"error"' in line or "Traceback" in line]


def test_an_answer_that_is_read_on_another_instance_is_written_to_its_end(instance, ai):
    here, there = instance, Server()
    ai.pace(10)
    question = {"message": "Comment demander la PCH ?"}
    with requests.post(f"{here.url}/api/chat/stream", json=question, stream=True, timeout=60) as first:
        next(first.iter_lines())
        second = requests.post(f"{there.url}/api/chat/stream", json=question, stream=True, timeout=60).iter_lines()
        next(second)
    # Here nobody reads any more: but here it is written.
    tell_to_stop(here)
    said = [line for line in second if line]
    assert said[-1] == DONE.strip()
    assert b'"ending":"stop"' in said[-2]
    assert ai.calls == 1
    there.stop()


def test_a_worker_that_is_renewed_alone_does_not_make_the_instance_unready(instance, ai):
    ai.pace(25)
    arbiter = psutil.Process(instance.process.child.pid)
    old = {child.pid for child in arbiter.children()}
    with Reader(instance.url, 0).reply as stream:
        arbiter.send_signal(signal.SIGHUP)
        said = set()
        ended = threading.Event()
        threading.Thread(target=lambda: (stream.content, ended.set()), daemon=True).start()
        while not ended.wait(0.05):
            said.add(readiness(instance))
        assert stream.content.endswith(DONE)
    assert said == {200}
    eventually(lambda: not any(map(psutil.pid_exists, old)), 20)
