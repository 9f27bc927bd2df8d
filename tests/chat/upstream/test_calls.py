"""The stand-in sees exactly one open call for each answer in progress."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.sse import read_start
from tests.support.supabase import SECRET, token_of

pytestmark = pytest.mark.django_db(transaction=True)

UNREAD_TIMEOUT = 1.0
DEADLINE = 15.0
SOON = 3.0  # seconds; a stop takes a fraction of one, but machines are busy


class Reader:
    """A signed-in user who has sent a question and reads the answer."""

    def __init__(self, server: Server, question: str) -> None:
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token_of(f'user-{uuid.uuid4()}')}"
        url = f"{server.url}/api/chat/stream"
        self.reply = self.session.post(url, json={"message": question}, stream=True, timeout=60)
        self.lines: Iterator[bytes] = self.reply.iter_lines()
        self.conversation, _ = read_start(self.lines)

    def read_first_text(self) -> None:
        next(line for line in self.lines if b'"text-delta"' in line)

    def read_to_end(self) -> str:
        return b"\n".join(self.lines).decode()


@pytest.fixture
def pair(ai, few_entries) -> Iterator[tuple[Server, Server]]:
    env: dict[str, Any] = {
        "UNREAD_RUN_TIMEOUT_SECONDS": str(UNREAD_TIMEOUT),
        "AI_DEADLINE_CHAT": str(DEADLINE),
        "SUPABASE_JWT_SECRET": SECRET,
    }
    instances = Server(**env), Server(**env)
    yield instances
    for instance in instances:
        instance.stop()


def test_each_way_of_ending_an_answer_ends_its_own_upstream_call_only(pair, ai):
    here, other = pair
    ai.pace(2)
    reading, leaving, stopping = (Reader(here, f"Comment demander la PCH, fois {number} ?") for number in range(3))
    for reader in (reading, leaving, stopping):
        reader.read_first_text()
    assert ai.open_calls == 3

    ai.fail("hang", count=1)
    with pytest.raises(requests.ReadTimeout):  # the client disconnects before the first byte
        requests.post(f"{here.url}/api/chat/message", json={"message": "Comment demander l'AEEH ?"}, timeout=1)
    assert ai.calls == 4
    eventually(lambda: ai.open_calls == 3, SOON)

    leaving.reply.close()
    eventually(lambda: ai.open_calls == 2, UNREAD_TIMEOUT + SOON)

    # A question without history is shared: its call ends because it has no other reader.
    stopped = stopping.session.post(f"{other.url}/api/chat/{stopping.conversation}/stop", json={}, timeout=30)
    assert stopped.json() == {"stopped": True}
    eventually(lambda: ai.open_calls == 1, 5 + SOON)  # the last reader was on another instance
    assert '"ending":"stopped"' in stopping.read_to_end()

    assert '"reason":"interrupted"' in reading.read_to_end()  # its deadline has passed
    assert ai.open_calls == 0

    ai.reset()
    ai.pace(2)
    readers = [Reader(here, f"Comment trouver une AESH, fois {number} ?") for number in range(2)]
    eventually(lambda: ai.open_calls == len(readers))
    here.process.kill()
    eventually(lambda: ai.open_calls == 0, SOON)


def test_stopping_a_private_answer_from_another_instance_ends_its_upstream_call(pair, ai):
    here, other = pair
    first = Reader(here, "Bonjour")
    first.read_to_end()
    ai.pace(2)
    url = f"{here.url}/api/chat/stream"
    question = {"message": "Comment demander la PCH ?", "conversationId": first.conversation}
    reply = first.session.post(url, json=question, stream=True, timeout=60)
    eventually(lambda: ai.open_calls == 1)
    first.session.post(f"{other.url}/api/chat/{first.conversation}/stop", json={}, timeout=30)
    eventually(lambda: ai.open_calls == 0, SOON)
    assert '"ending":"stopped"' in reply.text
