"""A caller's own conversations: listing, reading, deleting; other callers' conversations are inaccessible."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from django_redis import get_redis_connection

from chat.api.chat import PAGE_SIZE
from chat.history import claims, conversation_list
from chat.history.recorder import TurnRecorder
from chat.models import Claim, Conversation, Message
from chat.storage import db_executor
from chat.upstream import compose
from chat.upstream.request import UpstreamRequest
from tests.support.commands import manage
from tests.support.outages import break_database
from tests.support.polling import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def history(person, conversation: str, **params):
    return person.get("/api/chat/history", {"conversationId": conversation, **params})


def test_messages_are_listed_in_order_with_their_sources_and_origin(visitor, ai):
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
    assert ai.calls == 2  # a question with a history is another question


def test_conversations_are_listed_latest_first_with_their_first_question_as_title(visitor, ai):
    visitor.ask("Première question ?")
    visitor.ask("Deuxième   question ?")
    titles = [item["title"] for item in visitor.get("/api/chat/conversations").json()["items"]]
    assert titles == ["Deuxième question ?", "Première question ?"]


def test_long_lists_are_paged_without_gaps_or_duplicates(visitor, ai):
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    row = Conversation.objects.get(public_id=conversation)
    Message.objects.bulk_create(Message(conversation=row, role="user", text=str(n)) for n in range(PAGE_SIZE + 5))
    Conversation.objects.bulk_create(Conversation(owner=row.owner, title=str(n)) for n in range(PAGE_SIZE + 5))
    texts = all_pages(visitor, "text", "/api/chat/history", "after", conversationId=conversation)
    titles = all_pages(visitor, "title", "/api/chat/conversations", "before")
    assert len(texts) == PAGE_SIZE + 7
    assert texts[2:] == [str(n) for n in range(PAGE_SIZE + 5)]
    assert len(set(titles)) == len(titles) == PAGE_SIZE + 6


@pytest.mark.parametrize("change", ["continued", "deleted", "nothing"])
def test_the_second_page_follows_the_first_whatever_becomes_of_its_last_row(visitor, ai, change):
    visitor.ask("Bonjour")
    owner = Conversation.objects.get().owner
    same_time = timezone.now() - timedelta(days=1)
    rows = [Conversation(owner=owner, title=str(n), updated_at=same_time) for n in range(PAGE_SIZE + 5)]
    Conversation.objects.bulk_create(rows)
    first = visitor.get("/api/chat/conversations").json()
    last = Conversation.objects.filter(public_id=first["items"][-1]["id"])
    if change == "continued":
        last.update(updated_at=timezone.now())
    elif change == "deleted":
        last.delete()
    second = visitor.get("/api/chat/conversations", {"before": first["next"]}).json()
    assert second["next"] is None
    shown = [item["id"] for page in (first, second) for item in page["items"]]
    assert len(shown) == len(set(shown)) == PAGE_SIZE + 6


def test_a_conversation_is_found_by_its_title_or_by_a_message(visitor, another_visitor, ai):
    one = visitor.ask("Comment demander l'AEEH ?").json()["conversationId"]
    visitor.ask("Et à Ushuaïa ?", conversationId=one)
    two = visitor.ask("Bonjour de Quetigny").json()["conversationId"]
    another_visitor.ask("Comment demander l'AEEH ?")

    def found(search, **body):
        page = visitor.post_json("/api/chat/conversations/search", {"search": search, **body}).json()
        return [item["id"] for item in page["items"]]

    assert found(" aeeh ") == [one]
    assert found("ushuaïa") == [one]
    assert found("quetigny") == [two]
    two_itself = conversation_list.position_of(Conversation.objects.get(public_id=two))
    assert found("quetigny", before=two_itself) == []
    assert found("100%") == []


@pytest.mark.without_coverage
def test_capitals_with_accents_are_found_in_sqlite_too(tmp_path):
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3", "LOG_LEVEL": "error"}
    code = (
        "from chat.models import *; from chat.history import conversation_list;"
        "one = Conversation.objects.create(owner='o', public_id='one', title='École de Léa');"
        "two = Conversation.objects.create(owner='o', public_id='two', title='Bonjour');"
        "Message.objects.create(conversation=two, role='user', text='ÉLÈVE\\nen CE1 (a.b_c)');"
        "found = lambda q: [row.public_id for row in conversation_list.page('o', None, 9, q)[0]];"
        "print([found(q) for q in ('école', 'LÉA', 'élève\\nen', '(A.B_C)', 'a+b', '.cole')])"
    )
    manage("migrate", "-v0", env=env).check_returncode()
    output = manage("shell", "-v0", "-c", code, env=env).stdout
    assert output.splitlines()[-1] == "[['one'], ['one'], ['two'], ['two'], [], []]"


def test_a_conversation_is_renamed_for_good(visitor, another_visitor, ai):
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    address = f"/api/chat/conversations/{conversation}"

    assert visitor.patch(address, {"title": " Léa, école "}, "application/json").status_code == 204

    visitor.ask("Et la suite ?", conversationId=conversation)
    assert [item["title"] for item in visitor.get("/api/chat/conversations").json()["items"]] == ["Léa, école"]
    assert visitor.patch(address, {"title": " "}, "application/json").status_code == 422
    assert another_visitor.patch(address, {"title": "Moi"}, "application/json").status_code == 404


def test_a_new_rating_replaces_the_reason_of_the_last(visitor, ai):
    message = visitor.ask("Bonjour").json()["messageId"]
    rate = {"messageId": message, "rating": "down", "reason": "unclear", "comment": "trop long"}

    assert visitor.post_json("/api/chat/feedback", rate).status_code == 204
    assert Message.objects.filter(public_id=message, reason="unclear", comment="trop long").exists()
    assert visitor.post_json("/api/chat/feedback", {"messageId": message, "rating": "up"}).status_code == 204
    assert Message.objects.filter(public_id=message, reason="", comment="").exists()
    assert visitor.post_json("/api/chat/feedback", rate | {"reason": "boring"}).status_code == 422


def test_another_callers_conversation_is_not_found(visitor, another_visitor, ai):
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


def test_deleting_one_conversation_leaves_the_others(visitor, ai):
    one, two = (visitor.ask(text).json()["conversationId"] for text in ("Bonjour", "Bonsoir"))
    reply = visitor.delete("/api/chat/reset", {"conversationId": one}, content_type="application/json")
    assert reply.json()["deleted"] == 1
    assert [item["id"] for item in visitor.get("/api/chat/conversations").json()["items"]] == [two]


def test_deleting_one_conversation_deletes_its_run_logs_and_no_others(visitor, ai):
    """Without its log, an answer that is being written breaks off for readers in other processes."""
    redis = get_redis_connection("default")

    def log_of_the_answer_to(question: str) -> str:
        answers = Message.objects.filter(role="assistant", conversation__messages__text=question)
        log = f"bff:run:{answers.order_by('-id').values_list('run_id', flat=True)[0]}"
        eventually(lambda: redis.exists(log))
        return log

    one, two = (visitor.ask(text).json()["conversationId"] for text in ("Bonjour", "Bonsoir"))
    visitor.ask("Et pour Léo ?", conversationId=one)
    ai.pace(5)
    frames = visitor.stream("Et pour Zoé ?", conversationId=two).streaming_content
    next(iter(frames))
    ended, pending = map(log_of_the_answer_to, ("Et pour Léo ?", "Et pour Zoé ?"))
    first_entry = redis.xrange(pending, count=1)
    visitor.delete("/api/chat/reset", {"conversationId": one}, content_type="application/json")
    assert not redis.exists(ended)
    assert first_entry
    assert redis.xrange(pending, count=1) == first_entry


def test_deleting_one_conversation_deletes_the_run_logs_of_replaced_answers_too(visitor, ai):
    """Their rows, which name the runs, are gone."""
    redis = get_redis_connection("default")
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    visitor.ask("Et pour Léo ?", conversationId=conversation)
    replaced = f"bff:run:{Message.objects.exclude(run_id='').latest('id').run_id}"
    eventually(lambda: redis.exists(replaced))
    question = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "Et pour Léo ?"}]}
    body = {"id": conversation, "messages": [question], "trigger": "regenerate-message"}
    b"".join(visitor.post_json("/api/chat/stream", body).streaming_content)
    assert replaced != f"bff:run:{Message.objects.exclude(run_id='').latest('id').run_id}"
    assert redis.exists(replaced)
    visitor.delete("/api/chat/reset", {"conversationId": conversation}, content_type="application/json")
    assert not redis.exists(replaced)


def test_deleting_all_conversations_deletes_private_cached_answers(visitor, ai):
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    visitor.ask("Et pour mon fils ?", conversationId=conversation)
    assert visitor.delete("/api/chat/reset").json()["deleted"] == 1
    keys = [key.decode() for key in get_redis_connection("default").keys("bff:answer*")]
    assert [key for key in keys if "{public:" not in key] == []
    assert Message.objects.count() == 0


def test_an_answer_that_can_not_be_saved_is_delivered_and_marked(visitor, ai, settings, monkeypatch):
    break_database(monkeypatch)
    answer = visitor.ask("Bonjour").json()
    assert answer["origin"] == "ai"
    assert answer["saved"] is False


def test_a_question_is_answered_although_the_database_goes_away_while_its_conversation_is_looked_for(
    visitor, ai, monkeypatch
):
    def visitors_of(owner: str) -> list[str]:
        raise db_executor.DatabaseUnavailable("gone")

    monkeypatch.setattr(claims, "visitors_of", visitors_of)
    answer = visitor.ask("Bonjour", conversationId="another").json()
    assert answer["origin"] == "ai"


def test_an_answer_is_saved_although_the_confirmation_of_its_start_timed_out(visitor, ai, monkeypatch):
    run = db_executor.DatabaseExecutor.run
    delayed: list[Any] = []

    def run_slowly(self, work, **options):
        result = run(self, work, **options)
        if not delayed and Message.objects.filter(status="pending").exists():
            delayed.append(result)
            raise db_executor.DatabaseUnavailable("did not answer in time")
        return result

    monkeypatch.setattr(db_executor.DatabaseExecutor, "run", run_slowly)
    answer = visitor.ask("Bonjour").json()
    assert delayed
    assert answer["saved"] is True
    rows = Message.objects.values_list(
        "role", "status", "text"
    )  # not through the API, which would complete a pending answer
    assert list(rows) == [("user", "complete", "Bonjour"), ("assistant", "complete", answer["response"])]


def test_what_is_deleted_after_the_start_of_a_turn_failed_does_not_come_back(visitor, ai, monkeypatch):
    start = TurnRecorder.start
    visitor.ask("Bonjour")  # sets the cookie

    def start_in_vain(self: TurnRecorder, run_id: str) -> None:
        with monkeypatch.context() as outage:
            break_database(outage)
            start(self, run_id)
        assert visitor.delete("/api/chat/reset").status_code == 200

    monkeypatch.setattr(TurnRecorder, "start", start_in_vain)
    assert visitor.ask("Comment demander l'AEEH ?").json()["saved"] is False
    assert not Message.objects.exists()


def test_a_history_that_can_not_be_read_is_a_503_with_retry_after(visitor, monkeypatch):
    break_database(monkeypatch)
    reply = visitor.get("/api/chat/conversations")
    assert reply.status_code == 503
    assert reply["Retry-After"] == "5"


def test_only_old_conversations_are_purged(visitor, ai, capsys):
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


def test_a_conversation_that_is_continued_during_the_purge_stays():
    old = timezone.now() - timedelta(days=400)
    continued, _ = (Conversation.objects.create(owner="x", title=title, updated_at=old) for title in "ab")

    def purge() -> None:
        with closing(connection):
            call_command("purge_conversations", verbosity=0)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Conversation.objects.filter(pk=continued.pk).update(updated_at=timezone.now())
            purged = pool.submit(purge)
            eventually(is_waited_for)  # the purge has found it, still with its old time
        purged.result(30)
    assert list(Conversation.objects.all()) == [continued]


def is_waited_for() -> bool:
    """Whether another transaction waits for this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        [[count]] = cursor.fetchall()
    return bool(count)


@pytest.mark.parametrize("protocol", ["openai", "rag"])
def test_a_long_conversation_is_truncated_in_both_protocols(visitor, ai, settings, monkeypatch, protocol):
    settings.AI_SERVICE_PROTOCOL = protocol
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    row = Conversation.objects.get(public_id=conversation)
    Message.objects.bulk_create(
        Message(conversation=row, role=role, origin="ai", text=f"{number} " + "x" * 3000)
        for number in range(5)
        for role in ("user", "assistant")
    )
    sent: list[UpstreamRequest] = []
    build = compose.chat

    def record(*arguments: Any) -> Any:
        request, passages = build(*arguments)
        sent.append(request)
        return request, passages

    monkeypatch.setattr(compose, "chat", record)
    assert visitor.ask("Et après ?", conversationId=conversation).status_code == 200
    assert [number for number in range(5) if f'"{number} xxx'.encode() in sent[0].body] == [4]


def all_pages(person, field: str, path: str, cursor: str, **params) -> list[str]:
    page = person.get(path, params).json()
    values = [item[field] for item in page["items"]]
    while page["next"] is not None:
        page = person.get(path, params | {cursor: page["next"]}).json()
        values += [item[field] for item in page["items"]]
    return values
