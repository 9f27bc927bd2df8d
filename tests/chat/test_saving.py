"""Both ways into the tables keep the same promise."""

from __future__ import annotations

import pytest
from django.db import IntegrityError
from django.utils import timezone

from chat import saving
from chat.models import Conversation, Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[saving._in_one_statement, saving._in_one_transaction], ids=["statement", "transaction"])
def save(request):
    return request.param


def said() -> list[Message]:
    """A question that could break out of a statement, and an answer with every kind of column."""
    question = Message(role="user", text="L'AEEH ? '); DROP TABLE chat_message; -- 100 % \\ \n", correlation_id="req-1")
    sources = [{"id": "1", "title": "CAF – l'AEEH", "url": "https://www.caf.fr"}]
    answer = Message(
        role="assistant", text="Oui %s {}", origin="stale", degraded={"reason": "timeout"}, sources=sources
    )
    return [question, answer]


def test_what_is_saved_is_read_back_in_order(save):
    conversation = Conversation(owner="me", title="L'AEEH ?")
    written = said()
    save(conversation, written)
    rows = list(Conversation.objects.get(owner="me").messages.all())
    names = [field.name for field in Message._meta.fields if field.name not in ("id", "conversation")]
    assert [[getattr(row, name) for name in names] for row in rows] == [
        [getattr(message, name) for name in names] for message in written
    ]
    assert conversation.pk == Conversation.objects.get(owner="me").pk


def test_a_known_conversation_is_gone_on_with(save):
    conversation = Conversation.objects.create(owner="me", title="L'AEEH ?")
    conversation.updated_at = timezone.now()
    save(conversation, said())
    save(conversation, said())
    again = Conversation.objects.get(owner="me")
    assert (again.messages.count(), again.updated_at, again.title) == (4, conversation.updated_at, "L'AEEH ?")


def test_who_begins_a_conversation_a_moment_later_joins_it(save):
    for owner in ("me", "me", "somebody else"):
        save(Conversation(owner=owner, public_id="chosen", title=owner), said())
    assert [row.messages.count() for row in Conversation.objects.order_by("pk")] == [4, 2]


def test_the_end_of_a_pending_answer_is_saved_once(save):
    question, answer = said()
    answer.status = Message.Status.PENDING
    save(Conversation(owner="me", title="A"), [question, answer])
    columns = {
        "text": "L'AEEH ? '); DROP TABLE chat_message; -- 100 % \\ {}",
        "status": Message.Status.INTERRUPTED,
        "degraded": None,
        "sources": [{"id": "1", "title": "CAF – l'AEEH %s"}],
        "receipt": {"making": {"attempts": [{"number": 1, "waitMs": 0}]}},
    }
    assert saving.end(answer.public_id, columns)
    row = Message.objects.get(public_id=answer.public_id)
    assert {name: getattr(row, name) for name in columns} == columns
    assert not saving.end(answer.public_id, columns)
    assert Message.objects.get(public_id=question.public_id).text == question.text


def test_half_an_emoji_costs_no_answer_its_place():
    question, answer = said()
    answer.status, answer.suggestions = Message.Status.PENDING, ["Et \ud83d ?"]
    saving.save(Conversation(owner="me", title="A"), [question, answer])
    assert saving.end(answer.public_id, {"sources": [{"title": "\ud83d"}]})
    row = Message.objects.get(public_id=answer.public_id)
    assert (row.suggestions, row.sources) == (["Et ? ?"], [{"title": "?"}])


def test_nothing_is_saved_where_a_message_is_there_already(save):
    question, answer = said()
    save(Conversation(owner="me", title="A"), [question, answer])
    with pytest.raises(IntegrityError):
        save(Conversation(owner="you", title="B"), [said()[0], Message(role="assistant", public_id=answer.public_id)])
    assert (Conversation.objects.count(), Message.objects.count()) == (1, 2)


def test_nothing_is_saved_in_a_conversation_that_was_deleted_meanwhile(save):
    conversation = Conversation.objects.create(owner="me", title="L'AEEH ?")
    Conversation.objects.all().delete()
    with pytest.raises(IntegrityError):
        save(Conversation(pk=conversation.pk or 4711, owner="me"), said())
    assert not Message.objects.exists()
