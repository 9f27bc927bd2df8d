"""Somebody hangs up: what is done for them alone ends upstream, at every door, also before the first byte."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from chat.models import Message
from tests.frames import begun
from tests.server import Server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 3.0  # seconds: a quarter to see it, half to cancel it, and a busy machine
QUESTION = "Comment préparer un dossier MDPH ?"

CANNOT_COME_BACK = [
    ("/api/chat/message", {"message": QUESTION}),
    ("/v1/chat/completions", {"model": "any", "messages": [{"role": "user", "content": QUESTION}]}),
    ("/v1/chat/completions", {"model": "any", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}),
    (
        "/api/chat/analyze-document",
        {"document": "Rendez-vous le 3 mars.", "documentType": "mdph", "fileName": "a.txt"},
    ),
]


@pytest.fixture
def patient_server(ai, transactional_db) -> Iterator[Server]:
    """One on which an abandoned answer would go on for long."""
    instance = Server(RUN_GRACE_SECONDS="60")
    yield instance
    instance.stop()


def send(server: Server, path: str, body: dict) -> socket.socket:
    """A request on a connection of its own, its answer unread."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    connection.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    return connection


@pytest.mark.parametrize("moment", ["before the first byte", "amid the answer"])
def test_who_cannot_come_back_frees_the_upstream_at_once(patient_server, ai, moment):
    for path, body in CANNOT_COME_BACK:
        ai.reset()
        if moment == "amid the answer":
            ai.pace(2)
        else:
            ai.fail("hang")
        connection = send(patient_server, path, body)
        eventually(lambda: ai.open_calls == 1)
        time.sleep(0.5)
        connection.close()
        eventually(lambda: ai.open_calls == 0, AT_ONCE)
        assert [request["ended"] for request in ai.requests] == ["client_left"], path
    ai.reset()
    ai.fail("slow", seconds=1.5)  # silence alone is not leaving
    assert patient_server.ask(QUESTION).json()["origin"] == "ai"
    told = [line for line in patient_server.lines() if '"AI call finished"' in line and '"client_left"' in line]
    assert len(told) == len(CANNOT_COME_BACK)


def test_it_counts_as_neither_success_nor_failure(patient_server, ai):
    from chat.upstream import breakers

    ai.fail("hang")
    for number in range(6):
        send(patient_server, "/api/chat/message", {"message": f"{QUESTION} {number}"}).close()
    eventually(lambda: ai.calls == 6 and ai.open_calls == 0)
    snapshot = breakers.get("chat").snapshot()
    assert (snapshot.state, snapshot.calls, snapshot.source) == ("closed", 0, "redis")


def test_who_can_come_back_finds_the_answer_going_on(patient_server, ai):
    ai.pace(80)
    connection = send(patient_server, "/api/chat/stream", {"message": QUESTION})
    eventually(lambda: ai.open_calls == 1)
    connection.close()
    eventually(Message.objects.filter(role="assistant", status="complete").exists)
    assert [request["ended"] for request in ai.requests] == ["complete"]


def test_who_waits_beside_one_who_leaves_gets_the_answer(patient_server, ai):
    ai.pace(80)
    leaver = send(patient_server, "/api/chat/message", {"message": QUESTION})
    eventually(lambda: ai.open_calls == 1)
    with ThreadPoolExecutor(1) as pool:
        stayer = pool.submit(patient_server.ask, QUESTION)
        time.sleep(0.2)
        leaver.close()
        assert stayer.result().json()["origin"] == "ai"
    assert ai.calls == 1


def test_who_loses_the_connection_beside_one_who_leaves_finds_the_answer_going_on(patient_server, ai):
    ai.pace(10)
    loser = requests.Session()
    stream = loser.post(f"{patient_server.url}/api/chat/stream", json={"message": QUESTION}, stream=True, timeout=30)
    conversation, _ = begun(stream.iter_lines())
    leaver = send(patient_server, "/api/chat/message", {"message": QUESTION})
    time.sleep(0.5)
    leaver.close()
    stream.close()
    time.sleep(1.5)
    resumed = f"{patient_server.url}/api/chat/{conversation}/stream"
    assert '"ending":"stop"' in loser.get(resumed, timeout=60).text
    assert [request["ended"] for request in ai.requests] == ["complete"]
