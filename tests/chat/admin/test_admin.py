"""Access to the admin, and its pages under a strict content security policy."""

from __future__ import annotations

import re
from typing import Any

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


def staff_client(*permissions: str, name: str = "camille", **options: Any) -> Client:
    """A logged-in staff member with these permissions, whose browser asks for English."""
    user = User.objects.create_user(name, is_staff=True)
    messages = ContentType.objects.get_for_model(Message)
    for codename in permissions:
        # Permissions are found by codename, whatever model they belong to.
        found = Permission.objects.filter(content_type__app_label="chat", codename=codename).first()
        user.user_permissions.add(found or Permission.objects.create(codename=codename, content_type=messages))
    client = Client(headers={"accept-language": "en"}, **options)
    client.force_login(user)
    return client


def superuser_client() -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.fixture
def rows():
    """One row of each model, with primary key 1."""
    entry = {"slug": "aeeh", "language": "fr", "topic": "prestations", "title": "L'AEEH", "text": "Une **aide**."}
    facts = {"source_name": "CAF", "source_url": "https://www.caf.fr/", "checked_on": "2025-04-01"}
    KnowledgeEntry.objects.create(pk=1, **entry, **facts, questions=["C'est quoi ?"])
    conversation = Conversation.objects.create(pk=1, owner="visitor-1", title="Bonjour")
    Message.objects.create(conversation=conversation, role="user", text="Bonjour")


@pytest.mark.parametrize("page", PAGES)
def test_anonymous_users_are_redirected_to_the_login(client, rows, page):
    response = client.get(page)
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/?next=")


@pytest.mark.parametrize("page", PAGES[1:])
def test_staff_without_permissions_get_403(rows, page):
    assert staff_client().get(page).status_code == 403


@pytest.mark.parametrize("page", ["/admin/login/", *PAGES])
def test_no_page_has_inline_scripts_or_styles(rows, page):
    html = superuser_client().get(page, follow=True).content.decode()
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\bstyle=|\son\w+=|javascript:", html)


def test_the_first_page_has_the_site_title_and_links_to_the_breakers():
    html = superuser_client().get("/admin/").content.decode()
    assert "Operators’ desk | chat-bff" in html
    assert "/admin/chat/circuitbreaker/" in html
