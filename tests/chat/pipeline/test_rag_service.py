"""Answers and analyses through a service that speaks the RAG protocol strictly, at every entry point."""

from __future__ import annotations

import base64

import pytest

from bff.identity import middleware
from bff.identity.jwt_verifier import TokenVerifier
from chat.core.question import normalise
from chat.models import Message
from chat.pipeline import help_lines
from chat.upstream import session
from tests.conftest import ChatClient
from tests.support.rag_service import SOURCES, running_rag_service
from tests.support.sse import parse_parts
from tests.support.supabase import SECRET, token_of

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "Comment demander l'AEEH pour ma fille ?"


@pytest.fixture
def rag(settings):
    """The service, asked with our key."""
    settings.AI_SERVICE_PROTOCOL, settings.AI_SERVICE_API_KEY = "rag", "our-key"
    with running_rag_service("our-key") as service:
        settings.AI_SERVICE_URL = service.address
        yield service
        session.get.cache_clear()


@pytest.fixture
def token(settings, monkeypatch):
    settings.SUPABASE_JWT_SECRET = SECRET
    monkeypatch.setattr(middleware, "_verifier", TokenVerifier())
    return token_of("parent")


@pytest.fixture
def parent(db, token):
    """A signed-in person."""
    return ChatClient(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})


def test_a_question_is_answered_with_sources_that_have_no_address(visitor, rag):
    answer = visitor.ask(QUESTION).json()
    assert (answer["origin"], answer["ending"], answer["degraded"], answer["saved"]) == ("ai", "stop", None, True)
    assert answer["response"] == f"Réponse à : {normalise(QUESTION)}"
    assert [source["title"] for source in answer["sources"]] == SOURCES
    assert {source["url"] for source in answer["sources"]} == {""}
    assert answer["suggestions"] == ["Et après ?"]
    assert visitor.ask(QUESTION).json()["origin"] == "cache"


def test_the_stream_shows_them_as_documents(visitor, rag):
    documents = [part for part in parse_parts(visitor.stream(QUESTION)) if part["type"].startswith("source-")]
    assert documents == [
        {"type": "source-document", "sourceId": str(number), "mediaType": "text/plain", "title": title}
        for number, title in enumerate(SOURCES, 1)
    ]


def test_the_page_shows_them_without_a_link(visitor, rag):
    page = visitor.post("/", {"message": QUESTION}).content.decode()
    for number, title in enumerate(SOURCES, 1):
        assert f'<a class="card" data-part="card" tabindex="-1" id="source-{number}">' in page
        assert title in page


def test_a_document_is_explained(visitor, rag):
    body = {"document": "Madame, votre demande est rejetée.", "documentType": "mdph", "fileName": "lettre.txt"}
    answer = visitor.post_json("/api/chat/analyze-document", body).json()
    assert answer["analysis"] == "Ce courrier dit : Madame, votre demande est rejetée."
    assert answer["degraded"] is None
    sent = rag.requests[0][2]
    assert (sent["documentType"], sent["documentKind"]) == ("text", "mdph")
    assert base64.b64decode(sent["document"]).decode() == body["document"]


@pytest.mark.parametrize("trouble", [{"success": False}, {"error": "no vector store"}, {"status": "error"}])
def test_a_reply_that_reports_a_failure_gives_way_to_a_fallback(visitor, rag, trouble):
    rag.extra = trouble
    answer = visitor.ask(QUESTION).json()
    assert (answer["origin"], answer["degraded"]["reason"]) == ("knowledge", "ai_error")
    rag.extra = {}
    assert visitor.ask(QUESTION).json()["origin"] == "ai"


def test_an_answer_of_a_service_in_trouble_is_shown_and_not_cached(visitor, rag):
    rag.extra = {"status": "degraded"}
    reply = visitor.ask(QUESTION)
    assert (reply.json()["origin"], reply.json()["degraded"]["reason"]) == ("ai", "ai_error")
    assert reply["X-Degraded"] == "ai_error"
    assert reply.json()["response"] == f"Réponse à : {normalise(QUESTION)}"
    rag.extra = {}
    assert visitor.ask(QUESTION).json()["degraded"] is None
    assert len(rag.requests) == 2


def test_what_no_database_stores_is_cleaned_from_every_saved_field(visitor, rag):
    rag.extra = {
        "response": "a\0b\ud83d",
        "sources": ["c\0d", {"title": "e\ud800", "url": "https://caf.fr/\0f"}],
        "suggestions": ["g\0h\udc00"],
    }
    answer = visitor.ask(QUESTION).json()
    assert answer["saved"] is True
    row = Message.objects.get(public_id=answer["messageId"])
    assert row.text == "ab\ufffd"
    assert [(source["title"], source["url"]) for source in row.sources] == [("cd", ""), ("e\ufffd", "https://caf.fr/f")]
    assert row.suggestions == ["gh\ufffd"]


def test_our_key_is_sent_also_for_a_signed_in_person(parent, rag):
    parent.ask(QUESTION)
    assert rag.requests[0][1] == "Bearer our-key"


def test_a_persons_own_token_is_passed_on_if_so_configured(parent, token, rag, settings):
    settings.AI_SERVICE_AUTH = "caller"
    rag.tokens = (token,)
    for path, body in [
        ("/api/chat/message", {"message": QUESTION}),
        ("/api/chat/stream", {"message": "Et l'AESH ?"}),
        ("/api/chat/analyze-document", {"document": "Madame, votre demande est rejetée.", "documentType": "mdph"}),
        ("/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "Et la PCH ?"}]}),
    ]:
        reply = parent.post_json(path, body)
        assert (reply.status_code, "X-Degraded" in reply) == (200, False)
        assert b"".join(reply)
        assert rag.requests[-1][1] == f"Bearer {token}"
    assert len(rag.requests) == 4


def test_an_answer_of_a_service_that_knew_who_asked_is_for_that_person_alone(parent, visitor, token, rag, settings):
    settings.AI_SERVICE_AUTH = "caller"
    rag.tokens += (token,)
    for client in (parent, visitor):
        assert client.ask(QUESTION).json()["origin"] == "ai"
    assert [authorization for _, authorization, _ in rag.requests] == [f"Bearer {token}", "Bearer our-key"]
    assert parent.ask(QUESTION).json()["origin"] == "cache"


def test_the_service_is_told_whom_to_call_in_danger_and_a_change_of_the_lines_is_another_question(
    visitor, rag, settings, tmp_path
):
    visitor.ask("Comment demander l'AEEH ?")
    path, _, body = rag.requests[-1]
    assert path == "/api/chat/send"
    assert "**3114**" in body["user_context"]["help_lines"]
    changed = tmp_path / "lines.toml"
    changed.write_text(help_lines.BUNDLED.read_text("utf-8").replace('"Enfant disparu"', '"Enfant perdu"'), "utf-8")
    settings.HELP_LINES_FILE = str(changed)
    assert visitor.ask("Comment demander l'AEEH ?").json()["origin"] == "ai"
    assert "Enfant perdu" in rag.requests[-1][2]["user_context"]["help_lines"]
