"""A turn that is stored only when its answer has ended, because the database was away when it began."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat.core.transcript import Transcript
from chat.history import conversations, deletions
from chat.history.recorder import TurnRecorder
from chat.models import Conversation, Message
from chat.storage.db_executor import DatabaseUnavailable
from observability import metrics
from tests.support.deletions import delete_before_insert
from tests.support.outages import break_database, break_redis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("ai", "_no_database_at_the_start")]


@pytest.fixture
def _no_database_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    start = TurnRecorder.start

    def start_during_outage(self: TurnRecorder, run_id: str) -> None:
        with monkeypatch.context() as outage:
            break_database(outage)
            start(self, run_id)

    monkeypatch.setattr(TurnRecorder, "start", start_during_outage)


def at_the_end(monkeypatch: pytest.MonkeyPatch, happens: Callable[[TurnRecorder, pytest.MonkeyPatch], Any]) -> None:
    complete = TurnRecorder.complete

    def complete_after(self: TurnRecorder, transcript: Transcript) -> None:
        with monkeypatch.context() as during:
            happens(self, during)
            complete(self, transcript)

    monkeypatch.setattr(TurnRecorder, "complete", complete_after)


def unsaved() -> float:
    return metrics.UNSAVED_MESSAGES._value.get()


def test_it_is_stored_and_not_counted(visitor):
    before = unsaved()
    assert visitor.ask("Bonjour ?").json()["saved"] is True
    assert Message.objects.count() == 2
    assert unsaved() == before


def test_it_counts_once_as_unsaved_if_redis_cannot_tell_whether_the_person_has_deleted_it(visitor, monkeypatch):
    at_the_end(monkeypatch, lambda _, during: break_redis(during))
    before = unsaved()
    assert visitor.ask("Bonjour ?").json()["saved"] is False
    assert not Message.objects.exists()
    assert unsaved() == before + 1


@pytest.mark.parametrize("everything", [True, False])
def test_it_does_not_count_if_the_person_has_deleted_it(visitor, monkeypatch, everything):
    def delete(recorder: TurnRecorder, _: pytest.MonkeyPatch) -> None:
        ref = recorder.conversation
        deletions.mark(ref.owner, None if everything else ref.public_id)

    at_the_end(monkeypatch, delete)
    before = unsaved()
    assert visitor.ask("Bonjour ?").json()["saved"] is False
    assert not Message.objects.exists()
    assert unsaved() == before


def test_it_does_not_come_back_after_a_deletion_while_it_is_stored(visitor, monkeypatch):
    delete_before_insert(monkeypatch)
    before = unsaved()
    assert visitor.ask("Bonjour ?").json()["saved"] is False
    assert not Conversation.objects.exists()
    assert unsaved() == before


def test_a_deletion_meanwhile_leaves_the_earlier_turns_of_a_conversation_that_could_not_be_found(visitor, monkeypatch):
    first = visitor.ask("Bonjour ?").json()
    delete_before_insert(monkeypatch)
    monkeypatch.setattr(conversations, "_load", load_during_outage)
    second = visitor.ask("Et ensuite ?", conversationId=first["conversationId"]).json()
    assert (first["saved"], second["saved"]) == (True, False)
    assert [message.text for message in Message.objects.all()] == ["Bonjour ?", first["response"]]


def test_it_does_not_come_back_by_a_write_of_its_start_that_the_database_does_after_the_deletion(visitor, monkeypatch):
    def delete_and_write(recorder: TurnRecorder, _: pytest.MonkeyPatch) -> None:
        deletions.mark(recorder.conversation.owner)  # there are no rows yet
        recorder._insert(Message(status=Message.Status.PENDING, run_id="run", receipt={}))

    at_the_end(monkeypatch, delete_and_write)
    assert visitor.ask("Bonjour ?").json()["saved"] is False
    assert not Conversation.objects.exists()


def test_it_is_completed_without_redis_if_the_database_has_done_its_start_nevertheless(visitor, monkeypatch):
    def write_without_redis(recorder: TurnRecorder, during: pytest.MonkeyPatch) -> None:
        recorder._insert(Message(status=Message.Status.PENDING, run_id="run", receipt={}))
        break_redis(during)

    at_the_end(monkeypatch, write_without_redis)
    assert visitor.ask("Bonjour ?").json()["saved"] is True
    assert [message.status for message in Message.objects.order_by("id")] == ["complete", "complete"]


def test_a_turn_of_a_stored_conversation_is_saved_without_redis(visitor, monkeypatch):
    first = visitor.ask("Bonjour ?").json()
    at_the_end(monkeypatch, lambda _, during: break_redis(during))
    assert visitor.ask("Et ensuite ?", conversationId=first["conversationId"]).json()["saved"] is True
    assert Message.objects.count() == 4


def load_during_outage(*_: object) -> None:
    raise DatabaseUnavailable("unavailable")
