"""Which earlier messages of a stored conversation the AI is sent."""

from __future__ import annotations

import json

import pytest

from chat.models import Conversation, Message
from chat.upstream import session
from tests.support.fake_upstream import stream_response

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def upstream(serve):
    server = serve(stream_response("Voici."))
    session.get.cache_clear()
    return server


def sent(upstream) -> list[tuple[str, str]]:
    """Role and text of the last request's messages, without the system message."""
    messages = json.loads(upstream.requests[-1].partition(b"\r\n\r\n")[2])["messages"]
    assert [message["role"] for message in messages].count("system") == 1
    return [(message["role"], message["content"]) for message in messages[1:]]


def begin(visitor, upstream, **columns) -> str:
    """A conversation with one exchange; `columns` are those of its answer."""
    conversation = visitor.ask("Comment demander la PCH ?").json()["conversationId"]
    Message.objects.filter(role="assistant").update(**columns)
    return conversation


@pytest.mark.parametrize("columns", [{}, {"origin": "cache"}, {"status": "length"}])
def test_the_ais_answers_are_sent(visitor, upstream, columns):
    visitor.ask("Et après ?", conversationId=begin(visitor, upstream, **columns))
    assert sent(upstream) == [
        ("user", "Comment demander la PCH ?"), ("assistant", "Voici."), ("user", "Et après ?"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "columns",
    [
        *({"origin": origin} for origin in ("fallback", "knowledge", "stale")),
        {"status": "interrupted"},
        {"status": "interrupted", "text": ""},
    ],
)
def test_a_question_whose_answer_failed_is_part_of_the_next_one(visitor, upstream, columns):
    visitor.ask("Et après ?", conversationId=begin(visitor, upstream, **columns))
    assert sent(upstream) == [("user", "Comment demander la PCH ?\n\nEt après ?")]


@pytest.mark.parametrize(
    "columns",
    [
        *({"status": status} for status in ("stopped", "filtered", "refused", "pending")),
        {"status": "stopped", "text": ""},
        {"origin": ""},
    ],
)
def test_a_question_that_was_stopped_or_refused_is_left_out(visitor, upstream, columns):
    conversation = begin(visitor, upstream, **columns)
    visitor.ask("Et après ?", conversationId=conversation)
    assert sent(upstream) == [("user", "et après")]


def test_only_the_last_failed_question_is_sent(visitor, upstream):
    conversation = begin(visitor, upstream, origin="fallback")
    visitor.ask("Et après ?", conversationId=conversation)
    visitor.ask("Et l'AEEH ?", conversationId=conversation)
    assert sent(upstream) == [("user", "Et après ?"), ("assistant", "Voici."), ("user", "Et l'AEEH ?")]


def test_a_question_without_any_answer_is_left_out(visitor, upstream):
    conversation = begin(visitor, upstream)
    Message.objects.create(conversation=Conversation.objects.get(), role="user", text="Allô ?")
    visitor.ask("Et après ?", conversationId=conversation)
    assert [role for role, _ in sent(upstream)] == ["user", "assistant", "user"]
    assert ("user", "Et après ?") in sent(upstream)


def test_a_question_asked_again_after_a_failure_is_one_question(visitor, another_visitor, upstream):
    conversation = begin(visitor, upstream, origin="fallback")
    upstream.requests.clear()
    # It has no history then: the answer to its first asking is still cached for everybody.
    assert visitor.ask("comment demander la PCH", conversationId=conversation).json()["origin"] == "cache"
    assert not upstream.requests
