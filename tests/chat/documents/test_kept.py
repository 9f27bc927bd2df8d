"""A document that the person keeps: saved in the conversation, used by the next questions, deleted with it."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from chat.documents import reading
from chat.history import deletions
from chat.history.kept_document import MAX_CHARACTERS
from chat.models import Conversation, Message
from chat.storage import answer_cache
from chat.upstream.dialogue import tokens_of
from chat.upstream.prompts import LETTER_TOKENS
from tests.support import document_files
from tests.support.deletions import delete_before_insert
from tests.support.fake_upstream import Serve, stream_response
from tests.support.outages import break_redis
from tests.support.polling import eventually
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


@pytest.mark.parametrize("length", [200, 201, 255, 300])
def test_a_long_name_of_a_file_is_shortened_and_keeps_its_suffix(visitor, upstream, length):
    name = "é" * (length - 4) + ".txt"
    file = SimpleUploadedFile(name, document_files.LETTER.encode())
    uploaded = visitor.post(PATH, {"file": file, "documentType": "mdph"})
    in_json = visitor.post_json(PATH, {"document": document_files.LETTER, "fileName": name})
    content = base64.b64encode(document_files.LETTER.encode()).decode()
    part = {"type": "file", "mediaType": "text/plain", "filename": name, "url": f"data:text/plain;base64,{content}"}
    in_message = visitor.post_json("/api/chat/stream", {"id": "c", "messages": [{"role": "user", "parts": [part]}]})
    assert [reply.status_code for reply in (uploaded, in_json, in_message)] == [200] * 3
    assert in_message.getvalue()
    shown = in_json.json()["fileName"]
    assert (len(shown), shown[-4:], shown == name) == (200, ".txt", length == 200)
    assert uploaded.json()["fileName"].endswith(".txt")


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


@pytest.mark.parametrize("path", ["me", "chat/reset"])
def test_a_letter_does_not_come_back_after_everything_is_deleted(server, ai, path):
    ai.pace(20)
    browser = server.visitor()
    body = {"document": document_files.LETTER, "documentType": "mdph", "keep": True}
    with ThreadPoolExecutor(1) as pool:
        analysis = pool.submit(browser.post, f"{server.url}{PATH}", json=body, timeout=60)
        eventually(lambda: ai.open_calls == 1)
        assert browser.delete(f"{server.url}/api/{path}", timeout=30).status_code == 200
        reply = analysis.result().json()
    assert (reply["saved"], reply["degraded"]) == (False, None)
    assert not Message.objects.exists()


def test_a_letter_does_not_come_back_after_a_deletion_while_it_is_read(visitor, upstream, monkeypatch):
    visitor.ask("Comment demander l'AEEH ?")
    owner = Message.objects.select_related("conversation")[0].conversation.owner
    read = reading.read

    def read_slowly(*arguments: Any) -> reading.Document:
        deletions.mark(owner)
        return read(*arguments)

    monkeypatch.setattr(reading, "read", read_slowly)
    assert keep(visitor)["saved"] is False


def test_a_letter_does_not_come_back_after_a_deletion_while_it_is_stored(visitor, upstream, monkeypatch):
    delete_before_insert(monkeypatch)
    assert keep(visitor)["saved"] is False
    assert not Conversation.objects.exists()


def test_a_letter_is_kept_after_an_earlier_deletion(visitor, upstream):
    visitor.ask("Comment demander l'AEEH ?")
    assert visitor.delete("/api/chat/reset").status_code == 200
    time.sleep(0.2)
    assert keep(visitor)["saved"] is True


def test_a_letter_joins_a_conversation_while_another_one_is_deleted(visitor, upstream, monkeypatch):
    first = visitor.ask("Comment demander l'AEEH ?").json()
    monkeypatch.setattr(deletions, "was_deleted", lambda owner, public_id, since: True)
    assert keep(visitor, conversationId=first["conversationId"])["saved"] is True


def test_without_redis_no_new_conversation_begins_with_a_letter_that_may_be_deleted(visitor, upstream, monkeypatch):
    break_redis(monkeypatch)
    reply = keep(visitor)
    assert (reply["saved"], "recours" in reply["analysis"]) == (False, True)
    assert not Message.objects.exists()


@pytest.mark.parametrize("deleted", ["another conversation", "the answers cached for the person"])
def test_a_letter_is_kept_in_a_new_conversation_while_something_else_is_deleted(
    visitor, upstream, monkeypatch, deleted
):
    another = visitor.ask("Comment demander l'AEEH ?").json()["conversationId"]
    owner = Conversation.objects.get().owner
    read = reading.read

    def read_meanwhile(*arguments: Any) -> reading.Document:
        if deleted == "another conversation":
            reply = visitor.delete("/api/chat/reset", {"conversationId": another}, content_type="application/json")
            assert reply.status_code == 200
        else:
            assert answer_cache.forget(owner) is not None
        return read(*arguments)

    monkeypatch.setattr(reading, "read", read_meanwhile)
    assert keep(visitor)["saved"] is True
    assert Message.objects.exclude(conversation__public_id=another).count() == 2


@pytest.mark.parametrize("trigger", ["regenerate-message", "submit-message"])
def test_a_letter_is_not_replaced_by_a_question(visitor, upstream, trigger):
    visitor.ask("Comment demander l'AEEH ?")
    reply = keep(visitor, conversationId=Message.objects.select_related("conversation")[0].conversation.public_id)
    letter, answer = Message.objects.order_by("id")[2:]
    question = {"role": "user", "parts": [{"type": "text", "text": letter.text}]}
    body = {"id": reply["conversationId"], "messageId": answer.public_id, "trigger": trigger, "messages": [question]}
    visitor.post_json("/api/chat/stream", body).getvalue()
    assert list(Message.objects.order_by("id")[2:4]) == [letter, answer]
    assert Message.objects.count() == 6
    assert "<document-" in prompt_of(upstream)[-1]["content"]


NUMBERS_OF_A_PERSON = {
    "N° de compte : FR76 3000 6000 0112 3456 7890 189": "3456 7890",
    "N° client : 4970 1012 3456 7893": "1012 3456",
    "N° usager : 06 12 34 56 78": "12 34 56",
    "Référence : 2 79 11 99 045 118 04": "99 045 118",
}


@pytest.mark.parametrize(("line", "secret"), NUMBERS_OF_A_PERSON.items())
def test_a_number_of_a_person_is_neither_stored_nor_sent_with_a_later_question(visitor, upstream, line, secret):
    reply = keep(visitor, f"CAF du Nord\nLille, le 12 mars 2026\n{line}\nN/Réf. : 59-2026-118\nMadame,")
    visitor.ask(FOLLOW_UP, conversationId=reply["conversationId"])
    assert secret not in json.dumps(Message.objects.get(document__isnull=False).document)
    assert "59-2026-118" in prompt_of(upstream)[-1]["content"]
    assert secret not in json.dumps(prompt_of(upstream))


def test_a_telephone_number_behind_the_label_of_a_file_is_not_sent_with_a_later_question(visitor, upstream):
    reply = keep(visitor, f"{document_files.LETTER}\nN° d'adhérent : 0612345678")
    assert "0612345678" in [fact["text"] for fact in reply["extractedData"]["references"]]
    visitor.ask(FOLLOW_UP, conversationId=reply["conversationId"])
    assert "061234" not in json.dumps(prompt_of(upstream))


@pytest.mark.parametrize(("line", "secret"), NUMBERS_OF_A_PERSON.items())
def test_a_number_of_a_person_that_was_stored_earlier_is_not_sent(visitor, upstream, line, secret):
    reply = keep(visitor)
    stored = Message.objects.get(document__isnull=False)
    fact = {"text": line.partition(" : ")[2], "kind": "file", "label": "dossier"}
    assert stored.document
    stored.document["facts"]["references"] = [fact]
    stored.save()
    visitor.ask(FOLLOW_UP, conversationId=reply["conversationId"])
    assert "references : " in prompt_of(upstream)[-1]["content"]
    assert secret not in json.dumps(prompt_of(upstream))


def test_the_telephone_number_of_an_office_stays_for_later_questions(visitor, upstream):
    reply = keep(visitor, f"{document_files.LETTER}\nMDPH du Nord, accueil : 03 20 11 22 33")
    visitor.ask(FOLLOW_UP, conversationId=reply["conversationId"])
    assert "03 20 11 22 33" in prompt_of(upstream)[-1]["content"]


@pytest.mark.parametrize(("pages", "is_told"), [(1, False), (3, True), (4, True), (9, True)])
def test_the_ai_is_told_that_it_has_only_the_beginning_of_a_long_letter(visitor, upstream, pages, is_told):
    page = "La MDPH vous écrit au sujet de votre demande. " * 75  # 3,450 characters
    reply = keep(visitor, f"{document_files.LETTER}\n{page * pages}")
    visitor.ask(FOLLOW_UP, conversationId=reply["conversationId"])
    [question] = [message for message in prompt_of(upstream) if message["content"].endswith(FOLLOW_UP)]
    assert ("que le début de ce document" in question["content"]) is is_told


def test_whatever_is_cut_when_it_is_kept_is_cut_in_a_prompt():
    assert tokens_of(MAX_CHARACTERS * "a") > LETTER_TOKENS
