"""A turn whose start the database stores only after its caller has left, because it stood still for some seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chat.history import deletions
from chat.history.recorder import TurnRecorder
from chat.models import Conversation, Message
from chat.storage import db_executor
from chat.storage.db_executor import _Job
from tests.support.polling import eventually

pytestmark = pytest.mark.django_db(transaction=True)

DATABASE = db_executor.db_executor
REGENERATION = {
    "id": "chosen",
    "messages": [{"id": "q1", "role": "user", "parts": [{"type": "text", "text": "Un"}]}],
    "trigger": "regenerate-message",
}


class Standstill:
    """The database stands still at the start of the next turn, until its `end`."""

    recorder: TurnRecorder

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._released = threading.Event()
        self._monkeypatch, self._start = monkeypatch, TurnRecorder.start

        def start(recorder: TurnRecorder, run_id: str) -> None:
            self._begin(recorder, run_id)

        monkeypatch.setattr(TurnRecorder, "start", start)

    def _begin(self, recorder: TurnRecorder, run_id: str) -> None:
        self.recorder = recorder
        eventually(lambda: "database" not in [thread.name for thread in threading.enumerate()])
        DATABASE._jobs.put(_Job(self._released.wait))
        with self._monkeypatch.context() as patch:
            patch.setattr(db_executor, "STEP_SECONDS", 0.001)
            self._start(recorder, run_id)
        assert not recorder.is_started

    def end(self) -> None:
        """Everything that was queued meanwhile is done, unless it was given up."""
        self._released.set()
        eventually(lambda: not DATABASE.outage.is_active)
        DATABASE.run(lambda: None)


@pytest.fixture
def standstill(monkeypatch, settings) -> Iterator[Standstill]:
    settings.DATABASE_POOL_SIZE = 1  # what is queued first is done first
    standstill = Standstill(monkeypatch)
    yield standstill
    standstill.end()


def begin(reply: Any) -> Iterator[bytes]:
    frames = iter(reply.streaming_content)
    next(frames)
    return frames


def statuses() -> list[str]:
    return [message.status for message in Message.objects.order_by("id")]


def test_the_answer_in_progress_can_be_stopped_and_resumed_when_the_database_goes_on(visitor, ai, standstill):
    ai.pace(5)
    frames = begin(visitor.stream("Bonjour ?"))
    standstill.end()
    answer = Message.objects.get(status="pending")
    assert answer.run_id
    conversation = f"/api/chat/{answer.conversation.public_id}"
    resumed = begin(visitor.get(f"{conversation}/stream"))
    assert visitor.post_json(f"{conversation}/stop", {}).json() == {"stopped": True}
    for rest in (frames, resumed):
        assert '"ending":"stopped"' in b"".join(rest).decode()


@pytest.mark.parametrize("redis_answers", [True, False])
def test_what_the_person_has_deleted_meanwhile_does_not_come_back(visitor, ai, standstill, monkeypatch, redis_answers):
    ai.pace(5)
    frames = begin(visitor.stream("Bonjour ?"))
    deletions.mark(standstill.recorder.conversation.owner)  # there are no rows yet
    with monkeypatch.context() as outage:
        if not redis_answers:
            outage.setattr(deletions, "was_deleted", lambda *_, **__: None)
        standstill.end()
    assert not Conversation.objects.exists()
    assert b'"saved":false' in b"".join(frames)
    assert not Conversation.objects.exists()


def test_a_regenerated_answer_replaces_nothing_that_has_followed_meanwhile(visitor, ai, monkeypatch, settings):
    settings.DATABASE_POOL_SIZE = 1
    b"".join(visitor.post_json("/api/chat/stream", {**REGENERATION, "trigger": "submit-message"}).streaming_content)
    standstill = Standstill(monkeypatch)
    ai.pace(5)
    frames = begin(visitor.post_json("/api/chat/stream", REGENERATION))
    row = Conversation.objects.get()
    Message.objects.create(conversation=row, role="user", text="Deux")
    Message.objects.create(conversation=row, role="assistant", text="Voici.")
    standstill.end()
    assert statuses() == ["complete"] * 4
    b"".join(frames)
    assert statuses() == ["complete"] * 4


@pytest.mark.parametrize("is_regenerated", [True, False])
def test_an_answer_that_is_finished_before_its_start_is_stored_stays_finished(visitor, ai, monkeypatch, is_regenerated):
    b"".join(visitor.post_json("/api/chat/stream", {**REGENERATION, "trigger": "submit-message"}).streaming_content)
    recorders: list[TurnRecorder] = []

    def give_up(recorder: TurnRecorder, run_id: str) -> None:
        recorders.append(recorder)
        recorder.must_check_deletion = True

    monkeypatch.setattr(TurnRecorder, "start", give_up)
    if is_regenerated:
        b"".join(visitor.post_json("/api/chat/stream", REGENERATION).streaming_content)
    else:
        visitor.ask("Bonjour ?")
    stored = list(Message.objects.order_by("id").values())
    recorders[0]._start(Message(status=Message.Status.PENDING, run_id="run", receipt={}))
    assert list(Message.objects.order_by("id").values()) == stored
    assert statuses() == ["complete"] * len(stored)
