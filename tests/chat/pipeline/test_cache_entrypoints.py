"""The answer cache through the API: which answers are never cached, and what Redis keys reveal."""

from __future__ import annotations

import json

import pytest
from django_redis import get_redis_connection

from chat.core.events import Delta
from chat.core.question import Question
from chat.pipeline import question_answering
from chat.storage import answer_cache
from tests.support.distress_notices import notice_on
from tests.support.fake_upstream import CHUNKED, END, chunk, delta_event, stream_response
from tests.support.sse import read_start

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Qu'est-ce que l'ULIS ?"


def ending(reason: str) -> bytes:
    """A completion that ends with this finish reason after its first text."""
    last = {"choices": [{"delta": {}, "finish_reason": reason}]}
    frames = [delta_event("L'ULIS est"), b"data: %b\n\n" % json.dumps(last).encode(), b"data: [DONE]\n\n"]
    return CHUNKED + b"".join(map(chunk, frames)) + END


@pytest.mark.parametrize(
    "reply",
    [ending("length"), ending("content_filter"), stream_response(), stream_response("  ")],
    ids=["too long", "filtered", "empty", "blank"],
)
def test_an_incomplete_answer_is_never_cached(visitor, another_visitor, serve, reply):
    replies = iter([reply, stream_response("Un dispositif de l'école.")])
    server = serve(lambda connection: connection.sendall(next(replies)))
    visitor.ask(QUESTION)
    assert another_visitor.ask(QUESTION).json()["response"] == "Un dispositif de l'école."
    assert len(server.requests) == 2


def test_an_empty_answer_is_replaced_by_a_fallback(visitor, serve):
    serve(stream_response(" "))
    reply = visitor.ask(QUESTION).json()
    assert reply["origin"] == "knowledge"
    assert reply["degraded"]["reason"] == "ai_error"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"fault": "cut", "after_tokens": 3}, "interrupted"),
        # Twice: the first refusal may be meant for the request's options.
        ({"fault": "error", "status": 400, "count": 2}, "ai_rejected"),
        ({"fault": "error", "status": 501}, "ai_error"),
        ({"fault": "garbage"}, "ai_error"),
    ],
)
def test_a_fallback_is_never_cached(visitor, another_visitor, ai, fault, reason):
    ai.fail(**{"count": 1} | fault)
    assert visitor.ask(QUESTION).json()["degraded"]["reason"] == reason
    assert another_visitor.ask(QUESTION).json()["origin"] == "ai"


def test_a_stopped_answer_is_never_cached(visitor, another_visitor, ai):
    ai.pace(20)
    frames = iter(visitor.stream(QUESTION).streaming_content)
    conversation, _ = read_start(frames)
    assert visitor.post_json(f"/api/chat/{conversation}/stop", {}).json()["stopped"]
    list(frames)
    ai.pace(0)
    assert another_visitor.ask(QUESTION).json()["origin"] == "ai"


def test_an_answer_is_cached_with_its_text_in_one_piece(visitor, serve):
    serve(stream_response("Un dispositif ", "de ", "l'école."))
    visitor.ask(QUESTION)
    cached = answer_cache.get(question_answering.cache_key_of(Question(QUESTION, "fr", "")))
    assert cached is not None
    assert [event.text for event in cached.events if isinstance(event, Delta)] == ["Un dispositif de l'école."]


def test_redis_keys_reveal_neither_texts_nor_callers(visitor, ai):
    conversation = visitor.ask("Confidentiel un ?").json()["conversationId"]
    visitor.ask("Confidentiel deux ?", conversationId=conversation)
    visitor.ask("Confidentiel trois ?", context={"prenom": "Zoé"})
    b"".join(visitor.stream("Confidentiel quatre ?").streaming_content)
    caller = visitor.cookies["visitor"].value.partition(":")[0]
    keys = b" ".join(get_redis_connection("default").keys("*")).decode().casefold()
    assert {kind for kind in ("bff:answer:", "bff:answers-of:", "bff:run:", "bff:limit:") if kind not in keys} == set()
    for secret in ("confidentiel", "prenom", "zoé", caller, conversation):
        assert secret.casefold() not in keys


def test_deleting_all_conversations_deletes_the_answers_cached_for_the_caller(visitor, ai):
    question = {"message": "À quoi ai-je droit ?", "context": {"département": "93"}}
    assert visitor.ask(**question).json()["origin"] == "ai"
    assert visitor.ask(**question).json()["origin"] == "cache"
    assert visitor.delete("/api/chat/reset", {}, content_type="application/json").status_code == 200
    assert visitor.ask(**question).json()["origin"] == "ai"


def test_distress_puts_the_help_lines_first_in_answers_of_every_origin(visitor, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    replies = [
        visitor.ask("Je veux mourir, c'est quoi l'AEEH ?"),
        visitor.ask("Je veux mourir, c'est quoi l'AEEH ?"),
    ]
    ai.fail("error")
    replies += [visitor.ask("Je veux mourir, c'est quoi l'AESH ?"), visitor.ask("Je veux mourir xyzzy")]
    assert [reply.json()["origin"] for reply in replies] == ["ai", "cache", "fallback", "fallback"]
    notice = notice_on("Je veux mourir")
    assert all(reply.json()["response"].startswith(notice) for reply in replies)
