"""One's own conversations: listed, read, forgotten – and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_redis import get_redis_connection

from chat import answering, database
from chat.api import PAGE_SIZE
from chat.models import Claim, Conversation, Message
from chat.prompts import recent
from chat.questions import Turn
from chat.upstream.exchange import Exchange
from tests.chat.outage import database_goes_away

pytestmark = pytest.mark.django_db(transaction=True)


def history(person, conversation: str, **params):
    return person.get("/api/chat/history", {"conversationId": conversation, **params})


def test_messages_are_read_back_in_order_with_what_was_known_of_them(visitor, ai):
    first = visitor.ask("Comment demander l'AEEH ?").json()
    visitor.ask("Et les compléments ?", conversationId=first["conversationId"])
    items = history(visitor, first["conversationId"]).json()["items"]
    assert [item["role"] for item in items] == ["user", "assistant", "user", "assistant"]
    assert items[0]["text"] == "Comment demander l'AEEH ?"
    assert items[1]["text"] == first["response"]
    assert items[1]["sources"] == first["sources"]
    assert items[1]["origin"] == "ai"


def test_the_conversation_so_far_is_sent_upstream(visitor, ai):
    first = visitor.ask("Mon fils Léo a 7 ans.").json()
    visitor.ask("Que puis-je demander ?", conversationId=first["conversationId"])
    assert ai.calls == 2  # with a history it is another question than without


def test_conversations_are_listed_latest_first_and_titled_by_their_first_words(visitor, ai):
    visitor.ask("Première question ?")
    visitor.ask("Deuxième   question ?")
    titles = [item["title"] for item in visitor.get("/api/chat/conversations").json()["items"]]
    assert titles == ["Deuxième question ?", "Première question ?"]


def test_long_lists_come_in_pages_without_loss_or_repetition(visitor, ai):
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    row = Conversation.objects.get(public_id=conversation)
    Message.objects.bulk_create(Message(conversation=row, role="user", text=str(n)) for n in range(PAGE_SIZE + 5))
    Conversation.objects.bulk_create(Conversation(owner=row.owner, title=str(n)) for n in range(PAGE_SIZE + 5))
    texts = all_pages(visitor, "text", "/api/chat/history", "after", conversationId=conversation)
    titles = all_pages(visitor, "title", "/api/chat/conversations", "before")
    assert len(texts) == PAGE_SIZE + 7
    assert texts[2:] == [str(n) for n in range(PAGE_SIZE + 5)]
    assert len(set(titles)) == len(titles) == PAGE_SIZE + 6


def test_other_peoples_conversations_are_as_unknown_as_none(visitor, another_visitor, ai):
    answer = visitor.ask("Bonjour").json()
    conversation = answer["conversationId"]
    assert history(another_visitor, conversation).status_code == 404
    assert another_visitor.ask("Et moi ?", conversationId=conversation).status_code == 404
    assert another_visitor.get(f"/api/chat/{conversation}/stream").status_code == 204
    assert another_visitor.post_json(f"/api/chat/{conversation}/stop", {}).json() == {"stopped": False}
    assert (
        another_visitor.delete("/api/chat/reset", {"conversationId": conversation}, "application/json").status_code
        == 404
    )
    rated = another_visitor.post_json("/api/chat/feedback", {"messageId": answer["messageId"], "rating": "down"})
    assert rated.status_code == 404
    assert history(visitor, conversation).status_code == 200


def test_forgetting_one_conversation_leaves_the_others(visitor, ai):
    one, two = (visitor.ask(text).json()["conversationId"] for text in ("Bonjour", "Bonsoir"))
    reply = visitor.delete("/api/chat/reset", {"conversationId": one}, content_type="application/json")
    assert reply.json() == {"deleted": 1}
    assert [item["id"] for item in visitor.get("/api/chat/conversations").json()["items"]] == [two]


def test_forgetting_all_also_forgets_what_was_cached_for_that_person(visitor, ai):
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    visitor.ask("Et pour mon fils ?", conversationId=conversation)
    assert visitor.delete("/api/chat/reset").json() == {"deleted": 1}
    keys = [key.decode() for key in get_redis_connection("default").keys("bff:answer*")]
    assert [key for key in keys if ":public:" not in key] == []
    assert Message.objects.count() == 0


def test_an_answer_is_given_and_says_so_when_it_cannot_be_saved(visitor, ai, settings, monkeypatch):
    database_goes_away(monkeypatch)
    answer = visitor.ask("Bonjour").json()
    assert answer["origin"] == "ai"
    assert answer["saved"] is False


def test_an_answer_whose_beginning_was_written_too_late_to_be_told_is_saved_whole(visitor, ai, monkeypatch):
    ask, late = database.Database.ask, []

    def ask_slowly(self, work):
        told = ask(self, work)
        if not late and Message.objects.filter(status="pending").exists():
            late.append(told)
            raise database.DatabaseAway("did not answer in time")
        return told

    monkeypatch.setattr(database.Database, "ask", ask_slowly)
    answer = visitor.ask("Bonjour").json()
    assert late
    assert answer["saved"] is True
    kept = Message.objects.values_list("role", "status", "text")  # not by its door, which would mend it
    assert list(kept) == [("user", "complete", "Bonjour"), ("assistant", "complete", answer["response"])]


def test_a_history_that_cannot_be_read_is_a_503_that_says_when_to_come_back(visitor, monkeypatch):
    database_goes_away(monkeypatch)
    reply = visitor.get("/api/chat/conversations")
    assert reply.status_code == 503
    assert reply["Retry-After"] == "5"


def test_old_conversations_are_purged_and_others_are_not(visitor, ai, capsys):
    visitor.ask("Bonjour")
    long_ago = timezone.now() - timedelta(days=400)
    Conversation.objects.create(owner="x", title="old", updated_at=long_ago)
    Claim.objects.create(visitor="visitor-1", owner="x", claimed_at=long_ago)
    Claim.objects.create(visitor="visitor-2", owner="x")
    call_command("purge_conversations", dry_run=True)
    assert Conversation.objects.count() == 2
    call_command("purge_conversations")
    assert Conversation.objects.get().title == "Bonjour"
    assert Claim.objects.get().visitor == "visitor-2"
    with pytest.raises(CommandError, match="at least 1"):
        call_command("purge_conversations", days=0)


def test_only_the_latest_exchanges_are_sent_upstream_and_never_half_of_one():
    turns = [Turn("user", "a" * 40), Turn("assistant", "b" * 40), Turn("user", "c" * 40), Turn("assistant", "d" * 40)]
    assert recent(turns, tokens=44) == turns
    assert recent(turns, tokens=43) == turns[2:]
    assert recent(turns, tokens=22) == turns[2:]
    assert recent(turns, tokens=21) == []  # not the answer alone, though it would fit
    assert recent(turns[1:], tokens=1000) == turns[2:]


def test_a_question_that_was_never_answered_stands_alone():
    turns = [Turn("user", "Allô ?"), Turn("user", "Comment demander la PCH ?"), Turn("assistant", "a" * 40)]
    assert recent(turns, tokens=1000) == turns
    assert recent(turns, tokens=18) == turns[1:]


@pytest.mark.parametrize("protocol", ["openai", "rag"])
def test_a_long_conversation_is_cut_at_both_protocols(visitor, ai, settings, monkeypatch, protocol):
    settings.AI_SERVICE_PROTOCOL = protocol
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    row = Conversation.objects.get(public_id=conversation)
    Message.objects.bulk_create(
        Message(conversation=row, role=role, text=f"{number} " + "x" * 3000)
        for number in range(5)
        for role in ("user", "assistant")
    )
    sent: list[Exchange] = []
    make = answering._exchange
    monkeypatch.setattr(answering, "_exchange", lambda *asked: sent.append(make(*asked)) or sent[-1])
    assert visitor.ask("Et après ?", conversationId=conversation).status_code == 200
    assert [number for number in range(5) if f'"{number} xxx'.encode() in sent[0].body] == [4]


def all_pages(person, field: str, path: str, cursor: str, **params) -> list[str]:
    page = person.get(path, params).json()
    values = [item[field] for item in page["items"]]
    while page["next"] is not None:
        page = person.get(path, params | {cursor: page["next"]}).json()
        values += [item[field] for item in page["items"]]
    return values
