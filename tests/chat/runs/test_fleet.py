"""Several instances, each with its workers, that share Redis and PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.support.factories import new_entry
from tests.support.polling import eventually
from tests.support.sse import parse_parts, read_start, text_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def one_entry(transactional_db: None) -> None:
    new_entry("Qu'est-ce que la MDPH ?")


@pytest.mark.usefixtures("one_entry")
def test_fifty_identical_questions_to_two_instances_cause_one_upstream_call(two_servers, ai):
    ai.fail("slow", seconds=1)
    with ThreadPoolExecutor(50) as pool:
        replies = [pool.submit(two_servers[n % 2].ask, "Qu'est-ce que la MDPH ?") for n in range(50)]
        answers = [reply.result().json() for reply in replies]
    assert len({answer["response"] for answer in answers}) == 1
    assert {answer["origin"] for answer in answers} <= {"ai", "cache"}  # late requests hit the cache
    assert ai.calls == 1


@pytest.mark.usefixtures("one_entry")
def test_fifty_different_questions_cause_fifty_upstream_calls(two_servers, ai):
    with ThreadPoolExecutor(25) as pool:
        replies = [pool.submit(two_servers[n % 2].ask, f"Question numéro {n} ?") for n in range(50)]
        assert all(reply.result().status_code == 200 for reply in replies)
    assert ai.calls == 50


@pytest.mark.usefixtures("one_entry")
def test_breaker_opened_by_one_instance_rejects_on_the_other_at_once(two_servers, ai):
    first, second = two_servers
    ai.fail("rate_limited")  # this reply has no Retry-After, so the policy's open time applies
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(first.ask, [f"Question numéro {n} ?" for n in range(5)]))
    eventually(lambda: first.ask("Et maintenant ?").headers["X-Degraded"] == "circuit_open", seconds=20)
    calls = ai.calls
    reply = second.ask("Une autre question ?")
    assert reply.headers["X-Degraded"] == "circuit_open"
    assert ai.calls == calls


def test_answer_started_on_one_instance_can_be_read_on_the_other(two_servers, ai):
    here, there = two_servers
    ai.pace(20)
    visitor = requests.Session()
    first = visitor.post(f"{here.url}/api/chat/stream", json={"message": "Comment demander la PCH ?"}, stream=True)
    lines = first.iter_lines()
    conversation, _ = read_start(lines)
    text_there = text_of(parse_parts([visitor.get(f"{there.url}/api/chat/{conversation}/stream").content]))
    assert text_there
    assert text_there == text_of(parse_parts(lines))


def test_a_question_asked_again_on_the_other_instance_does_not_join_its_answer_that_is_being_stopped(two_servers, ai):
    here, there = two_servers
    ai.pace(100)
    visitor = here.visitor()
    message = {"id": "q1", "role": "user", "parts": [{"type": "text", "text": "Léo dort mal, que faire ?"}]}
    body = {"id": "chosen", "messages": [message], "trigger": "submit-message"}
    first = visitor.post(f"{here.url}/api/chat/stream", json=body, stream=True, timeout=60)
    read_start(first.iter_lines())
    again = visitor.post(f"{there.url}/api/chat/stream", json=body | {"trigger": "regenerate-message"}, timeout=60)
    last = list(parse_parts([again.content]))[-1]
    assert last["messageMetadata"]["ending"] == "stop"
    assert ai.calls == 2


def test_a_hundred_disconnected_readers_resume_on_the_other_instance_without_loss_or_repetition(two_servers, ai):
    here, there = two_servers
    ai.pace(150)

    def disconnect_and_resume(number: int) -> tuple[str, str, str]:
        """The text received here, the text received there, and the whole answer."""
        visitor = requests.Session()
        question = {"message": f"Comment demander l'AEEH, fois {number} ?"}
        with visitor.post(f"{here.url}/api/chat/stream", json=question, stream=True, timeout=60) as first:
            received = frames_until(frames_of(first), characters=3 * number)
        conversation, _ = read_start(received)
        position = received[-1].partition(b"\n")[0].removeprefix(b"id: ")
        path = f"/api/chat/{conversation}/stream"
        rest = visitor.get(there.url + path, headers={"Last-Event-ID": position}, timeout=60)
        history = visitor.get(f"{there.url}/api/chat/history", params={"conversationId": conversation}).json()
        return text_of(parse_parts(received)), text_of(parse_parts([rest.content])), history["items"][1]["text"]

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(disconnect_and_resume, range(100)))
    assert [text_here + text_there for text_here, text_there, _ in answers] == [whole for *_, whole in answers]
    assert sum(bool(text_there) for _, text_there, _ in answers) > 80  # the others had received all of it
    assert ai.calls == 100


def test_reader_on_the_other_instance_gets_the_published_text_when_the_leader_is_killed(two_servers, ai):
    here, there = two_servers
    ai.pace(10)
    visitor = requests.Session()
    first = visitor.post(f"{here.url}/api/chat/stream", json={"message": "Comment demander la PCH ?"}, stream=True)
    conversation, _ = read_start(first.iter_lines())
    with ThreadPoolExecutor(1) as pool:
        resumed = pool.submit(lambda: visitor.get(f"{there.url}/api/chat/{conversation}/stream").text)
        time.sleep(0.7)
        here.process.kill()
        killed = time.monotonic()
        frames = resumed.result()
    assert time.monotonic() - killed < 5
    assert '"reason":"interrupted"' in frames
    history = visitor.get(f"{there.url}/api/chat/history", params={"conversationId": conversation}).json()
    answer = history["items"][1]
    assert answer["status"] == "interrupted"
    assert answer["text"]


def frames_of(reply: requests.Response) -> Iterator[bytes]:
    """Complete server-sent events as they arrive, without the blank line."""
    pending = b""
    for piece in reply.iter_content(None):
        *frames, pending = (pending + piece).split(b"\n\n")
        yield from frames


def frames_until(frames: Iterator[bytes], characters: int) -> list[bytes]:
    """Frames until they hold `characters` of text and the last one has an event id."""
    received: list[bytes] = []
    for frame in frames:
        received.append(frame)
        if frame.startswith(b"id: ") and len(text_of(parse_parts(received))) >= characters:
            break
    return received
