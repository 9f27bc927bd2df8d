"""The cache through the front door: what is never found again, and what nobody can read in Redis."""

from __future__ import annotations

import json

import pytest
from django_redis import get_redis_connection

from chat import help_lines
from tests.chat.session_parts import CHUNKED, END, answer, chunk, words
from tests.frames import begun

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Qu'est-ce que l'ULIS ?"


def ending(reason: str) -> bytes:
    """A completion that ends for this reason after its first words."""
    last = {"choices": [{"delta": {}, "finish_reason": reason}]}
    frames = [words("L'ULIS est"), b"data: %b\n\n" % json.dumps(last).encode(), b"data: [DONE]\n\n"]
    return CHUNKED + b"".join(map(chunk, frames)) + END


@pytest.mark.parametrize(
    "reply",
    [ending("length"), ending("content_filter"), answer(), answer("  ")],
    ids=["too long", "filtered", "empty", "blank"],
)
def test_an_answer_that_is_not_whole_is_never_found_again(visitor, another_visitor, serve, reply):
    replies = iter([reply, answer("Un dispositif de l'école.")])
    server = serve(lambda connection: connection.sendall(next(replies)))
    visitor.ask(QUESTION)
    assert another_visitor.ask(QUESTION).json()["response"] == "Un dispositif de l'école."
    assert len(server.requests) == 2


def test_an_empty_answer_is_none_and_something_useful_is_said_in_its_place(visitor, serve):
    serve(answer(" "))
    reply = visitor.ask(QUESTION).json()
    assert reply["origin"] == "knowledge"
    assert reply["degraded"]["reason"] == "ai_error"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"fault": "cut", "after_tokens": 3}, "interrupted"),
        ({"fault": "error", "status": 400}, "ai_rejected"),
        ({"fault": "error", "status": 501}, "ai_error"),
        ({"fault": "garbage"}, "ai_error"),
    ],
)
def test_what_was_said_in_an_answers_place_is_never_found_again(visitor, another_visitor, ai, fault, reason):
    ai.fail(**fault, count=1)
    assert visitor.ask(QUESTION).json()["degraded"]["reason"] == reason
    assert another_visitor.ask(QUESTION).json()["origin"] == "ai"


def test_an_answer_that_somebody_stopped_is_never_found_again(visitor, another_visitor, ai):
    ai.pace(20)
    frames = iter(visitor.stream(QUESTION).streaming_content)
    conversation, _ = begun(frames)
    assert visitor.post_json(f"/api/chat/{conversation}/stop", {}).json()["stopped"]
    list(frames)
    ai.pace(0)
    assert another_visitor.ask(QUESTION).json()["origin"] == "ai"


def test_neither_words_nor_people_can_be_read_in_any_redis_key(visitor, ai):
    conversation = visitor.ask("Confidentiel un ?").json()["conversationId"]
    visitor.ask("Confidentiel deux ?", conversationId=conversation)
    visitor.ask("Confidentiel trois ?", context={"prenom": "Zoé"})
    b"".join(visitor.stream("Confidentiel quatre ?").streaming_content)
    person = visitor.cookies["visitor"].value.partition(":")[0]
    names = b" ".join(get_redis_connection("default").keys("*")).decode().casefold()
    assert {kind for kind in ("bff:answer:", "bff:answers-of:", "bff:run:", "limits") if kind not in names} == set()
    for secret in ("confidentiel", "prenom", "zoé", person, conversation):
        assert secret.casefold() not in names


def test_forgetting_everything_forgets_what_was_kept_for_that_person_alone(visitor, ai):
    ask = {"message": "À quoi ai-je droit ?", "context": {"département": "93"}}
    assert visitor.ask(**ask).json()["origin"] == "ai"
    assert visitor.ask(**ask).json()["origin"] == "cache"
    assert visitor.delete("/api/chat/reset", {}, content_type="application/json").status_code == 200
    assert visitor.ask(**ask).json()["origin"] == "ai"


def test_signs_of_distress_bring_the_help_lines_forward_wherever_the_answer_comes_from(
    visitor, another_visitor, ai, settings
):
    """From the AI, from the cache, an older answer, an article, and when there are only kind words."""
    settings.AI_ATTEMPTS = 1
    said = [
        visitor.ask("Je veux mourir, c'est quoi l'AEEH ?"),
        another_visitor.ask("Je veux mourir, c'est quoi l'AEEH ?"),
    ]
    ai.fail("error")
    said += [visitor.ask("Je veux mourir, c'est quoi l'AESH ?"), visitor.ask("Je veux mourir xyzzy")]
    assert [reply.json()["origin"] for reply in said] == ["ai", "cache", "knowledge", "fallback"]
    first_words = help_lines.called_for("Je veux mourir", "fr")
    assert all(reply.json()["response"].startswith(first_words) for reply in said)
