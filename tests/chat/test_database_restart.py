"""PostgreSQL dies under load and comes back: whatever was answered with `saved: true` is there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import psycopg
import pytest
import requests

from chat.drill.postgres import Postgres
from tests.frames import parts_in, text_of
from tests.server import Server
from tests.services import ROOT
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 8


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    """One that is durable, unlike the other tests': what it has confirmed is on the disk."""
    running = Postgres(tmp_path)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": running.address},
        timeout=90,
        check=True,
    )
    yield running
    running.stop()


def test_nothing_is_lost_that_was_said_to_be_saved(postgres, ai, transactional_db):
    servers = [Server(DATABASE_URL=postgres.address, LOG_LEVEL="warning") for _ in range(2)]
    numbers, over = count(), threading.Event()

    def talk(person: int) -> list[tuple[bool, str, str]]:
        """Whether it was saved, the message's id and its text, of each answer; by turns from both doors."""
        answers = []
        while not over.is_set():
            number = next(numbers)
            ask = streamed if number % 2 else whole
            answers.append(ask(servers[person % 2].url, f"Question {number}, posée par {person} ?"))
            time.sleep(0.05)
        return answers

    try:
        with ThreadPoolExecutor(PEOPLE) as people:
            talks = [people.submit(talk, person) for person in range(PEOPLE)]
            try:
                time.sleep(2)
                postgres.kill()
                time.sleep(2)
                postgres.start()
                wait_until_saved_again(servers)
            finally:
                over.set()
            answers = [answer for talk in talks for answer in talk.result()]
    finally:
        for server in servers:
            server.stop()
    saved = {message_id: text for is_saved, message_id, text in answers if is_saved}
    assert len(saved) < len(answers), "nobody noticed that it was away"
    with psycopg.connect(postgres.address) as rows:
        kept = dict(rows.execute("SELECT public_id, text FROM chat_message WHERE role = 'assistant'").fetchall())
    assert saved
    assert {message_id: kept.get(message_id) for message_id in saved} == saved


def whole(url: str, question: str) -> tuple[bool, str, str]:
    reply = requests.post(f"{url}/api/chat/message", json={"message": question}, timeout=60)
    assert reply.status_code == 200
    answer = reply.json()
    return answer["saved"], answer["messageId"], answer["response"]


def streamed(url: str, question: str) -> tuple[bool, str, str]:
    reply = requests.post(f"{url}/api/chat/stream", json={"message": question}, timeout=60)
    assert reply.status_code == 200
    parts = list(parts_in(reply.iter_lines()))
    return parts[-1]["messageMetadata"]["saved"], parts[0]["messageId"], text_of(parts)


def wait_until_saved_again(servers: list[Server], seconds: float = 40.0) -> None:
    """The database is back, and so it is noticed."""
    for server in servers:
        eventually(lambda at=server: whole(at.url, f"Est-ce revenu, à {time.monotonic()} ?")[0], seconds, every=0.2)
