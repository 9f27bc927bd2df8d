"""What must hold between processes: several instances, each with its workers, sharing Redis and PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.frames import begun, parts_in, text_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_fifty_identical_cold_questions_over_two_instances_are_one_upstream_call(two_servers, ai):
    ai.fail("slow", seconds=1)
    with ThreadPoolExecutor(50) as people:
        asked = [people.submit(two_servers[n % 2].ask, "Qu'est-ce que la MDPH ?") for n in range(50)]
        answers = [reply.result().json() for reply in asked]
    assert len({answer["response"] for answer in answers}) == 1
    assert {answer["origin"] for answer in answers} <= {"ai", "cache"}  # those who came after it was made find it
    assert ai.calls == 1


def test_fifty_different_questions_are_fifty_upstream_calls(two_servers, ai):
    with ThreadPoolExecutor(25) as people:
        asked = [people.submit(two_servers[n % 2].ask, f"Question numéro {n} ?") for n in range(50)]
        assert all(reply.result().status_code == 200 for reply in asked)
    assert ai.calls == 50


def test_a_breaker_opened_by_one_instance_rejects_at_the_other_at_once(two_servers, ai):
    broken, other = two_servers
    ai.fail("rate_limited")  # without Retry-After in this stand-in's reply, so the open time is the policy's own
    with ThreadPoolExecutor(5) as people:
        list(people.map(broken.ask, [f"Question numéro {n} ?" for n in range(5)]))
    calls = ai.calls
    reply = other.ask("Une autre question ?")
    assert reply.headers["X-Degraded"] == "circuit_open"
    assert ai.calls == calls


def test_an_answer_begun_on_one_instance_is_read_on_the_other(two_servers, ai):
    here, there = two_servers
    ai.pace(20)
    visitor = requests.Session()
    first = visitor.post(f"{here.url}/api/chat/stream", json={"message": "Comment demander la PCH ?"}, stream=True)
    lines = first.iter_lines()
    conversation, _ = begun(lines)
    read_there = text_of(parts_in([visitor.get(f"{there.url}/api/chat/{conversation}/stream").content]))
    assert read_there
    assert read_there == text_of(parts_in(lines))


def test_a_hundred_readers_who_are_cut_off_read_on_elsewhere_without_loss_or_repetition(two_servers, ai):
    here, there = two_servers
    ai.pace(150)

    def lose_and_resume(number: int) -> tuple[str, str, str]:
        """What was heard here, what there, and what the AI had said."""
        visitor = requests.Session()
        question = {"message": f"Comment demander l'AEEH, fois {number} ?"}
        with visitor.post(f"{here.url}/api/chat/stream", json=question, stream=True, timeout=60) as first:
            heard = heard_until(frames_of(first), characters=5 * number)
        conversation, _ = begun(heard)
        mark = heard[-1].partition(b"\n")[0].removeprefix(b"id: ")
        path = f"/api/chat/{conversation}/stream"
        rest = visitor.get(there.url + path, headers={"Last-Event-ID": mark}, timeout=60)
        kept = there.ask(question["message"]).json()  # asked at the very end, it is still the answer being written
        return text_of(parts_in(heard)), text_of(parts_in([rest.content])), kept["response"]

    with ThreadPoolExecutor(10) as people:
        answers = list(people.map(lose_and_resume, range(100)))
    assert [heard_here + heard_there for heard_here, heard_there, _ in answers] == [said for *_, said in answers]
    assert sum(bool(heard_there) for _, heard_there, _ in answers) > 80  # the others had heard it all
    assert ai.calls == 100


def test_when_the_writer_is_killed_the_reader_elsewhere_gets_what_was_said(two_servers, ai):
    here, there = two_servers
    ai.pace(10)
    visitor = requests.Session()
    first = visitor.post(f"{here.url}/api/chat/stream", json={"message": "Comment demander la PCH ?"}, stream=True)
    conversation, _ = begun(first.iter_lines())
    with ThreadPoolExecutor(1) as reader:
        elsewhere = reader.submit(lambda: visitor.get(f"{there.url}/api/chat/{conversation}/stream").text)
        time.sleep(0.7)
        here.process.kill()
        killed = time.monotonic()
        frames = elsewhere.result()
    assert time.monotonic() - killed < 5
    assert '"reason":"interrupted"' in frames
    history = visitor.get(f"{there.url}/api/chat/history", params={"conversationId": conversation}).json()
    answer = history["items"][1]
    assert answer["status"] == "interrupted"
    assert answer["text"]


def frames_of(reply: requests.Response) -> Iterator[bytes]:
    """Server-sent events as they arrive, without the blank line; what is cut in the middle is none."""
    pending = b""
    for piece in reply.iter_content(None):
        *frames, pending = (pending + piece).split(b"\n\n")
        yield from frames


def heard_until(frames: Iterator[bytes], characters: int) -> list[bytes]:
    """The frames of so much text, up to one with a bookmark."""
    heard: list[bytes] = []
    for frame in frames:
        heard.append(frame)
        if frame.startswith(b"id: ") and len(text_of(parts_in(heard))) >= characters:
            break
    return heard
