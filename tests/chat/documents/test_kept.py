"""A document that the person keeps: saved in the conversation, used by the next questions, deleted with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from chat.history.kept_document import MAX_CHARACTERS
from chat.models import Message
from tests.support import document_files
from tests.support.fake_upstream import Serve, stream_response
from tests.support.sse import parse_parts

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/chat/analyze-document"
FOLLOW_UP = "Et si je ne suis pas d'accord ?"


@pytest.fixture
def upstream(serve: Serve):
    return serve(stream_response("Votre demande est refusée. Vous pouvez faire un recours."))


def prompt_of(upstream: Any) -> list[dict[str, str]]:
    """The messages of the latest request to the AI."""
    messages: list[dict[str, str]] = json.loads(upstream.requests[-1].partition(b"\r\n\r\n")[2])["messages"]
    return messages


def keep(visitor: Any, text: str = document_files.LETTER, **fields: Any) -> dict[str, Any]:
    body = {"document": text, "documentType": "mdph", "fileName": "lettre.pdf", "keep": True} | fields
    reply: dict[str, Any] = visitor.post_json(PATH, body).json()
    return reply


def test_a_document_is_not_kept_unless_asked(visitor, upstream):
    reply = keep(visitor, keep=False)
    assert (reply["conversationId"], reply["saved"]) == (None, False)
    assert not Message.objects.exists()


def test_a_follow_up_question_is_answered_with_the_letter(visitor, upstream):
    reply = keep(visitor)
    assert reply["saved"]
    assert visitor.ask(FOLLOW_UP, conversationId=reply["conversationId"]).json()["saved"]
    system, *turns, question = prompt_of(upstream)
    assert [turn["role"] for turn in turns] == ["user", "assistant"]
    assert "recours" in turns[1]["content"]
    assert "<document-" in question["content"]
    assert "échéance : 2026-04-15" in question["content"]
    assert question["content"].endswith(FOLLOW_UP)
    tag = question["content"].partition("<")[2].partition(">")[0]
    assert tag in system["content"]


def test_a_conversation_without_a_letter_has_none_in_its_prompt(visitor, upstream):
    first = visitor.ask("Comment demander l'AEEH ?").json()
    visitor.ask(FOLLOW_UP, conversationId=first["conversationId"])
    assert not any("<document-" in message["content"] for message in prompt_of(upstream))


def test_a_letter_joins_the_conversation_and_its_history(visitor, upstream):
    first = visitor.ask("Comment demander l'AEEH ?").json()
    reply = keep(visitor, conversationId=first["conversationId"])
    assert reply["conversationId"] == first["conversationId"]
    history = visitor.get("/api/chat/history", {"conversationId": first["conversationId"]}).json()["items"]
    *_, question, answer = history
    assert question["text"].endswith("lettre.pdf")
    assert question["document"]["fileName"] == "lettre.pdf"
    assert question["document"]["extractedData"] == reply["extractedData"]
    assert (answer["text"], answer["document"]) == (reply["analysis"], None)
    assert b"lettre.pdf" in b"".join(visitor.get("/api/me/export"))


def test_the_streamed_reply_names_its_conversation(visitor, upstream):
    upload = {"file": SimpleUploadedFile("lettre.txt", document_files.LETTER.encode()), "keep": "true"}
    parts = list(parse_parts(visitor.post(PATH, upload, headers={"Accept": "text/event-stream"})))
    [stored] = Message.objects.filter(role="assistant").select_related("conversation")
    assert parts[0]["messageMetadata"]["conversationId"] == stored.conversation.public_id
    assert parts[0]["messageId"] == stored.public_id
    assert parts[-1]["messageMetadata"]["saved"] is True


def test_what_is_kept_is_masked_and_bounded(visitor, upstream):
    number = "2 79 11 99 045 118 04"
    reply = keep(visitor, f"N° de sécurité sociale : {number}\n" + "Une longue lettre de la MDPH.\n" * 2000)
    stored = Message.objects.get(role="user")
    assert "99 045 118" not in json.dumps(stored.document)
    assert stored.document
    assert len(stored.document["text"]) <= MAX_CHARACTERS
    assert reply["saved"]


def test_a_letter_is_not_kept_in_the_conversation_of_another(visitor, another_visitor, upstream):
    reply = keep(visitor)
    body = {"document": document_files.LETTER, "keep": True, "conversationId": reply["conversationId"]}
    assert another_visitor.post_json(PATH, body).status_code == 404


def test_the_answer_to_a_follow_up_belongs_to_its_letter(visitor, upstream):
    for text in (document_files.LETTER, document_files.LETTER.replace("15 avril", "16 avril")):
        reply = keep(visitor, text)
        visitor.ask(FOLLOW_UP, conversationId=reply["conversationId"])
        day = "2026-04-16" if "16 avril" in text else "2026-04-15"
        assert f"échéance : {day}" in prompt_of(upstream)[-1]["content"]
