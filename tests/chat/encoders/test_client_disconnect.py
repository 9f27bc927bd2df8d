"""A client disconnects: an answer without other readers that cannot be resumed is cancelled upstream."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from chat.models import Message
from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.sse import read_start

pytestmark = pytest.mark.django_db(transaction=True)

CANCEL_SECONDS = 3.0  # 0.25 s to detect the disconnect, 0.5 s to cancel, the rest for a busy machine
QUESTION = "Comment préparer un dossier MDPH ?"

NOT_RESUMABLE: list[tuple[str, dict[str, Any]]] = [
    ("/api/chat/message", {"message": QUESTION}),
    ("/v1/chat/completions", {"model": "any", "messages": [{"role": "user", "content": QUESTION}]}),
    ("/v1/chat/completions", {"model": "any", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}),
    (
        "/api/chat/analyze-document",
        {"document": "Rendez-vous le 3 mars.", "documentType": "mdph", "fileName": "a.txt"},
    ),
]


@pytest.fixture
def patient_server(ai, few_entries) -> Iterator[Server]:
    """A server on which an unread answer would continue for a minute."""
    instance = Server(UNREAD_RUN_TIMEOUT_SECONDS="60")
    yield instance
    instance.stop()


def send(server: Server, path: str, body: dict, accept: str = "*/*") -> socket.socket:
    """Send a request on a connection of its own without reading the response."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: {accept}\r\n"
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    connection.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    return connection


@pytest.mark.parametrize("moment", ["before the first byte", "during the answer"])
def test_a_disconnect_cancels_an_answer_that_can_not_be_resumed(patient_server, ai, moment):
    for path, body in NOT_RESUMABLE:
        ai.reset()
        if moment == "during the answer":
            ai.pace(2)
        else:
            ai.fail("hang")
        connection = send(patient_server, path, body)
        eventually(lambda: ai.open_calls == 1)
        time.sleep(0.5)
        connection.close()
        eventually(lambda: ai.open_calls == 0, CANCEL_SECONDS)
        assert [request["ended"] for request in ai.requests] == ["client_left"], path
    ai.reset()
    ai.fail("slow", seconds=1.5)  # silence alone is no disconnect
    assert patient_server.ask(QUESTION).json()["origin"] == "ai"
    log_lines = [line for line in patient_server.lines() if '"AI call finished"' in line and '"client_left"' in line]
    assert len(log_lines) == len(NOT_RESUMABLE)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("moment", ["before the first words", "during the answer"])
def test_a_letter_whose_reader_leaves_is_not_kept(patient_server, ai, accept, moment):
    if moment == "during the answer":
        ai.pace(2)
    else:
        ai.fail("hang")
    path, body = NOT_RESUMABLE[-1]
    connection = send(patient_server, path, body | {"keep": True}, accept)
    eventually(lambda: ai.open_calls == 1)
    time.sleep(1.0)
    if accept == "text/event-stream":
        connection.recv(1_000_000)  # so that the server's next write is still accepted
    connection.close()
    eventually(lambda: any('"Request handled"' in line and path in line for line in patient_server.lines()))
    assert not Message.objects.exists()


def test_the_breaker_ignores_cancelled_calls(patient_server, ai):
    from chat.upstream import breaker_registry

    ai.fail("hang")
    for number in range(6):
        send(patient_server, "/api/chat/message", {"message": f"{QUESTION} {number}"}).close()
    eventually(lambda: ai.calls == 6 and ai.open_calls == 0)
    snapshot = breaker_registry.get("chat").snapshot()
    assert (snapshot.state, snapshot.calls, snapshot.source) == ("closed", 0, "redis")


def test_a_resumable_answer_continues_after_a_disconnect(patient_server, ai):
    ai.pace(80)
    connection = send(patient_server, "/api/chat/stream", {"message": QUESTION})
    eventually(lambda: ai.open_calls == 1)
    connection.close()
    eventually(Message.objects.filter(role="assistant", status="complete").exists)
    assert [request["ended"] for request in ai.requests] == ["complete"]


def test_a_disconnect_does_not_cancel_an_answer_with_another_reader(patient_server, ai):
    ai.pace(80)
    leaving = send(patient_server, "/api/chat/message", {"message": QUESTION})
    eventually(lambda: ai.open_calls == 1)
    with ThreadPoolExecutor(1) as pool:
        staying = pool.submit(patient_server.ask, QUESTION)
        time.sleep(0.2)
        leaving.close()
        assert staying.result().json()["origin"] == "ai"
    assert ai.calls == 1


def test_an_answer_shared_with_a_disconnected_client_can_be_resumed(patient_server, ai):
    ai.pace(10)
    interrupted = requests.Session()
    stream = interrupted.post(
        f"{patient_server.url}/api/chat/stream", json={"message": QUESTION}, stream=True, timeout=30
    )
    conversation, _ = read_start(stream.iter_lines())
    leaving = send(patient_server, "/api/chat/message", {"message": QUESTION})
    time.sleep(0.5)
    leaving.close()
    stream.close()
    time.sleep(1.5)
    resumed = f"{patient_server.url}/api/chat/{conversation}/stream"
    assert '"ending":"stop"' in interrupted.get(resumed, timeout=60).text
    assert [request["ended"] for request in ai.requests] == ["complete"]
