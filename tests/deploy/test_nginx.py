"""Two instances behind a real nginx with the configuration of docs/deploy."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import requests

from ai_service.control import StandIn
from bff.dev.services import is_taken
from tests.deploy.nginx import NginxProxy
from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.services import HOST

pytestmark = pytest.mark.django_db(transaction=True)

DONE = b"data: [DONE]\n\n"
MEGABYTE = 1024 * 1024
LARGEST_FILE = "/static/ninja/redoc.standalone.js.map"  # 3 MB: more than the buffers of nginx and the sockets hold


@pytest.fixture
def instances(ai: StandIn, few_entries: None) -> Iterator[tuple[Server, Server]]:
    env: dict[str, Any] = {"TRUSTED_PROXIES": "1", "DRAIN_SECONDS": "1", "RATE_LIMIT_DEFAULT": "1/minute"}
    pair = Server(**env), Server(**env)
    yield pair
    for instance in pair:
        instance.stop()


@pytest.fixture
def proxy(instances: tuple[Server, Server], tmp_path) -> Iterator[NginxProxy]:
    running = NginxProxy(tmp_path, [instance.port for instance in instances])
    yield running
    running.stop()


@dataclass
class ClientLoad:
    """Clients that ask one question after the other, every second one streamed. All questions differ."""

    proxy: NginxProxy
    statuses: list[int] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def run_client(self) -> None:
        session = self.proxy.session()
        while not self.is_over.is_set():
            number = next(self._numbers)
            session.cookies.clear()  # a new visitor, for whom no CSRF token is required
            try:
                self.ask(session, number, as_stream=number % 2 == 0)
            except requests.RequestException as error:
                self.cut.append(type(error).__name__)

    def ask(self, session: requests.Session, number: int, *, as_stream: bool) -> None:
        path = "stream" if as_stream else "message"
        reply = session.post(f"{self.proxy.url}/api/chat/{path}", json={"message": f"Question {number} ?"}, timeout=60)
        self.statuses.append(reply.status_code)
        if as_stream and reply.ok and not reply.content.endswith(DONE):
            self.cut.append("no end")


def test_a_rolling_restart_under_load_fails_no_request_and_cuts_no_stream(proxy, instances, ai):
    ai.pace(40)
    load = ClientLoad(proxy)
    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(load.run_client) for _ in range(8)]
        try:
            for instance in instances:
                count_before = len(load.statuses)
                instance.process.stop_gracefully()
                assert instance.process.child.returncode == 0
                instance.process.start()
                assert len(load.statuses) > count_before
        finally:
            load.is_over.set()
        for client in clients:
            client.result()
    assert set(load.statuses) == {200}
    assert load.cut == []
    assert len(load.statuses) > 20


def test_when_an_instance_is_killed_only_its_requests_in_flight_fail(proxy, instances, ai):
    ai.pace(12)
    doomed, other = instances
    with ThreadPoolExecutor(20) as pool:
        streams = list(pool.map(lambda number: start_stream(proxy, number), range(20)))
        lost = active_streams(doomed)
        assert lost > 0
        assert active_streams(other) == 20 - lost
        rest = [pool.submit(is_complete, stream) for stream in streams]
        kill(doomed)
        ai.pace(0)  # for what is asked from here on
        # New requests succeed: after a refused connection nginx tries the other instance.
        after = [proxy.session().post(f"{proxy.url}/api/chat/message", json={"message": "Bonjour"}) for _ in range(10)]
        assert {reply.status_code for reply in after} == {200}
        assert [stream.result() for stream in rest].count(False) == lost
    assert ai.calls == 20 + 10  # no POST was repeated; one network's greetings are not shared


def test_instances_marked_as_failed_are_tried_when_no_other_is_left(proxy, instances):
    first, second = instances
    is_over = threading.Event()

    def keep_asking() -> None:
        while not is_over.wait(0.05):
            proxy.session().get(f"{proxy.url}/healthz", timeout=10)

    with ThreadPoolExecutor(1) as pool:
        client = pool.submit(keep_asking)
        try:
            kill(first)
            first.process.start()
            kill(second)
            replies = [proxy.session().get(f"{proxy.url}/healthz", timeout=10) for _ in range(10)]
        finally:
            is_over.set()
        client.result()
    assert [reply.status_code for reply in replies] == [200] * 10


def test_plain_http_is_sent_to_https(proxy):
    reply = requests.get(f"{proxy.plain_url}/admin/?q=1", allow_redirects=False, timeout=30)
    assert (reply.status_code, reply.headers["Location"]) == (301, f"https://{HOST}/admin/?q=1")


def test_no_document_and_no_reply_is_written_to_a_file(proxy):
    """Warnings of nginx name each file that it writes."""
    letter = b"Bonjour, voici une lettre. " * 4000
    for data in (letter, b"a" * 10 * MEGABYTE):
        assert upload(proxy, {"files": {"file": ("lettre.txt", data)}}).ok
    refusal = upload(proxy, {"data": in_chunks(b"a" * 11 * MEGABYTE)})
    assert "X-Correlation-ID" in refusal.headers  # not nginx's: an instance has got it all
    with slow_reader(proxy, LARGEST_FILE) as reader:
        time.sleep(0.5)  # it takes nothing of the reply, and nginx gets all that it wants
        reply = b"".join(iter(partial(reader.recv, MEGABYTE), b""))
    assert len(reply) > 3 * MEGABYTE
    assert proxy.error_log == ""


def upload(proxy: NginxProxy, body: dict[str, Any]) -> requests.Response:
    return proxy.session().post(f"{proxy.url}/api/chat/analyze-document", **body, timeout=60)


def in_chunks(body: bytes) -> Iterator[bytes]:
    """requests sends what it gets of an iterator without a length."""
    return (body[at : at + 16_384] for at in range(0, len(body), 16_384))


def slow_reader(proxy: NginxProxy, path: str) -> ssl.SSLSocket:
    """A connection that has asked for this path and has little room for the reply."""
    return request(proxy, f"GET {path} HTTP/1.1\r\nConnection: close", receive_buffer=4096)


def request(proxy: NginxProxy, head: str, *, receive_buffer: int = MEGABYTE, address: str = HOST) -> ssl.SSLSocket:
    """A connection from this address of the machine that has sent this, a request's first lines."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.bind((address, 0))
    connection.connect((HOST, proxy.process.port))
    client = proxy.tls.wrap_socket(connection, server_hostname=HOST)
    client.sendall(f"{head}\r\nHost: {HOST}\r\n\r\n".encode())
    return client


@pytest.mark.parametrize(
    "addresses", [[HOST], [f"127.0.0.{number}" for number in range(2, 12)]], ids=["of one address", "of all addresses"]
)
def test_documents_take_a_bounded_memory(proxy, addresses):
    """Of those that are being sent nginx keeps what it has got: at most 10 of an address, and 100 altogether."""
    with ExitStack() as unfinished:
        head = "POST /api/chat/analyze-document HTTP/1.1\r\nContent-Length: 1000000"
        *_, last = [
            unfinished.enter_context(request(proxy, head, address=address)) for address in addresses for _ in range(10)
        ]
        eventually(lambda: upload(proxy, {"data": b"a"}).status_code == 429)
        assert proxy.session().get(f"{proxy.url}/healthz").status_code == 200
        last.close()
        eventually(lambda: upload(proxy, {"data": b"a"}).status_code != 429)


def kill(instance: Server) -> None:
    instance.process.kill()
    while is_taken(HOST, instance.port):  # its workers and the accept queue take a moment to disappear
        time.sleep(0.01)


def start_stream(proxy: NginxProxy, number: int) -> requests.Response:
    message = {"message": f"Comment demander la PCH, cas {number} ?"}
    return proxy.session().post(f"{proxy.url}/api/chat/stream", json=message, stream=True, timeout=60)


def is_complete(stream: requests.Response) -> bool:
    try:
        return stream.content.endswith(DONE)
    except requests.RequestException:
        return False


def active_streams(instance: Server) -> int:
    scrape = instance.get("/metrics").text
    (line,) = [line for line in scrape.splitlines() if line.startswith("bff_streams_active ")]
    return int(float(line.split()[1]))


def test_proxying_of_streams_addresses_correlation_ids_and_limits(proxy, instances, ai):
    """Streams are unbuffered, the client address and one correlation id are passed on, and some paths are blocked."""
    ai.pace(15)
    pieces = [time.monotonic() for _ in start_stream(proxy, 0).iter_content(None)]
    assert len(pieces) > 5
    assert pieces[-1] - pieces[0] > 0.5

    reply = proxy.session().post(f"{proxy.url}/api/chat/message", json={"message": "Qu'est-ce que la MDPH ?"})
    correlation_id = reply.headers["X-Correlation-ID"]
    call = next(call for call in ai.requests if call["headers"]["x-correlation-id"] == correlation_id)
    assert call["headers"]["traceparent"].split("-")[1] == correlation_id

    # Visitors without a cookie are limited by the address that nginx saw (20 times a visitor's rate), not their header.
    forged = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(21)]
    statuses = [
        proxy.session().get(f"{proxy.url}/api/chat/conversations", headers=header).status_code for header in forged
    ]
    assert statuses == [200] * 20 + [429]

    assert proxy.session().get(f"{proxy.ipv6_url}/healthz").json()["status"] == "healthy"
    assert proxy.session().get(f"{proxy.url}/metrics").status_code == 404
    logins = [proxy.session().get(f"{proxy.url}/admin/login/").status_code for _ in range(100)]
    assert logins[:40] == [200] * 40
    assert logins[-1] == 429
    proxy.session().get(f"{proxy.url}/", params={"q": "secret-words"})
    eventually(lambda: '"GET / HTTP/' in proxy.access_log)
    assert "secret-words" not in proxy.access_log
    too_large = {"message": "a" * 2 * 1024 * 1024}
    assert proxy.session().post(f"{proxy.url}/api/chat/message", json=too_large).status_code == 413

    for instance in instances:
        instance.process.kill()
    unavailable = proxy.session().get(f"{proxy.url}/readyz")
    assert (unavailable.status_code, unavailable.headers["Content-Type"]) == (503, "application/problem+json")
    assert unavailable.json()["correlationId"]
