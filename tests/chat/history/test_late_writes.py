"""What could not be saved in time is saved soon after, unless the person has gone on or deleted it meanwhile."""

from __future__ import annotations

from functools import partial

import pytest

from chat.history import deletions, late_writes
from chat.history.late_writes import LateWriteQueue
from chat.models import Message
from observability import metrics
from tests.support.deletions import delete_before_insert
from tests.support.outages import break_database
from tests.support.polling import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_queue():
    yield
    eventually(lambda: not late_writes.queue._is_running)


def ask_during_outage(visitor, monkeypatch, message="Bonjour ?", **body):
    with monkeypatch.context() as outage:
        break_database(outage)
        answer = visitor.ask(message, **body).json()
    assert answer["saved"] is False
    return answer


def save(saved: list[int], number: int) -> bool:
    saved.append(number)
    return True


def is_stored(answer) -> bool:
    return Message.objects.filter(public_id=answer["messageId"]).exists()


def test_an_answer_reported_as_unsaved_is_saved_late(visitor, ai, monkeypatch):
    monkeypatch.setattr(late_writes, "RETRY_SECONDS", 0.01)
    answer = ask_during_outage(visitor, monkeypatch)
    eventually(lambda: is_stored(answer))
    history = visitor.get("/api/chat/history", {"conversationId": answer["conversationId"]}).json()
    assert [item["text"] for item in history["items"]] == ["Bonjour ?", answer["response"]]


def test_a_turn_counts_once_as_unsaved_and_once_as_saved_late(visitor, ai, monkeypatch):
    monkeypatch.setattr(late_writes, "RETRY_SECONDS", 0.01)
    unsaved, saved_late = (metric._value.get() for metric in (metrics.UNSAVED_MESSAGES, metrics.SAVED_LATE_MESSAGES))
    answer = ask_during_outage(visitor, monkeypatch)
    assert metrics.UNSAVED_MESSAGES._value.get() == unsaved + 1
    eventually(lambda: is_stored(answer) and metrics.SAVED_LATE_MESSAGES._value.get() == saved_late + 1)


def test_what_a_person_deletes_meanwhile_does_not_come_back(visitor, ai, monkeypatch):
    monkeypatch.setattr(late_writes, "RETRY_SECONDS", 2.0)
    answer = ask_during_outage(visitor, monkeypatch)
    assert visitor.delete("/api/me").status_code == 200
    eventually(lambda: not late_writes.queue._is_running)
    assert not is_stored(answer)


def test_what_a_person_deletes_while_it_is_stored_late_does_not_come_back(visitor, ai, monkeypatch):
    monkeypatch.setattr(late_writes, "RETRY_SECONDS", 0.01)
    delete_before_insert(monkeypatch)
    answer = ask_during_outage(visitor, monkeypatch)
    eventually(lambda: not late_writes.queue._is_running)
    assert not is_stored(answer)


def test_an_earlier_turn_does_not_appear_after_a_later_one(visitor, ai, monkeypatch):
    monkeypatch.setattr(late_writes, "RETRY_SECONDS", 2.0)
    earlier = ask_during_outage(visitor, monkeypatch)
    later = visitor.ask("Et ensuite ?", conversationId=earlier["conversationId"]).json()
    assert later["saved"] is True
    eventually(lambda: not late_writes.queue._is_running)
    assert not is_stored(earlier)


def test_without_redis_a_late_answer_is_given_up_because_it_may_be_deleted(visitor, ai, monkeypatch):
    monkeypatch.setattr(late_writes, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(deletions, "was_deleted", lambda owner, public_id, since: None)
    answer = ask_during_outage(visitor, monkeypatch)
    eventually(lambda: not late_writes.queue._is_running)
    assert not is_stored(answer)


def test_the_queue_is_bounded(monkeypatch):
    monkeypatch.setattr(late_writes, "RETRY_SECONDS", 0.01)
    saved: list[int] = []
    queue = LateWriteQueue(limit=2)
    with monkeypatch.context() as outage:
        break_database(outage)
        for number in range(3):
            queue.add(partial(save, saved, number))
    eventually(lambda: not queue._is_running)
    assert saved == [0, 1]


def test_an_old_write_is_given_up(monkeypatch):
    monkeypatch.setattr(late_writes, "LATE_WRITE_SECONDS", 0.0)
    saved: list[int] = []
    queue = LateWriteQueue()
    queue.add(partial(save, saved, 1))
    eventually(lambda: not queue._is_running)
    assert saved == []
