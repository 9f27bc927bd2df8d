"""While the AI is silent, streams send a status notice and an article, which are neither saved nor cached."""

from __future__ import annotations

import time
from itertools import islice

import pytest
import requests

from chat import knowledge
from chat.models import KnowledgeEntry
from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.sse import parse_parts, read_start, text_of

pytestmark = pytest.mark.django_db(transaction=True)

FITTING = "comment avoir une aesh pour mon fils"
WITHOUT_ARTICLE = "comment enlever une tache de vin sur la nappe"


@pytest.fixture(autouse=True)
def _short_silence(settings) -> None:
    settings.AI_SILENCE_SECONDS = 0.3


@pytest.fixture
def silent_ai(ai):
    """The AI begins to answer after a second and a half."""
    ai.fail("slow", seconds=1.5)
    return ai


def parts_of(reply) -> list[dict]:
    return list(parse_parts(reply.streaming_content))


def types_of(parts: list[dict]) -> list[str]:
    return [part["type"] for part in parts]


@pytest.mark.usefixtures("silent_ai")
@pytest.mark.parametrize(
    ("question", "language", "status", "remark"),
    [
        (FITTING, "fr", "L’assistant met plus de temps que d’habitude", "En attendant, cette fiche"),
        ("How do I get an AESH for my son?", "en", "The assistant is taking longer", "While you wait, this article"),
    ],
)
def test_a_stream_says_what_is_going_on_and_offers_a_fitting_article(visitor, question, language, status, remark):
    parts = parts_of(visitor.stream(question))
    assert types_of(parts)[:5] == ["start", "start-step", "data-status", "data-interim", "text-start"]
    told, offered = parts[2], parts[3]
    article = knowledge.current().article("aesh", language)
    assert article
    assert told["data"]["text"].startswith(status)
    assert offered["data"]["text"].startswith(remark)
    assert (offered["data"]["title"], offered["data"]["url"]) == (article.title, article.source_url)
    assert offered["data"]["body"] == article.text.strip()
    assert told["transient"] is offered["transient"] is True
    assert parts[-1]["messageMetadata"]["origin"] == "ai"
    assert article.text.strip() not in text_of(parts)


def test_an_offered_article_past_its_date_says_so(visitor, silent_ai, monkeypatch):
    monkeypatch.setattr(KnowledgeEntry, "is_overdue", lambda entry, day=None: True)
    parts = parts_of(visitor.stream(FITTING))
    offered = next(part["data"] for part in parts if part["type"] == "data-interim")
    assert offered["body"].startswith("*Attention")


def test_only_an_article_about_the_question_is_offered(visitor, silent_ai):
    types = types_of(parts_of(visitor.stream(WITHOUT_ARTICLE)))
    assert "data-status" in types
    assert "data-interim" not in types


def test_an_answer_that_begins_at_once_is_only_an_answer(visitor, ai, settings):
    settings.AI_SILENCE_SECONDS = 2.0
    ai.pace(10)  # it takes longer than the silence, but begins before
    types = types_of(parts_of(visitor.stream(FITTING)))
    assert not {"data-status", "data-interim"} & set(types)


def test_the_offered_article_is_neither_saved_nor_cached(visitor, another_visitor, silent_ai):
    parts = parts_of(visitor.stream(FITTING))
    offered = next(part["data"] for part in parts if part["type"] == "data-interim")
    conversation = parts[0]["messageMetadata"]["conversationId"]
    history = visitor.get(f"/api/chat/history?conversationId={conversation}").json()["items"]
    again = parts_of(another_visitor.stream(FITTING))
    assert history[1]["text"] == text_of(parts) == text_of(again)
    assert offered["body"] not in str(history)
    assert again[-1]["messageMetadata"]["origin"] == "cache"
    assert "data-interim" not in types_of(again)


def test_other_clients_get_the_answer_alone(visitor, silent_ai):
    body = {"model": "any", "messages": [{"role": "user", "content": FITTING}]}
    chunks = list(parse_parts(visitor.post_json("/v1/chat/completions", body | {"stream": True}).streaming_content))
    streamed = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    answer = visitor.ask(FITTING).json()
    assert answer["response"] == streamed  # now from the cache
    assert (answer["origin"], answer["degraded"]) == ("cache", None)


def test_the_form_without_javascript_shows_the_answer_alone(visitor, silent_ai):
    page = visitor.post("/", {"message": FITTING}).content.decode()
    assert "En attendant, cette fiche" not in page


def test_a_resumed_stream_has_the_same_events(visitor, silent_ai):
    frames = visitor.stream(FITTING).streaming_content
    conversation, _ = read_start(frames)
    resumed = parts_of(visitor.get(f"/api/chat/{conversation}/stream"))
    parts = list(parse_parts(frames))
    assert [part["data"] for part in parts if part["type"] == "data-interim"]
    assert [part for part in resumed if "data-" in part["type"]] == [part for part in parts if "data-" in part["type"]]


def test_who_is_in_distress_reads_the_right_number_before_anything_is_waited_for(visitor, silent_ai):
    frames = visitor.stream("Je n'en peux plus, je veux mourir.").streaming_content
    parts = list(islice(parse_parts(frames), 4))
    assert types_of(parts) == ["start", "start-step", "text-start", "text-delta"]
    assert "3114" in parts[3]["delta"]
    assert silent_ai.open_calls == 1  # it has not begun to answer
    assert "data-status" in types_of(list(parse_parts(frames)))


def test_an_ai_that_says_nothing_is_given_up_and_the_ladder_answers(visitor, ai, settings):
    settings.AI_FIRST_WORDS_SECONDS = 1.0
    ai.fail("hang")
    parts = parts_of(visitor.stream(FITTING))
    assert "data-interim" in types_of(parts)
    assert parts[-1]["messageMetadata"]["origin"] == "knowledge"
    notice = next(part["data"] for part in parts if part["type"] == "data-notice")
    assert notice["reason"] == "timeout"
    answer = visitor.ask(WITHOUT_ARTICLE)
    assert (answer["X-Degraded"], answer.json()["origin"]) == ("timeout", "fallback")
    eventually(lambda: ai.open_calls == 0)


def test_a_document_is_waited_for_with_words_too(visitor, silent_ai):
    body = {"document": "Notification du 3 mars 2027. Recours avant le 15 avril 2027.", "documentType": "mdph"}
    reply = visitor.post_json("/api/chat/analyze-document", body, headers={"Accept": "text/event-stream"})
    types = types_of(parts_of(reply))
    assert types.index("data-facts") < types.index("data-status") < types.index("text-start")
    assert "data-interim" not in types


@pytest.mark.without_coverage
def test_at_the_shipped_values_a_silent_ai_leads_to_a_notice(ai):
    """Something useful after 4 s on a stream, an answer after 12; a busy machine may take as long again for itself."""
    instance = Server()
    try:
        ai.fail("hang")
        started_at = time.monotonic()
        reply = requests.post(f"{instance.url}/api/chat/stream", json={"message": FITTING}, stream=True, timeout=30)
        times: dict[str, float] = {}
        for part in parse_parts(reply.iter_lines()):
            times.setdefault(part["type"], time.monotonic() - started_at)
    finally:
        instance.stop()
    assert 4 <= times["data-status"] <= times["data-interim"] < 8 + times["start"]
    assert 12 <= times["text-start"] < 24
