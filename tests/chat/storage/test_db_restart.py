"""PostgreSQL is killed under load and restarted: every answer reported with `saved: true` is in the database."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count

import psycopg
import pytest
import requests

from tests.support.commands import manage
from tests.support.polling import eventually
from tests.support.postgres import Postgres
from tests.support.server import Server
from tests.support.services import new_folder
from tests.support.sse import parse_parts, text_of

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 8
TIMEOUT_SECONDS = 60.0


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server with durable commits, unlike the one that the other tests share."""
    running = Postgres(new_folder("postgres"))
    manage("migrate", "--verbosity=0", env={**os.environ, "DATABASE_URL": running.address}).check_returncode()
    yield running
    running.stop()


def test_every_answer_reported_as_saved_survives_a_crash_of_the_database(postgres, ai, transactional_db):
    servers = [Server(DATABASE_URL=postgres.address, LOG_LEVEL="warning") for _ in range(2)]
    numbers, is_over = count(), threading.Event()
    answers: list[tuple[bool, str, str]] = []  # whether each was saved, its message id and its text

    def send_questions(client: int) -> None:
        """Alternates between JSON and stream."""
        while not is_over.is_set():
            number = next(numbers)
            send = send_streaming if number % 2 else send_json
            answers.append(send(servers[client % 2].url, f"Question {number}, posée par {client} ?"))
            time.sleep(0.05)

    def count_saved(*, is_saved: bool) -> int:
        return sum(answer[0] is is_saved for answer in answers)

    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(send_questions, client) for client in range(CLIENTS)]
            try:
                eventually(lambda: count_saved(is_saved=True) > CLIENTS, TIMEOUT_SECONDS)
                postgres.kill()
                eventually(lambda: count_saved(is_saved=False) > CLIENTS, TIMEOUT_SECONDS)
                postgres.start()
                wait_until_saved_again(servers)
            finally:
                is_over.set()
            for client in clients:
                client.result()
    finally:
        for server in servers:
            server.stop()
    saved = {message_id: text for is_saved, message_id, text in answers if is_saved}
    with psycopg.connect(postgres.address) as database:
        rows = database.execute("SELECT public_id, text FROM chat_message WHERE role = 'assistant'").fetchall()
        stored: dict[str, str] = dict(rows)
    assert {message_id: stored.get(message_id) for message_id in saved} == saved


def send_json(url: str, question: str) -> tuple[bool, str, str]:
    reply = requests.post(f"{url}/api/chat/message", json={"message": question}, timeout=60)
    assert reply.status_code == 200
    answer = reply.json()
    return answer["saved"], answer["messageId"], answer["response"]


def send_streaming(url: str, question: str) -> tuple[bool, str, str]:
    reply = requests.post(f"{url}/api/chat/stream", json={"message": question}, timeout=60)
    assert reply.status_code == 200
    parts = list(parse_parts(reply.iter_lines()))
    return parts[-1]["messageMetadata"]["saved"], parts[0]["messageId"], text_of(parts)


def wait_until_saved_again(servers: list[Server], seconds: float = 40.0) -> None:
    """Wait until every server saves answers again."""
    for server in servers:
        eventually(partial(_saves, server.url), seconds, every=0.2)


def _saves(url: str) -> bool:
    return send_json(url, f"Est-ce revenu, à {time.monotonic()} ?")[0]
