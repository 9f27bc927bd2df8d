"""Upstream there are as many calls as answers under way, and not one more: seen from the stand-in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import requests

from tests.bff.supabase import SECRET, token_of
from tests.frames import begun
from tests.server import Server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

GRACE = 1.0
DEADLINE = 15.0
SOON = 3.0  # seconds; a stop takes a fraction of one, but machines are busy


class Reader:
    """Somebody signed in, who has asked and reads."""

    def __init__(self, server: Server, question: str) -> None:
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token_of(f'user-{uuid.uuid4()}')}"
        url = f"{server.url}/api/chat/stream"
        self.reply = self.session.post(url, json={"message": question}, stream=True, timeout=60)
        self.lines: Iterator[bytes] = self.reply.iter_lines()
        self.conversation, _ = begun(self.lines)

    def read_words(self) -> None:
        next(line for line in self.lines if b'"text-delta"' in line)

    def rest(self) -> str:
        return b"\n".join(self.lines).decode()


@pytest.fixture
def pair(ai, transactional_db) -> Iterator[tuple[Server, Server]]:
    env = {"RUN_GRACE_SECONDS": str(GRACE), "AI_DEADLINE_CHAT": str(DEADLINE), "SUPABASE_JWT_SECRET": SECRET}
    instances = Server(**env), Server(**env)
    yield instances
    for instance in instances:
        instance.stop()


def test_each_way_in_which_an_answer_ends_ends_its_call_upstream_and_no_other(pair, ai):
    here, there = pair
    ai.pace(2)
    stays, leaves, stops = (Reader(here, f"Comment demander la PCH, fois {number} ?") for number in range(3))
    for reader in (stays, leaves, stops):
        reader.read_words()
    assert ai.open_calls == 3

    ai.fail("hang", count=1)
    with pytest.raises(requests.ReadTimeout):  # and leaves before the first byte
        requests.post(f"{here.url}/api/chat/message", json={"message": "Comment demander l'AEEH ?"}, timeout=1)
    assert ai.calls == 4
    eventually(lambda: ai.open_calls == 3, SOON)

    leaves.reply.close()
    eventually(lambda: ai.open_calls == 2, GRACE + SOON)

    # A question without history is anybody's: it ends upstream because nobody else reads it.
    stopped = stops.session.post(f"{there.url}/api/chat/{stops.conversation}/stop", json={}, timeout=30)
    assert stopped.json() == {"stopped": True}
    eventually(lambda: ai.open_calls == 1, 5 + SOON)  # the last reader was on another instance
    assert '"ending":"stopped"' in stops.rest()

    assert '"reason":"interrupted"' in stays.rest()  # its deadline has passed
    assert ai.open_calls == 0

    ai.reset()
    ai.pace(2)
    readers = [Reader(here, f"Comment trouver une AESH, fois {number} ?") for number in range(2)]
    eventually(lambda: ai.open_calls == len(readers))
    here.process.kill()
    eventually(lambda: ai.open_calls == 0, SOON)


def test_a_private_answer_stopped_from_another_instance_ends_upstream_at_once(pair, ai):
    here, there = pair
    first = Reader(here, "Bonjour")
    first.rest()
    ai.pace(2)
    url = f"{here.url}/api/chat/stream"
    question = {"message": "Comment demander la PCH ?", "conversationId": first.conversation}
    reply = first.session.post(url, json=question, stream=True, timeout=60)
    eventually(lambda: ai.open_calls == 1)
    first.session.post(f"{there.url}/api/chat/{first.conversation}/stop", json={}, timeout=30)
    eventually(lambda: ai.open_calls == 0, SOON)
    assert '"ending":"stopped"' in reply.text
