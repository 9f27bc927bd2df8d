"""The first AI is killed under a steady load while a second is configured: every answer is an AI's."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

import pytest
import requests

from ai_service.control import StandIn
from tests.support.processes import HOST, Process, free_port, start_ai_service
from tests.support.server import Server
from tests.support.sse import parse_parts

RATE = 8.0  # questions a second
WARM_UP_QUESTIONS = 20
LEAD_IN_SECONDS = 3.0
AFTER_OPENING_SECONDS = 4.0
MOST_ADDED_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """`sent_at` in unix seconds, `first_words` in seconds."""

    sent_at: float
    first_words: float
    origin: str


@pytest.fixture
def first() -> Iterator[Process]:
    process = start_ai_service(free_port())
    yield process
    process.stop()


@pytest.fixture
def instance(ai: StandIn, first: Process, few_entries: None) -> Iterator[Server]:
    """With all defaults, except for the limit of one address' questions."""
    settings = {
        "AI_SERVICE_URL": f"http://{HOST}:{first.port}",
        "AI_SERVICE_FALLBACK_URL": ai.url,
        "AI_SERVICE_FALLBACK_MODEL": "second",
        "RATE_LIMIT_CHAT": "100000/minute",
    }
    server = Server(workers=2, **settings)
    for number in range(WARM_UP_QUESTIONS):  # a worker's first answers take long
        ask(server, 10_000 + number)
    yield server
    server.stop()


def ask(instance: Server, number: int) -> Answer:
    sent_at, first_words = time.time(), 0.0
    body = {"message": f"Comment demander l'AEEH pour mon enfant numéro {number} ?"}
    with requests.post(f"{instance.url}/api/chat/stream", json=body, stream=True, timeout=60) as response:
        for part in parse_parts(response.iter_lines()):
            if part["type"] == "text-delta":
                first_words = first_words or time.time() - sent_at
    return Answer(sent_at, first_words, part["messageMetadata"]["origin"])


def has_opened(instance: Server) -> bool:
    """Whether the first AI's circuit has opened."""
    lines = (json.loads(line) for line in instance.lines() if "Breaker changed state" in line)
    return any((line["breaker"], line["toState"]) == ("chat", "open") for line in lines)


def test_no_question_is_degraded_and_once_the_circuit_is_open_first_words_come_as_soon_as_before(
    instance, first, record_testsuite_property
):
    began, killed, opened = time.time(), 0.0, 0.0
    with ThreadPoolExecutor(64) as pool:
        running = []
        for number in itertools.count():
            time.sleep(max(0.0, began + number / RATE - time.time()))
            now = time.time()
            if not killed and now > began + LEAD_IN_SECONDS:
                first.kill()
                killed = time.time()
            if killed and not opened and has_opened(instance):
                opened = time.time()
            assert now < began + 40, "the circuit has not opened"
            if opened and now > opened + AFTER_OPENING_SECONDS:
                break
            running.append(pool.submit(ask, instance, number))
        answers = [future.result() for future in running]
    before = [answer.first_words for answer in answers if answer.sent_at < killed - 1]
    after = [answer.first_words for answer in answers if answer.sent_at >= opened]
    record_testsuite_property("seconds until open", opened - killed)
    record_testsuite_property("first words before, after", (before, after))
    record_testsuite_property("slowest in between", max(answer.first_words for answer in answers))
    assert {answer.origin for answer in answers} == {"ai"}
    assert median(after) - median(before) <= MOST_ADDED_SECONDS, (before, after)
