"""The calls of the project's first web client, unchanged: it sends a `userId` and reads fields of its own."""

from __future__ import annotations

import base64

import pytest

from chat.models import Conversation, Message

pytestmark = pytest.mark.django_db(transaction=True)

SOMEBODY = {"userId": "somebody-else"}


def test_a_message_is_answered_whoever_the_body_says_it_is_from(visitor, ai):
    answer = visitor.ask("Bonjour", **SOMEBODY).json()
    assert answer["response"]
    assert answer["timestamp"]
    assert Conversation.objects.get(public_id=answer["conversationId"]).owner.startswith("visitor-")


def test_without_an_id_the_history_is_the_latest_conversation(visitor, ai):
    visitor.ask("Qu'est-ce que la PCH ?")
    latest = visitor.ask("Qu'est-ce que l'AEEH ?", **SOMEBODY).json()
    page = visitor.get("/api/chat/history", SOMEBODY).json()
    question, answer = page["messages"]
    assert page["conversationId"] == latest["conversationId"]
    assert page["context"] == {}
    assert (question["role"], question["content"]) == ("user", "Qu'est-ce que l'AEEH ?")
    assert (answer["role"], answer["content"]) == ("assistant", latest["response"])
    assert answer["id"] == latest["messageId"]
    assert all(set(message) == {"id", "role", "content", "timestamp"} for message in page["messages"])
    assert [item["id"] for item in page["items"]] == [message["id"] for message in page["messages"]]


def test_the_latest_conversation_shows_its_newest_messages(visitor, ai):
    row = Conversation.objects.get(public_id=visitor.ask("Bonjour").json()["conversationId"])
    Message.objects.bulk_create(Message(conversation=row, role="user", text=str(n)) for n in range(60))
    texts = [message["content"] for message in visitor.get("/api/chat/history").json()["messages"]]
    assert texts == [str(n) for n in range(10, 60)]


def test_the_history_of_somebody_new_is_empty(visitor, another_visitor, ai):
    visitor.ask("Bonjour")
    page = another_visitor.get("/api/chat/history", SOMEBODY)
    assert page.status_code == 200
    assert page.json() == {"conversationId": None, "items": [], "messages": [], "context": {}, "next": None}


def test_an_answer_that_is_still_being_written_is_no_empty_message(visitor, ai):
    row = Conversation.objects.get(public_id=visitor.ask("Bonjour").json()["conversationId"])
    Message.objects.create(conversation=row, role="user", text="Et ensuite ?")
    Message.objects.create(conversation=row, role="assistant", status="pending")
    page = visitor.get("/api/chat/history").json()
    assert [message["role"] for message in page["messages"]] == ["user", "assistant", "user"]
    assert page["items"][-1]["status"] == "pending"


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "Vos conversations sont effacées."), ("en", "Your conversations are deleted.")]
)
def test_a_reset_says_that_it_succeeded_and_deletes_nobody_elses(visitor, another_visitor, ai, language, words):
    for person in (visitor, another_visitor):
        person.ask("Bonjour")
    others = Conversation.objects.latest("id").owner
    headers = {"Accept-Language": language}
    reply = visitor.delete("/api/chat/reset", {"userId": others}, content_type="application/json", headers=headers)
    assert reply.json() == {"deleted": 1, "success": True, "message": words}
    assert Conversation.objects.get().owner == others


@pytest.mark.parametrize("misspelt", ["conversationID", "conversation", "id", "conversations"])
def test_a_misspelt_conversation_id_never_means_all(visitor, ai, misspelt):
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    body = {**SOMEBODY, misspelt: conversation}
    assert visitor.delete("/api/chat/reset", body, content_type="application/json").status_code == 422
    assert Conversation.objects.count() == 1


@pytest.mark.parametrize("prefix", ["", "data:text/plain;base64,"])
def test_a_document_is_analysed(visitor, ai, prefix):
    text = "Votre demande du 3 mars 2026 est acceptée. Montant : 153,01 euros."
    document = prefix + base64.b64encode(text.encode()).decode() if prefix else text
    body = {"document": document, "documentType": "mdph", **SOMEBODY}
    reply = visitor.post_json("/api/chat/analyze-document", body).json()
    assert reply["analysis"]
    assert reply["suggestions"]
    assert reply["extractedData"]["dates"][0]["iso"] == "2026-03-03"


def test_errors_have_a_code_and_a_message_beside_the_problem(visitor, ai):
    unknown = visitor.ask("Bonjour", conversationId="not-mine").json()
    invalid = visitor.ask("").json()
    unreadable = visitor.post_json(
        "/api/chat/analyze-document", {"document": base64.b64encode(b"MZ\x90\0\3\0\0\0" * 40).decode()}
    ).json()
    assert (unknown["status"], unknown["error"]["code"]) == (404, "not_found")
    assert invalid["error"] == {"code": "invalid", "message": invalid["detail"]}
    assert unreadable["error"] == {"code": unreadable["errors"][0]["code"], "message": unreadable["detail"]}
