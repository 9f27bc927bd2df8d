"""The operators' desk as a whole: who gets in, and that its pages live under a strict content security policy."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from chat.models import Conversation, KnowledgeEntry, Message

pytestmark = pytest.mark.django_db

PAGES = [
    "/admin/",
    "/admin/chat/circuitbreaker/",
    "/admin/chat/circuitbreaker/state/",
    "/admin/chat/circuitbreaker/chat/open/",
    "/admin/chat/conversation/",
    "/admin/chat/conversation/1/change/",
    "/admin/chat/knowledgeentry/",
    "/admin/chat/knowledgeentry/add/",
    "/admin/chat/knowledgeentry/1/change/",
]


def member_of_staff(*permissions: str, name: str = "camille", **options: bool) -> Client:
    """Somebody who is logged in, reads English, and may do this much."""
    user = User.objects.create_user(name, is_staff=True)
    messages = ContentType.objects.get_for_model(Message)
    for codename in permissions:
        # Which model a permission hangs on is no business of ours.
        found = Permission.objects.filter(content_type__app_label="chat", codename=codename).first()
        user.user_permissions.add(found or Permission.objects.create(codename=codename, content_type=messages))
    client = Client(headers={"accept-language": "en"}, **options)
    client.force_login(user)
    return client


def superuser() -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.fixture
def rows():
    """One of everything, each row number 1."""
    entry = {"slug": "aeeh", "language": "fr", "topic": "prestations", "title": "L'AEEH", "text": "Une **aide**."}
    facts = {"source_name": "CAF", "source_url": "https://www.caf.fr/", "checked_on": "2025-04-01"}
    KnowledgeEntry.objects.create(pk=1, **entry, **facts, questions=["C'est quoi ?"])
    conversation = Conversation.objects.create(pk=1, owner="visitor-1", title="Bonjour")
    Message.objects.create(conversation=conversation, role="user", text="Bonjour")


@pytest.mark.parametrize("page", PAGES)
def test_somebody_unknown_is_sent_to_the_login(client, rows, page):
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/?next=")


@pytest.mark.parametrize("page", PAGES[1:])
def test_being_staff_alone_opens_nothing(rows, page):
    assert member_of_staff().get(page).status_code == 403


@pytest.mark.parametrize("page", ["/admin/login/", *PAGES])
def test_no_page_needs_inline_scripts_or_styles(rows, page):
    html = superuser().get(page, follow=True).content.decode()
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\bstyle=|\son\w+=|javascript:", html)


def test_the_desk_says_what_it_belongs_to():
    html = superuser().get("/admin/").content.decode()
    assert "Operators’ desk | chat-bff" in html
    assert "/admin/chat/circuitbreaker/" in html
