"""The answer preview and cache warming of a knowledge entry in the admin."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry

from tests.chat.admin.test_admin import staff_client
from tests.support.factories import new_entry

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/chat/knowledgeentry/"


@pytest.fixture
def editor():
    return staff_client("view_knowledgeentry", "change_knowledgeentry")


@pytest.fixture
def entry():
    return new_entry()


def test_the_preview_asks_the_ai_again_and_shows_the_answer_with_its_facts(editor, entry, visitor, ai):
    cached = visitor.ask("Comment demander la PCH ?").json()["response"]
    page = editor.post(f"{LIST}{entry.pk}/ask/", {"question": "Comment demander la PCH ?"}).content.decode()
    assert ai.calls == 2  # the preview ignores the cached answer
    assert "What people would be answered" in page
    assert "From the AI" in " ".join(re.sub("<[^>]*>", " ", page).split())
    assert re.search(r"in \d+\.\d s", page)
    assert cached.split()[0] in page
    assert "this entry was not found for that question" in page


def test_a_degraded_answer_is_shown_with_its_reason(editor, entry, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error")
    page = editor.post(f"{LIST}{entry.pk}/ask/", {"question": "Comment demander la PCH ?"}).content.decode()
    assert "the AI failed" in page


def test_without_a_question_the_ai_is_not_asked(editor, entry, ai):
    page = editor.post(f"{LIST}{entry.pk}/ask/", {"question": "  "}).content.decode()
    assert "Write a question." in page
    assert ai.calls == 0


def test_warming_an_entry_caches_the_answers_to_its_questions(editor, entry, visitor, ai):
    answer = editor.post(f"{LIST}{entry.pk}/warm/", follow=True)
    questions = len(entry.questions)
    assert f"{questions} of {questions} answers are ready." in answer.content.decode()
    assert ai.calls == questions
    assert visitor.ask(entry.questions[0]).json()["origin"] == "cache"
    assert LogEntry.objects.filter(object_id=str(entry.pk), change_message__contains="answers are ready").exists()


def test_warming_while_the_ai_is_unavailable_reports_no_ready_answers(editor, entry, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error")
    assert f"0 of {len(entry.questions)} answers are ready." in (
        editor.post(f"{LIST}{entry.pk}/warm/", follow=True).content.decode()
    )


@pytest.mark.parametrize("what", ["ask", "warm"])
def test_a_user_with_view_permission_alone_cannot_preview_or_warm(entry, ai, what):
    viewer = staff_client("view_knowledgeentry", name="sacha")
    assert viewer.post(f"{LIST}{entry.pk}/{what}/", {"question": "Bonjour ?"}).status_code == 403
    assert f"/{what}/" not in viewer.get(f"{LIST}{entry.pk}/change/").content.decode()
    assert ai.calls == 0


def test_warming_needs_post(editor, entry, ai):
    assert editor.get(f"{LIST}{entry.pk}/warm/").status_code == 405
