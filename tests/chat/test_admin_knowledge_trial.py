"""Trying an entry out at the desk: asking the AI now, and having answers wait for people."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry

from tests.chat.test_admin import member_of_staff
from tests.entries import new_entry

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/chat/knowledgeentry/"


@pytest.fixture
def editor():
    return member_of_staff("view_knowledgeentry", "change_knowledgeentry")


@pytest.fixture
def entry():
    return new_entry()


def test_an_editor_asks_the_ai_and_sees_what_people_would_be_answered(editor, entry, visitor, ai):
    asked = visitor.ask("Comment demander la PCH ?").json()["response"]
    page = editor.post(f"{LIST}{entry.pk}/ask/", {"question": "Comment demander la PCH ?"}).content.decode()
    assert ai.calls == 2  # asked anew, whatever was kept
    assert "What people would be answered" in page
    assert "From the AI" in " ".join(re.sub("<[^>]*>", " ", page).split())
    assert re.search(r"in \d+\.\d s", page)
    assert asked.split()[0] in page
    assert "this entry was not found for that question" in page


def test_an_answer_that_is_not_the_ais_is_shown_with_the_reason(editor, entry, ai, settings):
    settings.AI_ATTEMPTS = 1
    ai.fail("error")
    page = editor.post(f"{LIST}{entry.pk}/ask/", {"question": "Comment demander la PCH ?"}).content.decode()
    assert "the AI failed" in page


def test_without_a_question_the_ai_is_not_asked(editor, entry, ai):
    page = editor.post(f"{LIST}{entry.pk}/ask/", {"question": "  "}).content.decode()
    assert "Write a question." in page
    assert ai.calls == 0


def test_warming_an_entry_makes_the_answers_to_its_questions_wait_for_people(editor, entry, visitor, ai):
    answer = editor.post(f"{LIST}{entry.pk}/warm/", follow=True)
    questions = len(entry.questions)
    assert f"{questions} of {questions} answers are ready." in answer.content.decode()
    assert ai.calls == questions
    assert visitor.ask(entry.questions[0]).json()["origin"] == "cache"
    assert LogEntry.objects.filter(object_id=str(entry.pk), change_message__contains="answers are ready").exists()


def test_warming_while_the_ai_is_away_says_how_little_came_of_it(editor, entry, ai, settings):
    settings.AI_ATTEMPTS = 1
    ai.fail("error")
    assert f"0 of {len(entry.questions)} answers are ready." in (
        editor.post(f"{LIST}{entry.pk}/warm/", follow=True).content.decode()
    )


@pytest.mark.parametrize("what", ["ask", "warm"])
def test_who_may_only_look_spends_nothing(entry, ai, what):
    viewer = member_of_staff("view_knowledgeentry", name="sacha")
    assert viewer.post(f"{LIST}{entry.pk}/{what}/", {"question": "Bonjour ?"}).status_code == 403
    assert f"/{what}/" not in viewer.get(f"{LIST}{entry.pk}/change/").content.decode()
    assert ai.calls == 0


def test_warming_takes_a_form_of_ours(editor, entry, ai):
    assert editor.get(f"{LIST}{entry.pk}/warm/").status_code == 405
