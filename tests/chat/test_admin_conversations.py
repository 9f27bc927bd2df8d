"""Conversations in the admin: everybody on the desk sees how an answer came about, few see what was said."""

from __future__ import annotations

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import cache
from chat.admin import conversations
from chat.events import Delta, Finish, Start
from chat.models import Conversation, Message
from chat.questions import Question, Turn
from tests.chat.test_admin import member_of_staff

pytestmark = pytest.mark.django_db

LIST = "/admin/chat/conversation/"
QUESTION = "Mon fils Noé est autiste, à quoi a-t-il droit ?"
ANSWER = "À l'AEEH, sous conditions."
COMMENT = "Noé a 4 ans"
SOURCE = "L'AEEH – Service-Public.fr"
SAID = [QUESTION[:20], ANSWER[:5], COMMENT, SOURCE, "service-public.fr"]


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
    return member_of_staff("view_conversation", "view_message")


@pytest.fixture
def reader():
    return member_of_staff("view_conversation", "view_message", "read_content", name="sacha")


def look(client, path=""):
    """The page as a person reads it."""
    answer = client.get(LIST + path)
    assert answer.status_code == 200
    return answer.content.decode().replace("&#x27;", "'")


def found(client, term):
    return "conversation-1" in look(client, f"?q={term}")


@pytest.fixture
def logged(capsys):
    def lines(message):
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line for line in found if line["message"] == message]

    return lines


def test_how_an_answer_came_about_is_shown_without_its_words(support, conversation):
    page = look(support, f"{conversation.pk}/change/")
    for fact in ("visitor-42", "stale", "circuit_open", "interrupted", "not helpful", "req-abc.1", "1 source"):
        assert fact in page, fact
    assert "What was said is hidden" in page
    for words in SAID:
        assert words not in page, words


def test_the_database_is_not_even_asked_for_the_words(support, conversation):
    with CaptureQueriesContext(connection) as queries:
        look(support, f"{conversation.pk}/change/")
    asked = " ".join(query["sql"] for query in queries)
    assert '"chat_message"."origin"' in asked
    assert '"chat_message"."text"' not in asked
    assert '"chat_message"."comment"' not in asked


def test_the_list_has_no_titles(support, conversation):
    assert "visitor-42" in look(support)
    assert "Noé" not in look(support)


def test_titles_cannot_be_guessed_through_the_address(support, conversation):
    for lookup in ("title__startswith=Mon", "messages__text__contains=autiste", "owner=visitor-42"):
        assert support.get(f"{LIST}?{lookup}").status_code == 400
    assert support.get(f"{LIST}?updated_at__gte=2020-01-01%2000:00%2B00:00").status_code == 200


def test_words_are_not_searched(support, reader, conversation):
    for term in ("autiste", "Noé", "AEEH", "visitor", "req-abc"):
        assert not found(support, term)
        assert not found(reader, term)


@pytest.mark.parametrize("term", ["req-abc.1", " req-abc.1 ", "conversation-1", "message-2", "visitor-42"])
def test_whole_ids_are_searched(support, conversation, term):
    Conversation.objects.create(public_id="conversation-2", owner="visitor-43", title="Autre")
    page = look(support, f"?q={term}")
    assert "conversation-1" in page
    assert "conversation-2" not in page


def test_who_may_read_sees_what_was_said(reader, conversation):
    page = look(reader, f"{conversation.pk}/change/")
    for words in (QUESTION, ANSWER, COMMENT, SOURCE, 'href="https://www.service-public.fr/F14809"'):
        assert words in page, words
    assert QUESTION in look(reader)


def test_each_reading_leaves_a_line_in_the_log_without_content(reader, conversation, logged):
    look(reader, f"{conversation.pk}/change/")
    (line,) = logged("Conversation read")
    assert line["conversationId"] == "conversation-1"
    assert line["userId"] == reader.session["_auth_user_id"]
    assert not any(words in str(line) for words in SAID)


def test_each_reading_is_in_the_admins_own_log_too(reader, support, conversation):
    look(support)
    look(support, f"{conversation.pk}/change/")
    assert not LogEntry.objects.exists()
    look(reader)
    look(reader, f"{conversation.pk}/change/")
    words, titles = LogEntry.objects.order_by("-id")
    assert (titles.change_message, words.change_message) == ("Read the titles.", "Read what was said.")
    assert (words.object_id, words.object_repr) == (str(conversation.pk), "conversation-1")
    assert str(words.user_id) == reader.session["_auth_user_id"]
    assert not any(said in words.object_repr + words.change_message for said in SAID)


def test_reading_titles_leaves_a_line_too(reader, support, conversation, logged):
    look(support)
    look(support, f"{conversation.pk}/change/")
    assert not logged("Conversation titles read")
    look(reader)
    (line,) = logged("Conversation titles read")
    assert line["userId"] == reader.session["_auth_user_id"]


def test_who_reads_nothing_is_not_logged(support, conversation, logged):
    look(support, f"{conversation.pk}/change/")
    assert not logged("Conversation read")


def test_messages_take_their_own_permission(conversation):
    client = member_of_staff("view_conversation", "read_content")
    page = look(client, f"{conversation.pk}/change/")
    assert "Your account may not see messages." in page
    assert "req-abc.1" not in page
    assert ANSWER not in page


def test_nothing_can_be_added_changed_or_deleted(reader, conversation):
    everything = member_of_staff("add_conversation", "change_conversation", "delete_conversation", name="alix")
    for client in (reader, everything):
        assert client.post(f"{LIST}add/", {"title": "x"}).status_code == 403
        assert client.post(f"{LIST}{conversation.pk}/change/", {"title": "x"}).status_code == 403
        assert client.post(f"{LIST}{conversation.pk}/delete/", {"post": "yes"}).status_code == 403
        client.post(LIST, {"action": "delete_selected", "_selected_action": conversation.pk, "post": "yes"})
    assert Conversation.objects.get().title == QUESTION


def test_what_people_wrote_is_never_markup(reader, conversation):
    Message.objects.create(
        conversation=conversation,
        role="assistant",
        text="<script>alert(1)</script>",
        sources=[{"id": "1", "title": "<i>x</i>", "url": "javascript:alert(1)"}],
    )
    page = look(reader, f"{conversation.pk}/change/")
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;i&gt;x&lt;/i&gt;" in page
    assert "javascript:" not in page


def test_of_a_long_conversation_the_end_is_shown(reader, conversation, monkeypatch):
    monkeypatch.setattr(conversations, "MOST_MESSAGES", 3)
    for number in range(3):
        Message.objects.create(conversation=conversation, role="user", text=f"Question {number}")
    page = look(reader, f"{conversation.pk}/change/")
    assert ANSWER not in page
    assert page.index("Question 0") < page.index("Question 2")
    assert "Only the last 3 messages are shown." in page


def test_what_is_kept_for_one_person_alone_can_be_forgotten_by_whoever_may(conversation):
    turns = (Turn("user", "Bonjour"),)
    mine, other = (cache.key_of(Question("Et alors ?", "fr", f"visitor-{n}", turns), "v1") for n in (42, 43))
    for key in (mine, other):
        cache.keep(key, [Start(), Delta("Voici."), Finish("ai")], cost_ms=1)
    order = {"action": "forget_kept", "_selected_action": [conversation.pk]}

    member_of_staff("view_conversation", name="sacha").post(LIST, order)
    assert cache.look(mine)

    page = member_of_staff("view_conversation", "delete_conversation").post(LIST, order, follow=True).content.decode()
    assert "isitor-42 – Kept answers forgotten: 1" in page  # its first letter is made a capital
    assert [cache.look(key) is not None for key in (mine, other)] == [False, True]
    assert LogEntry.objects.get().object_repr == "visitor-42"
    assert Conversation.objects.exists()
