"""Two instances behind a real nginx, with the configuration that docs/deploy gives."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
import requests

from ai_service.control import StandIn
from bff.ports import is_taken
from tests.deploy.front import Front
from tests.server import Server
from tests.services import HOST

pytestmark = pytest.mark.django_db(transaction=True)

DONE = b"data: [DONE]\n\n"


@pytest.fixture
def instances(ai: StandIn, transactional_db: None) -> Iterator[tuple[Server, Server]]:
    env = {"TRUSTED_PROXIES": "1", "DRAIN_SECONDS": "1", "RATE_LIMIT_DEFAULT": "1/minute"}
    pair = Server(**env), Server(**env)
    yield pair
    for instance in pair:
        instance.stop()


@pytest.fixture
def front(instances: tuple[Server, Server], tmp_path) -> Iterator[Front]:
    running = Front(tmp_path, [instance.port for instance in instances])
    yield running
    running.stop()


@dataclass
class Crowd:
    """People who ask one thing after the other, half of them as a stream; each question is asked once."""

    front: Front
    statuses: list[int] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def person(self) -> None:
        session = self.front.visitor()
        while not self.is_over.is_set():
            number = next(self._numbers)
            session.cookies.clear()  # somebody new: there is no CSRF token to bring along
            try:
                self.ask(session, number, as_stream=number % 2 == 0)
            except requests.RequestException as error:
                self.cut.append(type(error).__name__)

    def ask(self, session: requests.Session, number: int, *, as_stream: bool) -> None:
        path = "stream" if as_stream else "message"
        reply = session.post(f"{self.front.url}/api/chat/{path}", json={"message": f"Question {number} ?"}, timeout=60)
        self.statuses.append(reply.status_code)
        if as_stream and reply.ok and not reply.content.endswith(DONE):
            self.cut.append("no end")


def test_a_rolling_restart_under_load_is_noticed_by_nobody(front, instances, ai):
    ai.pace(40)
    crowd = Crowd(front)
    with ThreadPoolExecutor(8) as people:
        asking = [people.submit(crowd.person) for _ in range(8)]
        try:
            for instance in instances:
                asked_before = len(crowd.statuses)
                instance.process.leave()
                assert instance.process.child.returncode == 0
                instance.process.start()
                assert len(crowd.statuses) > asked_before
        finally:
            crowd.is_over.set()
        for person in asking:
            person.result()
    assert set(crowd.statuses) == {200}
    assert crowd.cut == []
    assert len(crowd.statuses) > 20


def test_of_an_instance_that_is_killed_only_the_requests_in_flight_suffer(front, instances, ai):
    ai.pace(12)
    doomed, other = instances
    with ThreadPoolExecutor(20) as people:
        streams = list(people.map(lambda number: begin(front, number), range(20)))
        lost = active_streams(doomed)
        assert lost > 0
        assert active_streams(other) == 20 - lost
        rest = [people.submit(is_whole, stream) for stream in streams]
        kill(doomed)
        # Whoever comes now is served, at once: a connection that is refused is made elsewhere.
        after = [front.visitor().post(f"{front.url}/api/chat/message", json={"message": "Bonjour"}) for _ in range(10)]
        assert {reply.status_code for reply in after} == {200}
        assert [stream.result() for stream in rest].count(False) == lost
    assert ai.calls == 20 + 1  # no POST was repeated; the greeting was asked once


def test_who_is_left_alone_is_asked_when_there_is_nobody_else(front, instances):
    first, second = instances
    is_over = threading.Event()

    def keep_asking() -> None:
        while not is_over.wait(0.05):
            front.visitor().get(f"{front.url}/healthz", timeout=10)

    with ThreadPoolExecutor(1) as people:
        asking = people.submit(keep_asking)
        try:
            kill(first)
            first.process.start()
            kill(second)
            replies = [front.visitor().get(f"{front.url}/healthz", timeout=10) for _ in range(10)]
        finally:
            is_over.set()
        asking.result()
    assert [reply.status_code for reply in replies] == [200] * 10


def kill(instance: Server) -> None:
    instance.process.kill()
    while is_taken(HOST, instance.port):  # its workers take a moment to die, their queue is in flight, too
        time.sleep(0.01)


def begin(front: Front, number: int) -> requests.Response:
    message = {"message": f"Comment demander la PCH, cas {number} ?"}
    return front.visitor().post(f"{front.url}/api/chat/stream", json=message, stream=True, timeout=60)


def is_whole(stream: requests.Response) -> bool:
    try:
        return stream.content.endswith(DONE)
    except requests.RequestException:
        return False


def active_streams(instance: Server) -> int:
    scrape = instance.get("/metrics").text
    (line,) = [line for line in scrape.splitlines() if line.startswith("bff_streams_active ")]
    return int(float(line.split()[1]))


def test_the_road_through_it(front, instances, ai):
    """Streams as they come, the person's own address, one id for all that a request causes, and what is kept away."""
    ai.pace(15)
    pieces = [time.monotonic() for _ in begin(front, 0).iter_content(None)]
    assert len(pieces) > 5
    assert pieces[-1] - pieces[0] > 0.5

    reply = front.visitor().post(f"{front.url}/api/chat/message", json={"message": "Qu'est-ce que la MDPH ?"})
    correlation_id = reply.headers["X-Correlation-ID"]
    call = next(call for call in ai.requests if call["headers"]["x-correlation-id"] == correlation_id)
    assert call["headers"]["traceparent"].split("-")[1] == correlation_id

    # A visitor without a cookie is limited by the address that nginx saw, whatever they write: twenty times one's own.
    lies = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(21)]
    got = [front.visitor().get(f"{front.url}/api/chat/conversations", headers=lie).status_code for lie in lies]
    assert got == [200] * 20 + [429]

    assert front.visitor().get(f"{front.url}/metrics").status_code == 404
    assert front.visitor().get(f"{front.url}/admin/login/").status_code == 200
    too_large = {"message": "a" * 2 * 1024 * 1024}
    assert front.visitor().post(f"{front.url}/api/chat/message", json=too_large).status_code == 413

    for instance in instances:
        instance.process.kill()
    away = front.visitor().get(f"{front.url}/readyz")
    assert (away.status_code, away.headers["Content-Type"]) == (503, "application/problem+json")
    assert away.json()["correlationId"]
