"""Regenerated answers and edited questions in the AI SDK's body: the messages they replace, and those they keep."""

from __future__ import annotations

from typing import Any

import pytest

from chat.core.transcript import Transcript
from chat.history import conversations
from chat.history.recorder import TurnRecorder
from chat.models import Conversation, Message
from chat.storage import answer_cache
from chat.storage.db_executor import DatabaseUnavailable
from chat.upstream import compose

pytestmark = pytest.mark.django_db(transaction=True)


def message(text: str, number: str, role: str = "user") -> dict[str, Any]:
    return {"id": number, "role": role, "parts": [{"type": "text", "text": text}]}


def send(person, *messages: dict[str, Any], trigger: str = "submit-message", **options: Any) -> Any:
    body = {"id": "chosen", "messages": messages, "trigger": trigger, **options}
    reply = person.post_json("/api/chat/stream", body)
    assert reply.status_code == 200, reply.content
    return b"".join(reply.streaming_content)


def texts() -> list[str]:
    return [row.text if row.role == "user" else "A" for row in Message.objects.order_by("id")]


@pytest.fixture
def turns_sent(monkeypatch) -> list[list[str]]:
    """The earlier turns of each question sent to the AI."""
    sent: list[list[str]] = []
    build = compose.chat

    def record(ai, question, passages, help_lines):
        sent.append([turn.text for turn in question.history])
        return build(ai, question, passages, help_lines)

    monkeypatch.setattr(compose, "chat", record)
    return sent


def test_the_ai_does_not_see_the_question_twice(visitor, ai, turns_sent):
    send(visitor, message("Un", "q1"))
    send(visitor, message("Deux", "q2"))
    send(visitor, message("Deux", "q2"), trigger="regenerate-message")
    assert texts() == ["Un", "A", "Deux", "A"]
    assert turns_sent[2] == turns_sent[1]
    assert [turn for turn in turns_sent[2] if turn == "Deux"] == []


@pytest.mark.parametrize("is_start_stored", [True, False])
def test_a_regenerated_answer_whose_start_is_not_confirmed_deletes_no_turn_after_it(
    visitor, ai, monkeypatch, is_start_stored
):
    send(visitor, message("Un", "q1"))
    start, complete = TurnRecorder.start, TurnRecorder.complete

    def start_without_reply(self: TurnRecorder, run_id: str) -> None:
        if is_start_stored:
            start(self, run_id)
        self.is_started, self.must_check_deletion = False, True

    def complete_after_another_turn(self: TurnRecorder, transcript: Transcript) -> None:
        row = Conversation.objects.get()
        Message.objects.create(conversation=row, role="user", text="Deux")
        Message.objects.create(conversation=row, role="assistant", text="Voici.")
        complete(self, transcript)

    monkeypatch.setattr(TurnRecorder, "start", start_without_reply)
    monkeypatch.setattr(TurnRecorder, "complete", complete_after_another_turn)
    frames = send(visitor, message("Un", "q1"), trigger="regenerate-message")
    assert (b'"saved":true' in frames) is is_start_stored
    assert texts() == ["Un", "A", "Deux", "A"]
    assert not Message.objects.filter(status="pending").exists()


@pytest.mark.parametrize("clock_is_ahead", [0, 60])
def test_a_regenerated_answer_is_not_taken_from_the_cache(visitor, ai, monkeypatch, clock_is_ahead):
    """Another host, whose clock may be ahead, may have cached it."""
    encode = answer_cache._encode_envelope
    monkeypatch.setattr(
        answer_cache,
        "_encode_envelope",
        lambda answer, created, *rest: encode(answer, created + clock_is_ahead, *rest),
    )
    send(visitor, message("Qu'est-ce que la PCH ?", "q1"))
    send(visitor, message("Qu'est-ce que la PCH ?", "q1"), trigger="regenerate-message")
    assert ai.calls == 2


def test_a_question_is_asked_again_although_the_database_goes_away_before_its_answer_is_looked_for(
    visitor, ai, monkeypatch
):
    def pending_answer(owner: str, public_id: str) -> Message | None:
        raise DatabaseUnavailable("gone")

    send(visitor, message("Un", "q1"))
    monkeypatch.setattr(conversations, "pending_answer", pending_answer)
    send(visitor, message("Un", "q1"), trigger="regenerate-message")
    assert ai.calls == 2


def test_a_question_stored_without_the_clients_id_is_found_by_its_text(visitor, ai):
    visitor.post_json("/api/chat/stream", {"id": "chosen", "messages": [{"role": "user", "content": "Un"}]}).getvalue()
    send(visitor, message("Un", "later"), trigger="regenerate-message")
    assert texts() == ["Un", "A"]


@pytest.mark.parametrize(
    ("again", "stored"),
    [
        ([("Deux", "q2")], ["Un", "A", "Deux", "A"]),
        ([("Deux", "q2"), ("Deux", "q2")], ["Un", "A", "Deux", "A"]),
        ([("Trois", "q3"), ("Deux", "q2")], ["Un", "A", "Deux", "A", "Trois", "A", "Deux", "A"]),
        ([("Un", "q1")], ["Un", "A", "Deux", "A", "Un", "A"]),
        ([("Deux", "other")], ["Un", "A", "Deux", "A", "Deux", "A"]),
        (
            [("Trois", "q2")],
            ["Un", "A", "Deux", "A", "Trois", "A"],
        ),  # a client that counts nothing: every id is the same
    ],
    ids=["again", "twice", "after another", "an earlier one", "the text only", "the id only"],
)
def test_a_latest_question_whose_reply_was_lost_takes_its_own_place(visitor, ai, turns_sent, again, stored):
    send(visitor, message("Un", "q1"))
    send(visitor, message("Deux", "q2"))
    for text, number in again:
        send(visitor, message(text, number))
    assert texts() == stored
    assert turns_sent[-1].count("Deux") == stored[:-2].count("Deux")


@pytest.mark.parametrize(
    ("trigger", "options"),
    [
        ("regenerate-message", {"messageId": "unknown"}),
        ("submit-message", {"messageId": "unknown"}),
        ("submit-message", {"messageId": ""}),
        ("submit-message", {"messageId": None}),
        ("submit-message", {"messageId": ["q1"]}),
        ("submit-message", {"messageId": "q1%"}),
        ("something-new", {"messageId": "q1"}),
        (7, {"messageId": "q1"}),
        ("submit-message", {}),
    ],
)
def test_what_is_not_known_replaces_nothing(visitor, ai, trigger, options):
    send(visitor, message("Un", "q1"))
    send(visitor, message("Deux", "q2"), trigger=trigger, **options)
    assert texts() == ["Un", "A", "Deux", "A"]


def test_another_persons_message_is_never_replaced(visitor, another_visitor, ai):
    send(visitor, message("Un", "q1"))
    answer = Message.objects.get(role="assistant").public_id
    send(another_visitor, message("Un", "q1"), trigger="regenerate-message", messageId=answer)
    send(another_visitor, message("Autre", "q1"), messageId=answer)
    assert texts()[:2] == ["Un", "A"]
    assert Conversation.objects.count() == 2


def test_an_edited_first_question_renames_the_conversation(visitor, ai):
    send(visitor, message("Un", "q1"))
    send(visitor, message("Deux", "q2"))
    send(visitor, message("Trois", "q1"), messageId="q1")
    assert texts() == ["Trois", "A"]
    assert Conversation.objects.get().title == "Trois"


def test_a_replaced_answer_is_kept_while_the_new_one_can_not_be_saved(visitor, ai, monkeypatch):
    from django.db import IntegrityError

    from chat.storage import history_sql

    send(visitor, message("Un", "q1"))

    def fail(*_: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(history_sql, "insert", fail)
    send(visitor, message("Deux", "q1"), messageId="q1")
    assert texts() == ["Un", "A"]


def test_internal_fields_of_the_body_are_not_the_clients(visitor, ai):
    """`{message}` with names that the server uses for itself replaces and allows nothing."""
    send(visitor, message("Un", "q1"))
    body = {"message": "Deux", "conversationId": "not-mine", "idIsFromClient": True, "replacedId": "q1"}
    assert visitor.post_json("/api/chat/stream", body).status_code == 404
    body = {"message": "Deux", "conversationId": "chosen", "trigger": "regenerate-message", "questionId": "q1"}
    visitor.post_json("/api/chat/stream", body).getvalue()
    assert texts() == ["Un", "A", "Deux", "A"]
