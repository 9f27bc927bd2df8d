"""Conversations in the admin: staff see the provenance of answers; texts need a permission of their own."""

from __future__ import annotations

import json
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.admin import conversations
from chat.admin.provenance_words import in_words
from chat.core.events import Delta, Finish, Start
from chat.core.question import Question, Turn
from chat.models import Conversation, Message
from chat.storage import answer_cache, answer_keys
from tests.chat.admin.test_admin import staff_client
from tests.support.factories import cache_answer
from tests.support.outages import break_redis

pytestmark = pytest.mark.django_db

LIST = "/admin/chat/conversation/"
QUESTION = "Mon fils Noé est autiste, à quoi a-t-il droit ?"
ANSWER = "À l'AEEH, sous conditions."
COMMENT = "Noé a 4 ans"
SOURCE = "L'AEEH – Service-Public.fr"
CONTENT = [QUESTION[:20], ANSWER[:5], COMMENT, SOURCE, "service-public.fr"]


@pytest.fixture
def conversation():
    row = Conversation.objects.create(public_id="conversation-1", owner="visitor-42", title=QUESTION)
    Message.objects.create(
        conversation=row, public_id="message-1", role="user", text=QUESTION, correlation_id="req-abc.1"
    )
    Message.objects.create(
        conversation=row,
        public_id="message-2",
        role="assistant",
        text=ANSWER,
        status="interrupted",
        origin="stale",
        degraded={"reason": "circuit_open", "retry_after": 60, "age_seconds": None},
        sources=[{"id": "1", "title": SOURCE, "url": "https://www.service-public.fr/F14809"}],
        rating="down",
        comment=COMMENT,
        correlation_id="req-abc.1",
    )
    return row


@pytest.fixture
def support():
    return staff_client("view_conversation", "view_message")


@pytest.fixture
def reader():
    return staff_client("view_conversation", "view_message", "read_content", name="sacha")


def get_page(client, path=""):
    """The HTML of the page, with apostrophes unescaped."""
    answer = client.get(LIST + path)
    assert answer.status_code == 200
    return answer.content.decode().replace("&#x27;", "'")


def search_finds(client, term):
    return "conversation-1" in get_page(client, f"?q={term}")


@pytest.fixture
def logged_records(capsys):
    def records_with(message):
        records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [record for record in records if record["message"] == message]

    return records_with


def test_provenance_is_shown_without_content(support, conversation):
    page = get_page(support, f"{conversation.pk}/change/")
    for fact in ("visitor-42", "stale", "circuit_open", "interrupted", "not helpful", "req-abc.1", "1 source"):
        assert fact in page, fact
    assert "What was said is hidden" in page
    for words in CONTENT:
        assert words not in page, words


def test_codes_of_the_provenance_are_shown_in_words():
    assert str(in_words("follower", "role")) == "it joined the same question of somebody else"
    assert in_words("http_502", "outcome") == "http_502"


def test_texts_are_not_queried_without_permission_to_read_them(support, conversation):
    with CaptureQueriesContext(connection) as queries:
        get_page(support, f"{conversation.pk}/change/")
    sql = " ".join(query["sql"] for query in queries)
    assert '"chat_message"."origin"' in sql
    assert '"chat_message"."text"' not in sql
    assert '"chat_message"."comment"' not in sql


def test_the_list_has_no_titles(support, conversation):
    assert "visitor-42" in get_page(support)
    assert "Noé" not in get_page(support)


def test_query_parameters_cannot_filter_by_content(support, conversation):
    for lookup in ("title__startswith=Mon", "messages__text__contains=autiste", "owner=visitor-42"):
        assert support.get(f"{LIST}?{lookup}").status_code == 400
    assert support.get(f"{LIST}?updated_at__gte=2020-01-01%2000:00%2B00:00").status_code == 200


def test_content_and_partial_ids_are_not_searched(support, reader, conversation):
    for term in ("autiste", "Noé", "AEEH", "visitor", "req-abc"):
        assert not search_finds(support, term)
        assert not search_finds(reader, term)


@pytest.mark.parametrize("term", ["req-abc.1", " req-abc.1 ", "conversation-1", "message-2", "visitor-42"])
def test_whole_ids_are_searched(support, conversation, term):
    Conversation.objects.create(public_id="conversation-2", owner="visitor-43", title="Autre")
    page = get_page(support, f"?q={term}")
    assert "conversation-1" in page
    assert "conversation-2" not in page


def test_staff_with_read_content_see_texts_and_titles(reader, conversation):
    page = get_page(reader, f"{conversation.pk}/change/")
    for words in (QUESTION, ANSWER, COMMENT, SOURCE, 'href="https://www.service-public.fr/F14809"'):
        assert words in page, words
    assert QUESTION in get_page(reader)


def test_reading_a_conversation_is_logged_without_content(reader, conversation, logged_records):
    get_page(reader, f"{conversation.pk}/change/")
    (line,) = logged_records("Conversation read")
    assert line["conversationId"] == "conversation-1"
    assert line["userId"] == reader.session["_auth_user_id"]
    assert not any(words in str(line) for words in CONTENT)


def test_reading_is_written_to_the_admin_log(reader, support, conversation):
    get_page(support)
    get_page(support, f"{conversation.pk}/change/")
    assert not LogEntry.objects.exists()
    get_page(reader)
    get_page(reader, f"{conversation.pk}/change/")
    content, titles = LogEntry.objects.order_by("-id")
    assert (titles.change_message, content.change_message) == ("Read the titles.", "Read what was said.")
    assert (content.object_id, content.object_repr) == (str(conversation.pk), "conversation-1")
    assert str(content.user_id) == reader.session["_auth_user_id"]
    assert not any(text in content.object_repr + content.change_message for text in CONTENT)


def test_reading_titles_is_logged(reader, support, conversation, logged_records):
    get_page(support)
    get_page(support, f"{conversation.pk}/change/")
    assert not logged_records("Conversation titles read")
    get_page(reader)
    (line,) = logged_records("Conversation titles read")
    assert line["userId"] == reader.session["_auth_user_id"]


def test_viewing_without_content_is_not_logged_as_reading(support, conversation, logged_records):
    get_page(support, f"{conversation.pk}/change/")
    assert not logged_records("Conversation read")


def test_messages_need_view_message(conversation):
    client = staff_client("view_conversation", "read_content")
    page = get_page(client, f"{conversation.pk}/change/")
    assert "Your account may not see messages." in page
    assert "req-abc.1" not in page
    assert ANSWER not in page


def test_nothing_can_be_added_changed_or_deleted(reader, conversation):
    everything = staff_client("add_conversation", "change_conversation", "delete_conversation", name="alix")
    for client in (reader, everything):
        assert client.post(f"{LIST}add/", {"title": "x"}).status_code == 403
        assert client.post(f"{LIST}{conversation.pk}/change/", {"title": "x"}).status_code == 403
        assert client.post(f"{LIST}{conversation.pk}/delete/", {"post": "yes"}).status_code == 403
        client.post(LIST, {"action": "delete_selected", "_selected_action": conversation.pk, "post": "yes"})
    assert Conversation.objects.get().title == QUESTION


def test_message_content_is_html_escaped(reader, conversation):
    Message.objects.create(
        conversation=conversation,
        role="assistant",
        text="<script>alert(1)</script>",
        sources=[{"id": "1", "title": "<i>x</i>", "url": "javascript:alert(1)"}],
    )
    page = get_page(reader, f"{conversation.pk}/change/")
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;i&gt;x&lt;/i&gt;" in page
    assert "javascript:" not in page


def test_the_link_of_a_source_is_its_whole_address(reader, conversation):
    urls = ["https://evil.example/", "https://caf.fr@evil.example/", "https://xn--f-7sb.fr/"]
    sources = [{"id": "1", "title": "www.caf.fr", "url": url} for url in urls]
    Message.objects.create(conversation=conversation, role="assistant", text="Oui.", sources=sources)
    page = get_page(reader, f"{conversation.pk}/change/")
    assert re.findall(r'<a href="(https?://[^"]+)"[^>]*>([^<]+)</a>', page) == [
        ("https://www.service-public.fr/F14809", "https://www.service-public.fr/F14809"),
        ("https://evil.example/", "https://evil.example/"),
    ]
    assert page.count("www.caf.fr") == len(urls)


def test_only_the_last_messages_of_a_long_conversation_are_shown(reader, conversation, monkeypatch):
    monkeypatch.setattr(conversations, "MAX_MESSAGES", 3)
    for number in range(3):
        Message.objects.create(conversation=conversation, role="user", text=f"Question {number}")
    page = get_page(reader, f"{conversation.pk}/change/")
    assert ANSWER not in page
    assert page.index("Question 0") < page.index("Question 2")
    assert "Only the last 3 messages are shown." in page


def test_private_cached_answers_can_be_deleted_with_permission(conversation):
    turns = (Turn("user", "Bonjour"),)
    mine, other = (
        answer_keys.key_of(
            Question("Et alors ?", "fr", f"visitor-{n}", turns), prompt_version="p1", knowledge_version="v1"
        )
        for n in (42, 43)
    )
    for key in (mine, other):
        cache_answer(key, [Start(), Delta("Voici."), Finish("ai")], cost_ms=1)
    form = {"action": "delete_cached_answers", "_selected_action": [conversation.pk]}

    staff_client("view_conversation", name="sacha").post(LIST, form)
    assert answer_cache.get(mine)

    page = staff_client("view_conversation", "delete_conversation").post(LIST, form, follow=True).content.decode()
    assert "isitor-42 – Kept answers forgotten: 1" in page  # the message capitalises its first letter
    assert [answer_cache.get(key) is not None for key in (mine, other)] == [False, True]
    assert LogEntry.objects.get().object_repr == "visitor-42"
    assert Conversation.objects.exists()


def test_the_operator_reads_for_how_many_people_it_was_done_before_redis_failed(conversation, monkeypatch):
    for number in (43, 44):
        Conversation.objects.create(public_id=f"conversation-{number}", owner=f"visitor-{number}", title="Autre")
    form = {
        "action": "delete_cached_answers",
        "_selected_action": list(Conversation.objects.values_list("pk", flat=True)),
    }
    operator = staff_client("view_conversation", "delete_conversation")
    forget = answer_cache.forget

    def forget_and_fail(owner: str) -> int | None:
        count = forget(owner)
        break_redis(monkeypatch)
        return count

    monkeypatch.setattr(answer_cache, "forget", forget_and_fail)
    page = operator.post(LIST, form, follow=True).content.decode()
    assert "isitor-42 – Kept answers forgotten: 0" in page
    assert "Redis is unavailable. Done for 1 of 3; try the others again in a moment." in page
    assert LogEntry.objects.get().object_repr == "visitor-42"

    page = operator.post(LIST, form, follow=True).content.decode()
    assert "Redis is unavailable. Done for 0 of 3;" in page
    assert LogEntry.objects.count() == 1
