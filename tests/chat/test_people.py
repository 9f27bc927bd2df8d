"""A visitor who signs in, and what people may do with all that is kept of them: claim it, take it along, delete it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django_redis import get_redis_connection

from bff import auth
from bff.tokens import TokenVerifier
from chat import cache, claims
from chat.database import DatabaseAway
from chat.events import Delta, Finish, Start
from chat.models import Claim, Conversation, Message
from chat.questions import Question, Turn
from tests.bff.supabase import SECRET, token_of
from tests.chat.outage import database_goes_away, redis_goes_away
from tests.conftest import ChatClient
from tests.frames import begun, parts_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _project(settings, monkeypatch):
    settings.SUPABASE_JWT_SECRET = SECRET
    monkeypatch.setattr(auth, "_verifier", TokenVerifier())


def bearer(subject: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(subject)}"}


def signed_in(subject: str, cookies_of: ChatClient | None = None) -> ChatClient:
    """A person with a token, on the phone where this visitor was."""
    person = ChatClient(raise_request_exception=False, headers=bearer(subject))
    if cookies_of is not None:
        person.cookies = cookies_of.cookies
    return person


def listed(person: ChatClient) -> list[str]:
    return [item["id"] for item in person.get("/api/chat/conversations").json()["items"]]


# --- Claiming ---


def test_what_a_visitor_asked_is_theirs_after_signing_in_under_its_old_id(visitor, ai):
    asked = visitor.ask("Comment demander la PCH ?").json()
    parent = signed_in("parent", visitor)
    assert listed(parent) == []
    assert parent.post_json("/api/chat/claim", {}).json() == {"claimed": 1}
    assert listed(parent) == [asked["conversationId"]]
    history = parent.get("/api/chat/history", {"conversationId": asked["conversationId"]}).json()
    assert history["items"][1]["text"] == asked["response"]
    assert parent.ask("Et après ?", conversationId=asked["conversationId"]).json()["saved"] is True
    assert parent.post_json("/api/chat/feedback", {"messageId": asked["messageId"], "rating": "up"}).status_code == 204


def test_the_visitor_is_no_more_after_a_claim(visitor, ai):
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    kept = visitor.cookies["visitor"].value
    reply = signed_in("parent", visitor).post_json("/api/chat/claim", {})
    assert reply.cookies["visitor"].value == ""
    copied = ChatClient()
    copied.cookies["visitor"] = kept
    assert copied.get("/api/chat/history", {"conversationId": conversation}).status_code == 404


def test_only_the_first_person_can_claim_and_as_often_as_they_need(visitor, ai):
    visitor.ask("Bonjour")
    kept = visitor.cookies["visitor"].value
    assert signed_in("parent", visitor).post_json("/api/chat/claim", {}).json() == {"claimed": 1}
    another = ChatClient()
    another.cookies["visitor"] = kept
    another.ask("Bonsoir")  # the cookie was copied, or its deletion got lost
    assert signed_in("neighbour", another).post_json("/api/chat/claim", {}).status_code == 409
    assert listed(signed_in("neighbour")) == []
    another.cookies["visitor"] = kept
    assert signed_in("parent", another).post_json("/api/chat/claim", {}).json() == {"claimed": 1}
    assert len(listed(signed_in("parent"))) == 2


def test_two_people_who_claim_at_once_do_not_share(visitor, ai):
    visitor.ask("Bonjour")
    phones = [signed_in(name) for name in ("one", "other")]
    for phone in phones:
        phone.cookies["visitor"] = visitor.cookies["visitor"].value
    with ThreadPoolExecutor(2) as both:
        statuses = list(both.map(lambda phone: phone.post_json("/api/chat/claim", {}).status_code, phones))
    assert sorted(statuses) == [200, 409]
    assert sorted(len(listed(phone)) for phone in phones) == [0, 1]


def test_an_id_that_both_have_used_becomes_one_conversation(visitor, ai):
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


def test_a_conversation_begun_while_the_database_was_away_is_claimed_too(visitor, ai, monkeypatch):
    with monkeypatch.context() as outage:
        database_goes_away(outage)
        conversation = visitor.ask("Bonjour").json()["conversationId"]
    parent = signed_in("parent", visitor)
    assert parent.ask("Et moi ?", conversationId=conversation).status_code == 404
    parent.post_json("/api/chat/claim", {})
    assert parent.ask("Et moi ?", conversationId=conversation).json()["conversationId"] == conversation


def test_an_answer_being_written_during_the_claim_arrives_in_the_claimed_conversation(server, ai):
    ai.pace(20)
    browser = requests.Session()
    stream = browser.post(f"{server.url}/api/chat/stream", json={"message": "Comment demander la PCH ?"}, stream=True)
    lines = stream.iter_lines()
    _, message = begun(lines)
    assert claims.claim("parent", Conversation.objects.get().owner) == 1
    *_, finish = parts_in(lines)
    assert finish["messageMetadata"]["saved"] is True
    kept = Message.objects.get(public_id=message)
    assert (kept.conversation.owner, kept.status) == ("parent", "complete")


def test_without_a_token_or_without_a_visitor_there_is_nothing_to_claim(visitor, ai):
    visitor.ask("Bonjour")
    assert visitor.post_json("/api/chat/claim", {}).status_code == 401
    assert signed_in("parent").post_json("/api/chat/claim", {}).json() == {"claimed": 0}


def test_another_site_can_not_have_conversations_claimed(visitor, ai):
    visitor.ask("Bonjour")
    parent = signed_in("parent", visitor)
    reply = parent.post_json("/api/chat/claim", {}, headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403
    assert not Claim.objects.exists()


# --- Taking along ---


def test_an_export_is_everything_and_nothing_of_others(visitor, another_visitor, ai):
    another_visitor.ask("La question d'une autre personne")
    first = visitor.ask("Comment demander la PCH ?").json()
    visitor.ask("Et après ?", conversationId=first["conversationId"])
    rating = {"messageId": first["messageId"], "rating": "down", "comment": "Trop long"}
    visitor.post_json("/api/chat/feedback", rating)
    reply = visitor.get("/api/me/export")
    assert reply["Content-Disposition"].startswith("attachment")
    assert reply["Cache-Control"] == "private, no-store"
    told = json.loads(b"".join(reply.streaming_content))
    assert [conversation["id"] for conversation in told["conversations"]] == [first["conversationId"]]
    messages = told["conversations"][0]["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert messages[1]["text"] == first["response"]
    assert (messages[1]["rating"], messages[1]["comment"]) == ("down", "Trop long")
    assert "une autre personne" not in json.dumps(told)


def test_a_long_export_comes_in_pieces_and_is_whole(visitor, ai):
    row = Conversation.objects.get(public_id=visitor.ask("Bonjour").json()["conversationId"])
    Message.objects.bulk_create(Message(conversation=row, role="user", text=str(n)) for n in range(450))
    Conversation.objects.bulk_create(Conversation(owner=row.owner, title=str(n)) for n in range(5))
    pieces = list(visitor.get("/api/me/export").streaming_content)
    told = json.loads(b"".join(pieces))
    assert len(pieces) > 10
    assert [message["text"] for message in told["conversations"][0]["messages"]][2:] == [str(n) for n in range(450)]
    assert len(told["conversations"]) == 6


def test_a_person_of_whom_nothing_is_kept_gets_an_empty_export(visitor):
    assert json.loads(b"".join(visitor.get("/api/me/export").streaming_content))["conversations"] == []


def test_an_export_says_which_visitors_one_was(visitor, ai):
    visitor.ask("Bonjour")
    parent = signed_in("parent", visitor)
    parent.post_json("/api/chat/claim", {})
    told = json.loads(b"".join(parent.get("/api/me/export").streaming_content))
    assert told["claimedVisitors"] == [Claim.objects.get().visitor]


def test_an_export_without_a_database_is_a_503_and_never_half_a_document(visitor, ai, monkeypatch):
    visitor.ask("Bonjour")
    pieces = visitor.get("/api/me/export").streaming_content
    next(pieces)
    database_goes_away(monkeypatch)
    with pytest.raises(DatabaseAway):
        list(pieces)
    assert visitor.get("/api/me/export").status_code == 503


# --- Deleting ---


def test_deleting_leaves_nothing_in_the_database_nor_in_redis(visitor, another_visitor, ai):
    other = another_visitor.ask("Bonjour").json()["conversationId"]
    first = visitor.ask("Mon fils Léo a 7 ans.").json()
    visitor.ask("Que puis-je demander ?", conversationId=first["conversationId"])
    owner = Conversation.objects.get(public_id=first["conversationId"]).owner
    assert kept_for(owner)
    reply = visitor.delete("/api/me")
    assert reply.json() == {"deleted": 1}
    assert not Conversation.objects.filter(owner=owner).exists()
    assert Message.objects.filter(conversation__public_id=other).count() == Message.objects.count() == 2
    assert kept_for(owner) == []
    assert "visitor" not in visitor.cookies or visitor.cookies["visitor"].value == ""


def kept_for(owner: str) -> list[str]:
    """What Redis holds of one caller: their answers, the logs of their runs, and the lists of both."""
    redis, scope = get_redis_connection("default"), cache.owner_of(owner)
    runs = {key.decode() for key in redis.keys("bff:run:*")}
    public = {
        f"bff:run:{run}"
        for run in Message.objects.filter(cache_key__startswith="public:").values_list("run_id", flat=True)
    }
    mine = {key.decode() for key in redis.keys(f"*{scope}*")} - {f"bff:forgotten:{scope}"}
    private = {run.decode() for run in redis.smembers(f"bff:runs-of:{scope}")}
    return sorted(mine | {run for run in runs - public if run.removeprefix("bff:run:") in private})


def test_deleting_ends_answers_under_way_and_keeps_nothing_of_them(server, ai):
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
    assert not get_redis_connection("default").exists(f"bff:answers-of:{cache.owner_of(owner)}")


def test_an_answer_that_ends_after_its_person_was_forgotten_is_not_kept(ai):
    key = cache.key_of(Question("Et pour lui ?", "fr", "parent", (Turn("user", "Léo a 7 ans."),)), "")
    said = [Start(), Delta("Voici."), Finish("ai")]
    assert cache.keep(key, said, cost_ms=1)
    assert cache.forget("parent") == 1
    assert cache.find(key) is None
    assert not cache.keep(key, said, cost_ms=1)
    assert cache.find(key) is None


def test_deleting_also_deletes_what_was_claimed(visitor, ai):
    visitor.ask("Bonjour")
    parent = signed_in("parent", visitor)
    parent.post_json("/api/chat/claim", {})
    assert parent.delete("/api/me").json() == {"deleted": 1}
    assert not Claim.objects.exists()
    assert not Message.objects.exists()


def test_while_redis_is_away_nobody_is_told_that_all_is_deleted(visitor, ai, monkeypatch):
    visitor.ask("Bonjour")
    with monkeypatch.context() as outage:
        redis_goes_away(outage)
        reply = visitor.delete("/api/me")
        assert reply.status_code == 503
        assert int(reply["Retry-After"]) > 0
    assert visitor.delete("/api/me").json() == {"deleted": 0}


def test_deleting_also_deletes_what_was_asked_before_signing_in_and_never_claimed(visitor, ai):
    visitor.ask("À quoi ai-je droit ?", context={"département": "93"})
    before = Conversation.objects.get().owner
    reply = signed_in("parent", visitor).delete("/api/me")
    assert reply.json() == {"deleted": 1}
    assert reply.cookies["visitor"].value == ""
    assert not Message.objects.exists()
    assert kept_for(before) == []


def test_deleting_leaves_what_a_visitor_asked_whom_somebody_else_has_claimed(visitor, ai):
    visitor.ask("Bonjour")
    kept = visitor.cookies["visitor"].value
    signed_in("parent", visitor).post_json("/api/chat/claim", {})
    another = ChatClient()
    another.cookies["visitor"] = kept
    another.ask("Bonsoir")  # the cookie was copied, or its deletion got lost: it is still the parent's
    assert signed_in("neighbour", another).delete("/api/me").json() == {"deleted": 0}
    another.cookies["visitor"] = kept
    assert signed_in("parent", another).delete("/api/me").json() == {"deleted": 2}


def test_another_site_can_not_have_a_visitor_deleted(visitor, ai):
    visitor.ask("Bonjour")
    reply = signed_in("parent", visitor).delete("/api/me", headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403
    assert Message.objects.count() == 2


def test_what_a_claim_could_not_have_forgotten_goes_with_the_person(visitor, ai, monkeypatch):
    visitor.ask("À quoi ai-je droit ?", context={"département": "93"})
    before = Conversation.objects.get().owner
    parent = signed_in("parent", visitor)
    with monkeypatch.context() as outage:
        redis_goes_away(outage)
        assert parent.post_json("/api/chat/claim", {}).json() == {"claimed": 1}
        assert parent.delete("/api/me").status_code == 503
    assert kept_for(before)
    assert parent.delete("/api/me").status_code == 200
    assert kept_for(before) == []
    assert not Claim.objects.exists()


@pytest.mark.parametrize("which", ["one", "all"])
def test_while_redis_is_away_nobody_is_told_that_a_conversation_is_forgotten(visitor, ai, monkeypatch, which):
    ask = {"message": "À quoi ai-je droit ?", "context": {"département": "93"}}
    conversation = visitor.ask(**ask).json()["conversationId"]
    body = {"conversationId": conversation} if which == "one" else {}
    with monkeypatch.context() as outage:
        redis_goes_away(outage)
        reply = visitor.delete("/api/chat/reset", body, content_type="application/json")
        assert reply.status_code == 503
        assert int(reply["Retry-After"]) > 0
    assert visitor.delete("/api/chat/reset", body, content_type="application/json").status_code == 200
    assert listed(visitor) == []
    assert visitor.ask(**ask).json()["origin"] == "ai"


def test_a_forged_form_deletes_nothing(visitor, ai):
    visitor.ask("Bonjour")
    browser = ChatClient(enforce_csrf_checks=True)
    browser.cookies = visitor.cookies
    assert browser.delete("/api/me").status_code == 403
    assert Message.objects.count() == 2
