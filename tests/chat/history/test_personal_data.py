"""Personal data: claiming a visitor's conversations after signing in, export, deletion."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.db.models import QuerySet
from django_redis import get_redis_connection

from bff.identity import middleware
from bff.identity.jwt_verifier import TokenVerifier
from chat.core.events import Delta, Event, Finish, Start
from chat.core.question import Question, Turn
from chat.history import claims, deletions
from chat.models import Claim, Conversation, Message
from chat.storage import answer_cache, answer_keys
from chat.storage.db_executor import DatabaseUnavailable
from tests.conftest import ChatClient
from tests.support.factories import cache_answer
from tests.support.outages import break_database, break_redis
from tests.support.sse import parse_parts, read_start
from tests.support.supabase import SECRET, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _project(settings, monkeypatch):
    settings.SUPABASE_JWT_SECRET = SECRET
    monkeypatch.setattr(middleware, "_verifier", TokenVerifier())


def bearer(subject: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(subject)}"}


def signed_in(subject: str, cookies_of: ChatClient | None = None) -> ChatClient:
    """A signed-in client, with the cookies of this visitor if given."""
    person = ChatClient(raise_request_exception=False, headers=bearer(subject))
    if cookies_of is not None:
        person.cookies = cookies_of.cookies
    return person


def listed(person: ChatClient) -> list[str]:
    return [item["id"] for item in person.get("/api/chat/conversations").json()["items"]]


# --- Claiming ---


def test_claimed_conversations_keep_their_ids(visitor, ai):
    answer = visitor.ask("Comment demander la PCH ?").json()
    parent = signed_in("parent", visitor)
    assert listed(parent) == []
    assert parent.post_json("/api/chat/claim", {}).json() == {"claimed": 1}
    assert listed(parent) == [answer["conversationId"]]
    history = parent.get("/api/chat/history", {"conversationId": answer["conversationId"]}).json()
    assert history["items"][1]["text"] == answer["response"]
    assert parent.ask("Et après ?", conversationId=answer["conversationId"]).json()["saved"] is True
    assert parent.post_json("/api/chat/feedback", {"messageId": answer["messageId"], "rating": "up"}).status_code == 204


def test_the_visitor_cookie_is_invalid_after_a_claim(visitor, ai):
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    cookie = visitor.cookies["visitor"].value
    reply = signed_in("parent", visitor).post_json("/api/chat/claim", {})
    assert reply.cookies["visitor"].value == ""
    copied = ChatClient()
    copied.cookies["visitor"] = cookie
    assert copied.get("/api/chat/history", {"conversationId": conversation}).status_code == 404


def test_only_the_first_person_can_claim_a_visitor_and_may_repeat_it(visitor, ai):
    visitor.ask("Bonjour")
    cookie = visitor.cookies["visitor"].value
    assert signed_in("parent", visitor).post_json("/api/chat/claim", {}).json() == {"claimed": 1}
    another = ChatClient()
    another.cookies["visitor"] = cookie
    another.ask("Bonsoir")  # the cookie was copied, or its deletion was lost
    refusal = signed_in("neighbour", another).post_json("/api/chat/claim", {})
    assert refusal.status_code == 409
    assert refusal.cookies["visitor"].value == ""
    assert listed(signed_in("neighbour")) == []


def test_a_repeated_claim_takes_nothing_that_was_begun_after_the_first_one(visitor, ai):
    """On a shared device: the response that deletes the cookie was lost, and the next person asks with it."""
    visitor.ask("Bonjour")
    cookie = visitor.cookies["visitor"].value
    signed_in("parent", visitor).post_json("/api/chat/claim", {})
    visitor.cookies["visitor"] = cookie
    mine = visitor.ask("Bonsoir").json()["conversationId"]
    assert signed_in("parent", visitor).post_json("/api/chat/claim", {}).json() == {"claimed": 0}
    assert mine not in listed(signed_in("parent"))


def test_the_page_replaces_the_cookie_of_a_claimed_visitor(visitor, ai):
    visitor.get("/")
    cookie = visitor.cookies["visitor"].value
    assert "visitor" not in visitor.get("/").cookies
    signed_in("parent", visitor).post_json("/api/chat/claim", {})
    visitor.cookies["visitor"] = cookie
    assert visitor.get("/").cookies["visitor"].value not in {"", cookie}
    assert visitor.ask("Bonjour").status_code == 200
    assert signed_in("neighbour", visitor).post_json("/api/chat/claim", {}).json() == {"claimed": 1}


def test_concurrent_claims_by_two_people_succeed_for_one(visitor, ai):
    visitor.ask("Bonjour")
    phones = [signed_in(name) for name in ("one", "other")]
    for phone in phones:
        phone.cookies["visitor"] = visitor.cookies["visitor"].value
    with ThreadPoolExecutor(2) as both:
        statuses = list(both.map(lambda phone: phone.post_json("/api/chat/claim", {}).status_code, phones))
    assert sorted(statuses) == [200, 409]
    assert sorted(len(listed(phone)) for phone in phones) == [0, 1]


def test_conversations_with_the_same_id_are_merged(visitor, ai):
    def sdk(text: str) -> dict[str, object]:
        return {"id": "chosen", "messages": [{"role": "user", "parts": [{"type": "text", "text": text}]}]}

    parent = signed_in("parent")
    for person, text in ((parent, "D'abord ?"), (visitor, "Ensuite ?")):
        b"".join(person.post_json("/api/chat/stream", sdk(text)).streaming_content)
    parent.cookies = visitor.cookies
    assert parent.post_json("/api/chat/claim", {}).json() == {"claimed": 1}
    assert listed(parent) == ["chosen"]
    items = parent.get("/api/chat/history", {"conversationId": "chosen"}).json()["items"]
    assert [item["text"] for item in items if item["role"] == "user"] == ["D'abord ?", "Ensuite ?"]


def test_a_conversation_started_during_a_database_outage_can_be_continued_after_a_claim(visitor, ai, monkeypatch):
    with monkeypatch.context() as outage:
        break_database(outage)
        conversation = visitor.ask("Bonjour").json()["conversationId"]
    parent = signed_in("parent", visitor)
    assert parent.ask("Et moi ?", conversationId=conversation).status_code == 404
    parent.post_json("/api/chat/claim", {})
    assert parent.ask("Et moi ?", conversationId=conversation).json()["conversationId"] == conversation


def test_an_answer_pending_during_the_claim_is_saved_in_the_claimed_conversation(server, ai):
    ai.pace(20)
    browser = requests.Session()
    stream = browser.post(f"{server.url}/api/chat/stream", json={"message": "Comment demander la PCH ?"}, stream=True)
    lines = stream.iter_lines()
    _, message = read_start(lines)
    assert claims.claim("parent", Conversation.objects.get().owner) == 1
    *_, finish = parse_parts(lines)
    assert finish["messageMetadata"]["saved"] is True
    row = Message.objects.get(public_id=message)
    assert (row.conversation.owner, row.status) == ("parent", "complete")


def test_a_letter_that_is_kept_for_the_visitor_during_the_claim_is_taken_back(visitor, ai, monkeypatch):
    """It sees the claim's mark after its insert: later on nobody could find it, or delete it."""
    began = time.time()
    visitor.ask("Comment demander la PCH ?")
    owner = Conversation.objects.get().owner
    move, is_taken_back = claims._move_conversations, []

    def move_before_insert(person: str, conversations: QuerySet[Conversation]) -> int:
        count = move(person, conversations)
        is_taken_back.append(deletions.was_deleted(owner, "letter", since=began))
        return count

    monkeypatch.setattr(claims, "_move_conversations", move_before_insert)
    assert signed_in("parent", visitor).post_json("/api/chat/claim", {}).json() == {"claimed": 1}
    assert is_taken_back == [True]


def test_a_claim_needs_a_token_and_a_visitor(visitor, ai):
    visitor.ask("Bonjour")
    assert visitor.post_json("/api/chat/claim", {}).status_code == 401
    assert signed_in("parent").post_json("/api/chat/claim", {}).json() == {"claimed": 0}


def test_a_claim_from_another_site_is_refused(visitor, ai):
    visitor.ask("Bonjour")
    parent = signed_in("parent", visitor)
    reply = parent.post_json("/api/chat/claim", {}, headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403
    assert not Claim.objects.exists()


# --- Export ---


def test_an_export_has_all_data_of_the_caller_and_none_of_others(visitor, another_visitor, ai):
    another_visitor.ask("La question d'une autre personne")
    first = visitor.ask("Comment demander la PCH ?").json()
    visitor.ask("Et après ?", conversationId=first["conversationId"])
    rating = {"messageId": first["messageId"], "rating": "down", "comment": "Trop long"}
    visitor.post_json("/api/chat/feedback", rating)
    reply = visitor.get("/api/me/export")
    assert reply["Content-Disposition"].startswith("attachment")
    assert reply["Cache-Control"] == "private, no-store"
    exported = json.loads(b"".join(reply.streaming_content))
    assert [conversation["id"] for conversation in exported["conversations"]] == [first["conversationId"]]
    messages = exported["conversations"][0]["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert messages[1]["text"] == first["response"]
    assert (messages[1]["rating"], messages[1]["comment"]) == ("down", "Trop long")
    assert "une autre personne" not in json.dumps(exported)


def test_a_long_export_is_streamed_in_pieces_and_complete(visitor, ai):
    row = Conversation.objects.get(public_id=visitor.ask("Bonjour").json()["conversationId"])
    Message.objects.bulk_create(Message(conversation=row, role="user", text=str(n)) for n in range(450))
    Conversation.objects.bulk_create(Conversation(owner=row.owner, title=str(n)) for n in range(5))
    pieces = list(visitor.get("/api/me/export").streaming_content)
    exported = json.loads(b"".join(pieces))
    assert len(pieces) > 10
    assert [message["text"] for message in exported["conversations"][0]["messages"]][2:] == [str(n) for n in range(450)]
    assert len(exported["conversations"]) == 6


def test_a_caller_without_data_gets_an_empty_export(visitor):
    assert json.loads(b"".join(visitor.get("/api/me/export").streaming_content))["conversations"] == []


def test_an_export_lists_the_claimed_visitors(visitor, ai):
    visitor.ask("Bonjour")
    parent = signed_in("parent", visitor)
    parent.post_json("/api/chat/claim", {})
    reply: Any = parent.get("/api/me/export")
    exported = json.loads(b"".join(reply.streaming_content))
    assert exported["claimedVisitors"] == [Claim.objects.get().visitor]


def test_an_export_without_the_database_is_a_503_or_invalid_json(visitor, ai, monkeypatch):
    visitor.ask("Bonjour")
    pieces = visitor.get("/api/me/export").streaming_content
    next(pieces)
    break_database(monkeypatch)
    with pytest.raises(DatabaseUnavailable):
        list(pieces)
    assert visitor.get("/api/me/export").status_code == 503


# --- Deletion ---


def test_deletion_removes_everything_from_the_database_and_redis(visitor, another_visitor, ai):
    other = another_visitor.ask("Bonjour").json()["conversationId"]
    first = visitor.ask("Mon fils Léo a 7 ans.").json()
    visitor.ask("Que puis-je demander ?", conversationId=first["conversationId"])
    owner = Conversation.objects.get(public_id=first["conversationId"]).owner
    assert redis_keys_of(owner)
    reply = visitor.delete("/api/me")
    assert reply.json() == {"deleted": 1}
    assert not Conversation.objects.filter(owner=owner).exists()
    assert Message.objects.filter(conversation__public_id=other).count() == Message.objects.count() == 2
    assert redis_keys_of(owner) == []
    assert "visitor" not in visitor.cookies or visitor.cookies["visitor"].value == ""


def redis_keys_of(owner: str) -> list[str]:
    """The Redis keys that belong to one caller: cached answers, run logs, and the indexes of both."""
    redis, scope = get_redis_connection("default"), answer_keys.private_scope(owner)
    runs = {key.decode() for key in redis.keys("bff:run:*")}
    public = {
        f"bff:run:{run}"
        for run in Message.objects.filter(cache_key__startswith="public:").values_list("run_id", flat=True)
    }
    marks = {f"bff:forgotten:{{{scope}}}", f"bff:deleted:{{{scope}}}"}
    scoped = {key.decode() for key in redis.keys(f"*{scope}*")} - marks
    private = {run.decode() for run in redis.smembers(f"bff:runs-of:{scope}")}
    return sorted(scoped | {run for run in runs - public if run.removeprefix("bff:run:") in private})


def test_deletion_stops_pending_answers_and_stores_nothing_of_them(server, ai):
    ai.pace(20)
    browser = requests.Session()
    first = browser.post(f"{server.url}/api/chat/message", json={"message": "Mon fils a 7 ans."}).json()
    body = {"message": "Que demander ?", "conversationId": first["conversationId"]}
    browser.get(f"{server.url}/")
    csrf = {"X-CSRFToken": browser.cookies["csrftoken"]}
    stream = browser.post(f"{server.url}/api/chat/stream", json=body, headers=csrf, stream=True)
    lines = stream.iter_lines()
    next(lines)
    owner = Conversation.objects.get().owner
    assert browser.delete(f"{server.url}/api/me", headers=csrf).json() == {"deleted": 1}
    assert b'"ending":"stopped"' in b"".join(lines)
    assert not Message.objects.exists()
    assert not get_redis_connection("default").exists(f"bff:answers-of:{{{answer_keys.private_scope(owner)}}}")


def test_an_answer_that_ends_after_the_deletion_is_not_cached(ai):
    key = answer_keys.key_of(
        Question("Et pour lui ?", "fr", "parent", (Turn("user", "Léo a 7 ans."),)),
        prompt_version="",
        knowledge_version="",
    )
    events: list[Event] = [Start(), Delta("Voici."), Finish("ai")]
    assert cache_answer(key, events, cost_ms=1)
    assert answer_cache.forget("parent") == 1
    assert answer_cache.get(key) is None
    assert not cache_answer(key, events, cost_ms=1)
    assert answer_cache.get(key) is None


def test_deletion_includes_claimed_conversations(visitor, ai):
    visitor.ask("Bonjour")
    parent = signed_in("parent", visitor)
    parent.post_json("/api/chat/claim", {})
    assert parent.delete("/api/me").json() == {"deleted": 1}
    assert not Claim.objects.exists()
    assert not Message.objects.exists()


def test_deletion_without_redis_is_a_503(visitor, ai, monkeypatch):
    visitor.ask("Bonjour")
    with monkeypatch.context() as outage:
        break_redis(outage)
        reply = visitor.delete("/api/me")
        assert reply.status_code == 503
        assert int(reply["Retry-After"]) > 0
    assert visitor.delete("/api/me").json() == {"deleted": 0}


def test_deletion_includes_the_unclaimed_visitor_of_the_cookie(visitor, ai):
    visitor.ask("À quoi ai-je droit ?", context={"département": "93"})
    before = Conversation.objects.get().owner
    reply = signed_in("parent", visitor).delete("/api/me")
    assert reply.json() == {"deleted": 1}
    assert reply.cookies["visitor"].value == ""
    assert not Message.objects.exists()
    assert redis_keys_of(before) == []


def test_deletion_excludes_a_visitor_claimed_by_another_person(visitor, ai):
    visitor.ask("Bonjour")
    cookie = visitor.cookies["visitor"].value
    signed_in("parent", visitor).post_json("/api/chat/claim", {})
    another = ChatClient()
    another.cookies["visitor"] = cookie
    another.ask("Bonsoir")  # the cookie was copied, or its deletion was lost: the visitor is still the parent's
    assert signed_in("neighbour", another).delete("/api/me").json() == {"deleted": 0}
    another.cookies["visitor"] = cookie
    assert signed_in("parent", another).delete("/api/me").json() == {"deleted": 2}


def test_a_deletion_from_another_site_is_refused(visitor, ai):
    visitor.ask("Bonjour")
    reply = signed_in("parent", visitor).delete("/api/me", headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403
    assert Message.objects.count() == 2


def test_deletion_includes_answers_that_a_claim_without_redis_left_in_the_cache(visitor, ai, monkeypatch):
    visitor.ask("À quoi ai-je droit ?", context={"département": "93"})
    before = Conversation.objects.get().owner
    parent = signed_in("parent", visitor)
    with monkeypatch.context() as outage:
        break_redis(outage)
        assert parent.post_json("/api/chat/claim", {}).json() == {"claimed": 1}
        assert parent.delete("/api/me").status_code == 503
    assert redis_keys_of(before)
    assert parent.delete("/api/me").status_code == 200
    assert redis_keys_of(before) == []
    assert not Claim.objects.exists()


@pytest.mark.parametrize("which", ["one", "all"])
def test_deleting_conversations_without_redis_is_a_503(visitor, ai, monkeypatch, which):
    ask = {"message": "À quoi ai-je droit ?", "context": {"département": "93"}}
    conversation = visitor.ask(**ask).json()["conversationId"]
    body = {"conversationId": conversation} if which == "one" else {}
    with monkeypatch.context() as outage:
        break_redis(outage)
        reply = visitor.delete("/api/chat/reset", body, content_type="application/json")
        assert reply.status_code == 503
        assert int(reply["Retry-After"]) > 0
    assert visitor.delete("/api/chat/reset", body, content_type="application/json").status_code == 200
    assert listed(visitor) == []
    assert visitor.ask(**ask).json()["origin"] == "ai"


def test_a_deletion_without_a_csrf_token_is_refused(visitor, ai):
    visitor.ask("Bonjour")
    browser = ChatClient(enforce_csrf_checks=True)
    browser.cookies = visitor.cookies
    assert browser.delete("/api/me").status_code == 403
    assert Message.objects.count() == 2
