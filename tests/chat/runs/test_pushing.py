"""Words that are pushed to a reader's client while the reader waits."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence

import pytest

from chat.core.events import Event, Finish, Notice, Source, text_of
from chat.core.transcript import Transcript
from chat.runs.run import Run
from observability import metrics
from tests.support.polling import eventually

SOURCE = Source("1", "AEEH", "https://example.org")


class Client:
    """What one client gets: the reader's batches, and words that its outlet takes with a `chance` from 0 to 1."""

    def __init__(self, chance: float = 1.0, chance_of_rest: float = 0.0) -> None:
        self.received: list[str | Event] = []
        self.pushed = self.empty_batches = 0
        self.has_unsent = False
        self._rest = ""
        self._chance, self._chance_of_rest = chance, chance_of_rest

    def push(self, text: str) -> bool:
        if self.has_unsent or random.random() >= self._chance:
            return False
        self.pushed += 1
        kept = len(text) // 2 if random.random() < self._chance_of_rest else len(text)
        self.received.append(text[:kept])
        self._rest, self.has_unsent = text[kept:], kept < len(text)
        return True

    def take(self, batch: Sequence[Event]) -> None:
        """As a connection does: the rest goes first."""
        self.received += filter(None, [self._rest])
        self._rest, self.has_unsent = "", False
        self.empty_batches += not batch
        self.received += [text_of([event]) or event for event in batch]

    @property
    def content(self) -> list[str | Event]:
        """Adjacent words joined."""
        joined: list[str | Event] = [""]
        for each in self.received:
            if isinstance(each, str) and isinstance(joined[-1], str):
                joined[-1] += each
            else:
                joined.append(each)
        return joined


class BrokenClient(Client):
    def push(self, text: str) -> bool:
        raise ValueError(text)


def read(run: Run, client: Client, name: str = "") -> threading.Thread:
    def follow() -> None:
        for batch in run.read(reader=name, outlet=client):
            client.take(batch)

    thread = threading.Thread(target=follow)
    thread.start()
    return thread


def push_until(run: Run, condition: object) -> str:
    """Push words until the condition is met, and return them."""
    words: list[str] = []
    while not condition():  # type: ignore[operator]
        words.append(f"mot{len(words)} ")
        run.push(words[-1])
        time.sleep(0.001)
    return "".join(words)


def test_words_reach_a_waiting_reader_past_its_iterator():
    run, client = Run("run"), Client()
    reader = read(run, client)
    text = push_until(run, lambda: client.pushed >= 20)
    run.append([Finish("ai")])
    reader.join(10)
    assert client.content == [text, Finish("ai")]


def test_the_reader_of_a_whole_answer_is_not_woken_for_words():
    run, transcript, batches = Run("run"), Transcript(), []

    def follow() -> None:
        for batch in run.read(outlet=transcript):
            batches.append(batch)
            transcript.extend(batch)

    run.append([SOURCE])
    reader = threading.Thread(target=follow)
    reader.start()
    eventually(lambda: transcript.sources == [SOURCE])
    text = push_until(run, lambda: len(transcript.text) > 1_000)
    run.append([Finish("ai")])
    reader.join(10)
    assert transcript.text == text
    assert transcript.finish == Finish("ai")
    assert len([event for batch in batches for event in batch]) < 10  # 150 words were pushed


@pytest.mark.parametrize(("chance", "chance_of_rest"), [(1.0, 0.0), (0.5, 0.0), (0.9, 0.5), (0.0, 0.0)])
def test_every_event_arrives_once_and_in_order_whatever_the_outlets_take(chance, chance_of_rest):
    run, clients = Run("run"), [Client(chance, chance_of_rest) for _ in range(5)]
    readers = [read(run, client) for client in clients]
    expected: list[str | Event] = []
    for number in range(10):
        words = [f"{number}.{count} " for count in range(random.randint(1, 60))]
        for word in words:
            run.push(word)
            if random.random() < 0.1:
                time.sleep(0.002)
        run.append([SOURCE])
        expected += ["".join(words), SOURCE]
    run.append([Finish("ai")])
    for reader in readers:
        reader.join(10)
    assert [client.content for client in clients] == [["", *expected, Finish("ai")][1:]] * 5
    assert list(run.events)[-1] == Finish("ai")


def test_the_rest_of_words_that_were_sent_in_part_wakes_the_reader():
    run, client = Run("run"), Client(chance_of_rest=1.0)
    reader = read(run, client)
    text = push_until(run, lambda: client.pushed >= 3)
    eventually(lambda: client.content == [text])  # although nothing follows
    run.append([Finish("ai")])
    reader.join(10)


def test_a_reader_whose_outlet_fails_gets_all_words_in_batches_and_the_run_goes_on():
    errors = metrics.UNEXPECTED_ERRORS.labels("encoder")
    before = errors._value.get()
    run, broken, sound = Run("run"), BrokenClient(), Client()
    readers = [read(run, broken), read(run, sound)]
    text = push_until(run, lambda: sound.pushed >= 20)
    run.append([Finish("ai")])
    for reader in readers:
        reader.join(10)
    assert broken.content == sound.content == [text, Finish("ai")]
    assert errors._value.get() == before + 1


def test_nothing_is_pushed_to_a_reader_that_has_unsubscribed():
    run, client = Run("run"), Client()
    reader = read(run, client, "me")
    push_until(run, lambda: client.pushed >= 1)
    run.readers.unsubscribe("me")
    reader.join(10)
    pushed = client.pushed
    run.push("encore")
    assert client.pushed == pushed
    assert client.content[-1] == Finish("ai", ending="stopped")


def test_words_are_no_silence_for_a_reader_that_waits():
    run, client = Run("run"), Client()
    with run.readers.waiting(outlet=client) as subscriber:
        waiting = threading.Thread(target=subscriber.wait, args=[60])
        waiting.start()
        eventually(lambda: subscriber.deadline < float("inf"))
        deadline = subscriber.deadline
        run.push("mot")
        assert client.pushed == 1
        assert subscriber.deadline > deadline
        subscriber.wake()
        waiting.join(10)
    assert not waiting.is_alive()


def test_words_after_the_end_are_dropped():
    run = Run("run")
    run.append([Notice("status", "Un instant.", {}), Finish("ai")])
    run.push("trop tard")
    assert list(run.events) == [Notice("status", "Un instant.", {}), Finish("ai")]


def test_a_reader_may_be_closed_while_words_are_pushed():
    """The garbage collector closes an abandoned stream in whatever thread it runs: in the writer's, here."""
    run = Run("run")
    abandoned = run.read(reader="abandoned")
    assert next(abandoned) == []  # it reads now

    class ClosingClient(Client):
        def push(self, text: str) -> bool:
            abandoned.close()  # type: ignore[attr-defined]
            return super().push(text)

    clients = [ClosingClient(), Client()]
    readers = [read(run, client) for client in clients]
    eventually(lambda: all(client.empty_batches for client in clients))

    def everybody_got_words() -> bool:
        return all(client.pushed for client in clients)

    writer = threading.Thread(target=push_until, args=(run, everybody_got_words), daemon=True)
    writer.start()
    writer.join(5)
    assert not writer.is_alive()
    run.append([Finish("ai")])
    for reader in readers:
        reader.join(5)
    assert clients[0].content[0] == clients[1].content[0]
