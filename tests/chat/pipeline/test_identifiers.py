"""Identifiers of persons are masked before the AI, the cache and the history, at each entry point."""

from __future__ import annotations

import json

import pytest

from tests.support import document_files
from tests.support.fake_upstream import Serve, stream_response
from tests.support.identifiers import HARMLESS_TEXTS, OTHERS, SOCIAL_SECURITY_FORMS

pytestmark = pytest.mark.django_db(transaction=True)

CHAT, DOCUMENT = "/api/chat/message", "/api/chat/analyze-document"
FORMS = SOCIAL_SECURITY_FORMS | OTHERS
QUESTION = "Mon numéro de sécurité sociale est {}. Que faire ?"


@pytest.fixture
def upstream(serve: Serve):
    return serve(stream_response("Voici ce que vous pouvez faire."))


def sent_to(upstream) -> str:
    """The texts of all messages that reached the AI."""
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in upstream.requests]
    return "\n".join(
        message["content"] for body in bodies for message in body["messages"] if message["role"] != "system"
    )


def digits_of(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def test_no_form_of_an_identifier_reaches_the_ai(visitor, upstream):
    for name, form in FORMS.items():  # the name makes each question another one for the cache
        question = f"{QUESTION.format(form)} ({name})"
        upstream.requests.clear()
        visitor.post_json(CHAT, {"message": question})
        visitor.post_json(CHAT, {"message": f"Que faire ? ({name})", "context": {"numéro de sécu": form}})
        body = {"model": "x", "messages": [{"role": "user", "content": question + " Vite !"}]}
        visitor.post_json("/v1/chat/completions", body)
        visitor.post_json(DOCUMENT, {"document": f"Assuré : {form}.\n{document_files.LETTER}", "documentType": "mdph"})
        assert len(upstream.requests) == 4
        sent = digits_of(sent_to(upstream))
        assert digits_of(form)[:-2] not in sent, form
        assert sent_to(upstream).count("•") > 12, form


def test_history_and_integers_are_masked(visitor, upstream):
    conversation = visitor.ask(QUESTION.format("1 85 07 59 350 123 74")).json()["conversationId"]
    visitor.ask("Et mon fils ?", conversationId=conversation, context={"nir": 185075935012374})
    history = [{"role": role, "content": f"Le 185075935012374 ? {role}"} for role in ("user", "assistant")]
    body = {"model": "x", "messages": [*history, {"role": "user", "content": "Et donc ?"}]}
    visitor.post_json("/v1/chat/completions", body)
    assert len(upstream.requests) == 3
    assert "350" not in sent_to(upstream)


def test_the_person_keeps_what_they_wrote(visitor, upstream):
    question = QUESTION.format("1 85 07 59 350 123 74")
    conversation = visitor.ask(question).json()["conversationId"]
    history = visitor.get(f"/api/chat/history?conversationId={conversation}").json()
    assert history["items"][0]["content" if "content" in history["items"][0] else "text"] == question


def test_a_question_with_an_identifier_is_never_shared(visitor, another_visitor, upstream):
    question = QUESTION.format("1 85 07 59 350 123 74")
    assert [visitor.ask(question).json()["origin"] for _ in range(2)] == ["ai", "cache"]
    assert another_visitor.ask(question).json()["origin"] == "ai"
    masked = QUESTION.format("• •• •• •• ••• ••• 74")
    assert type(visitor)().ask(masked).json()["origin"] == "ai"


def test_what_is_needed_to_answer_reaches_the_ai(visitor, upstream):
    document = "\n".join(HARMLESS_TEXTS)
    visitor.post_json(DOCUMENT, {"document": document, "documentType": "mdph"})
    visitor.ask(document)
    assert sent_to(upstream).count(document) == 2


def test_a_letters_own_numbers_are_shown_to_the_person(visitor, upstream):
    document = f"Assuré : 1 85 07 59 350 123 74\nDossier n° 0123456789\n{document_files.LETTER}"
    facts = visitor.post_json(DOCUMENT, {"document": document, "documentType": "mdph"}).json()["extractedData"]
    references = {reference["kind"]: reference["text"] for reference in facts["references"]}
    assert references["social_security"] == "• •• •• •• ••• ••• 74"
    assert "0123456789" in [reference["text"] for reference in facts["references"]]
