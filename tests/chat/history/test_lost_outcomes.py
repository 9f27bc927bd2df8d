"""A pending answer whose run is led by another process, which may be well although it can't be reached."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_redis import get_redis_connection

from chat import runs
from chat.core.events import Delta, Event, Finish, Start
from chat.core.transcript import Transcript
from chat.history import recorder
from chat.models import Conversation, Message, new_public_id
from chat.pipeline.conversation_control import MAX_ANSWER_TIME
from chat.runs import redis_log
from chat.runs.run import Run
from tests.support.polling import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("ai")]

LEADER = "other-process"
WHOLE: list[Event] = [Start(), Delta("Voici."), Finish("ai")]


def publish(run_id: str, first: int, *events: Event) -> None:
    run = Run(run_id, "public:question")
    run.publication.count = first
    redis_log.renew_lease(LEADER)
    assert redis_log.publish(LEADER, [(run, events)])


@pytest.fixture
def pending(visitor) -> Message:
    """An answer of the visitor that another process has begun."""
    visitor.ask("Bonjour")
    row = Conversation.objects.get()
    message = Message.objects.create(conversation=row, role="assistant", status="pending", run_id=new_public_id())
    publish(message.run_id, 0, *WHOLE[:2])
    return message


def look(visitor, message: Message, how: str) -> None:
    conversation = message.conversation.public_id
    if how == "history":
        visitor.get("/api/chat/history", {"conversationId": conversation})
    else:
        reply = visitor.get(f"/api/chat/{conversation}/stream")
        assert b'"ending":"interrupted"' in b"".join(reply.streaming_content)


def look_in_vain(visitor, message: Message, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look while the log can't be read."""
    with monkeypatch.context() as outage:
        outage.setattr(redis_log, "tail", lambda *_: None)
        look(visitor, message, how)
        eventually(lambda: message.run_id not in runs._broker._runs)


@pytest.mark.parametrize("how", ["history", "stream"])
def test_who_looks_at_it_does_not_end_it_while_redis_is_away(visitor, pending, monkeypatch, how):
    look_in_vain(visitor, pending, how, monkeypatch)
    pending.refresh_from_db()
    assert pending.status == "pending"
    publish(pending.run_id, 2, WHOLE[2])
    look(visitor, pending, "history")
    eventually(lambda: Message.objects.get(pk=pending.pk).status == "complete")


@pytest.mark.parametrize("how", ["history", "stream"])
def test_who_looks_at_it_ends_it_once_no_answer_takes_that_long(visitor, pending, monkeypatch, how):
    Message.objects.filter(pk=pending.pk).update(created_at=timezone.now() - MAX_ANSWER_TIME - timedelta(seconds=1))
    look_in_vain(visitor, pending, how, monkeypatch)
    pending.refresh_from_db()
    assert pending.status == "interrupted"


@pytest.mark.parametrize("how", ["history", "stream"])
def test_who_looks_at_it_ends_it_if_its_leader_is_dead_and_the_leader_that_was_only_paused_corrects_it(
    visitor, pending, how
):
    get_redis_connection("default").delete(f"bff:process:{LEADER}")
    look(visitor, pending, how)
    eventually(lambda: Message.objects.get(pk=pending.pk).status == "interrupted")
    assert recorder.save_outcome(pending, Transcript(WHOLE))
    pending.refresh_from_db()
    assert (pending.status, pending.text) == ("complete", "Voici.")
