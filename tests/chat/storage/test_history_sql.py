"""history_sql: both implementations of `insert` behave the same."""

from __future__ import annotations

import pytest
from django.db import IntegrityError
from django.utils import timezone

from chat.models import Conversation, Message
from chat.storage import history_sql

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(
    params=[history_sql._in_one_statement, history_sql._in_one_transaction], ids=["statement", "transaction"]
)
def insert(request):
    return request.param


def a_turn() -> list[Message]:
    """A question with SQL metacharacters, and an answer with a value in every kind of column."""
    question = Message(role="user", text="L'AEEH ? '); DROP TABLE chat_message; -- 100 % \\ \n", correlation_id="req-1")
    sources = [{"id": "1", "title": "CAF – l'AEEH", "url": "https://www.caf.fr"}]
    answer = Message(
        role="assistant", text="Oui %s {}", origin="stale", degraded={"reason": "timeout"}, sources=sources
    )
    return [question, answer]


def test_inserted_messages_are_read_back_in_order(insert):
    conversation = Conversation(owner="me", title="L'AEEH ?")
    written = a_turn()
    insert(conversation, written)
    rows = list(Conversation.objects.get(owner="me").messages.all())
    names = [field.name for field in Message._meta.fields if field.name not in ("id", "conversation")]
    assert [[getattr(row, name) for name in names] for row in rows] == [
        [getattr(message, name) for name in names] for message in written
    ]
    assert conversation.pk == Conversation.objects.get(owner="me").pk


def test_insert_continues_an_existing_conversation(insert):
    conversation = Conversation.objects.create(owner="me", title="L'AEEH ?")
    conversation.updated_at = timezone.now()
    insert(conversation, a_turn())
    insert(conversation, a_turn())
    again = Conversation.objects.get(owner="me")
    assert (again.messages.count(), again.updated_at, again.title) == (4, conversation.updated_at, "L'AEEH ?")


def test_two_new_conversations_with_the_same_id_and_owner_become_one(insert):
    for owner in ("me", "me", "somebody else"):
        insert(Conversation(owner=owner, public_id="chosen", title=owner), a_turn())
    assert [row.messages.count() for row in Conversation.objects.order_by("pk")] == [4, 2]


def test_pending_answer_is_completed_once(insert):
    question, answer = a_turn()
    answer.status = Message.Status.PENDING
    insert(Conversation(owner="me", title="A"), [question, answer])
    columns = {
        "text": "L'AEEH ? '); DROP TABLE chat_message; -- 100 % \\ {}",
        "status": Message.Status.INTERRUPTED,
        "degraded": None,
        "sources": [{"id": "1", "title": "CAF – l'AEEH %s"}],
        "receipt": {"making": {"attempts": [{"number": 1, "waitMs": 0}]}},
    }
    assert history_sql.complete_pending(answer.public_id, columns)
    row = Message.objects.get(public_id=answer.public_id)
    assert {name: getattr(row, name) for name in columns} == columns
    assert not history_sql.complete_pending(answer.public_id, columns)
    assert Message.objects.get(public_id=question.public_id).text == question.text


@pytest.mark.parametrize(
    ("stored", "outcome", "is_replaced"),
    [
        ("interrupted", "complete", True),
        ("interrupted", "stopped", True),
        ("interrupted", "interrupted", False),
        ("complete", "interrupted", False),
        ("stopped", "complete", False),
        ("complete", "length", False),
    ],
)
def test_an_answer_that_only_seemed_interrupted_gets_its_outcome(stored, outcome, is_replaced):
    question, answer = a_turn()
    answer.status = Message.Status(stored)
    history_sql.insert(Conversation(owner="me", title="A"), [question, answer])
    columns = {"text": "Voici.", "status": Message.Status(outcome)}
    assert history_sql.complete_pending(answer.public_id, columns) is is_replaced
    row = Message.objects.get(public_id=answer.public_id)
    assert (row.text, row.status) == (("Voici.", outcome) if is_replaced else (answer.text, stored))


def test_lone_surrogates_are_saved_as_question_marks():
    question, answer = a_turn()
    answer.status, answer.suggestions = Message.Status.PENDING, ["Et \ud83d ?"]
    history_sql.insert(Conversation(owner="me", title="A"), [question, answer])
    assert history_sql.complete_pending(answer.public_id, {"sources": [{"title": "\ud83d"}]})
    row = Message.objects.get(public_id=answer.public_id)
    assert (row.suggestions, row.sources) == (["Et ? ?"], [{"title": "?"}])


def test_nothing_is_saved_if_a_message_exists_already(insert):
    question, answer = a_turn()
    insert(Conversation(owner="me", title="A"), [question, answer])
    with pytest.raises(IntegrityError):
        insert(
            Conversation(owner="you", title="B"), [a_turn()[0], Message(role="assistant", public_id=answer.public_id)]
        )
    assert (Conversation.objects.count(), Message.objects.count()) == (1, 2)


def test_nothing_is_saved_in_a_deleted_conversation(insert):
    conversation = Conversation.objects.create(owner="me", title="L'AEEH ?")
    Conversation.objects.all().delete()
    with pytest.raises(IntegrityError):
        insert(Conversation(pk=conversation.pk or 4711, owner="me"), a_turn())
    assert not Message.objects.exists()
