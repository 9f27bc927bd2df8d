"""The desk's first page and its roles: what each of those who work there sees, and that it holds no content."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client

from chat import minutes
from chat.admin import charts
from chat.models import Conversation, Message
from health import readiness
from tests.chat.test_admin import member_of_staff
from tests.services import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

roles = importlib.import_module("chat.migrations.0004_desk")
QUESTION = "Mon fils Noé est autiste, comment demander l'AEEH ?"


def make_roles() -> None:
    roles.make_roles(apps, SimpleNamespace(connection=connection))


def in_role(role: str) -> Client:
    make_roles()
    user = User.objects.create_user(f"{role}-1", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def desk(client: Client) -> str:
    """The first page as a person reads it."""
    readiness.current.cache_clear()
    answer = client.get("/admin/")
    assert answer.status_code == 200
    text = re.sub(r"<[^>]*>", " ", answer.content.decode()).replace("&#x27;", "'")
    return " ".join(text.split())


def test_a_viewer_sees_at_a_glance_how_things_are(visitor, ai):
    visitor.ask(QUESTION)
    visitor.ask("Qu'est-ce que la MDPH ?")
    visitor.ask("Qu'est-ce que la MDPH ?")
    page = desk(in_role("viewer"))
    for fact in ("Database in order", "AI service in order", "Redis in order", "Answers to questions Closed"):
        assert fact in page, fact
    assert "3 answers, by where they came from" in page
    assert "the AI 2" in page
    assert "the cache 1" in page
    assert "33 % of the questions were answered from the cache" in page
    assert "None in the last 24 hours." in page


def test_degraded_answers_are_listed_with_their_reason_and_a_way_to_them_without_content(visitor, ai, settings):
    settings.AI_ATTEMPTS = 1
    ai.fail("error")
    answer = visitor.ask(QUESTION)
    client = in_role("viewer")
    page = desk(client)
    assert "the AI failed" in page
    assert answer["X-Correlation-ID"] in page
    assert f"/admin/chat/conversation/?q={answer['X-Correlation-ID']}" in client.get("/admin/").content.decode()
    assert "Noé" not in page
    assert answer.json()["response"][:30] not in page


def test_the_newest_degraded_answers_come_first_and_old_ones_not_at_all():
    from datetime import timedelta

    from django.utils import timezone

    conversation = Conversation.objects.create(owner="visitor-1", title=QUESTION)
    for hours in (30, 3, 1):
        Message.objects.create(
            conversation=conversation,
            role="assistant",
            correlation_id=f"req-{hours}",
            origin="knowledge",
            degraded={"reason": "timeout", "retry_after": None, "age_seconds": None},
            created_at=timezone.now() - timedelta(hours=hours),
        )
    page = desk(in_role("viewer"))
    assert page.index("req-1") < page.index("req-3")
    assert "req-30" not in page


def test_while_redis_is_away_the_desk_says_so(ai):
    client = in_role("viewer")
    minutes.store.absence.begin(TimeoutError())
    assert "Redis is away: nobody knows just now." in desk(client)


def test_an_editor_sees_no_answers_and_a_member_of_staff_nothing():
    editor, nobody = desk(in_role("editor")), desk(member_of_staff())
    assert "The last hour" in editor
    assert "degraded answers" not in editor
    for title in ("What we rest on", "The last hour", "degraded answers"):
        assert title not in nobody


def test_each_role_may_do_its_own_work_and_no_other(visitor, ai):
    pages = ["circuitbreaker/", "circuitbreaker/chat/open/", "conversation/", "knowledgeentry/", "knowledgeentry/add/"]

    def may(role: str) -> list[bool]:
        client = in_role(role)
        return [client.get(f"/admin/chat/{page}").status_code == 200 for page in pages]

    assert may("viewer") == [True, False, True, True, False]
    assert may("operator") == [True, True, True, True, False]
    assert may("editor") == [True, False, False, True, True]


def test_no_role_reads_what_people_told_us():
    make_roles()
    assert not Group.objects.filter(permissions__codename="read_content").exists()


def test_making_the_roles_again_keeps_what_was_added_by_hand():
    make_roles()
    extra = Permission.objects.get(codename="delete_knowledgeentry")
    Group.objects.get(name="editor").permissions.add(extra)
    make_roles()
    assert Group.objects.filter(name__in=roles.ROLES).count() == len(roles.ROLES)
    editor = Group.objects.get(name="editor").permissions
    assert set(editor.values_list("codename", flat=True)) == {*roles.ROLES["editor"], "delete_knowledgeentry"}


def test_on_a_new_database_the_roles_are_there_with_permissions_that_django_knows(tmp_path):
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3", "LOG_LEVEL": "error"}
    code = (
        "from django.contrib.auth.models import *; from django.db.models import Count;"
        "print(sorted(Group.objects.annotate(n=Count('permissions')).values_list('name', 'n')));"
        "print(Permission.objects.values('codename', 'content_type').annotate(n=Count('pk')).filter(n__gt=1).count());"
        "print(Permission.objects.filter(content_type__app_label='chat').count())"
    )
    for _ in range(2):  # the second time Django's own permissions are there
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    told = subprocess.check_output(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code], cwd=ROOT, env=env, text=True
    )
    groups, twice, count = told.splitlines()[-3:]
    assert groups == str(sorted((role, len(codenames)) for role, codenames in roles.ROLES.items()))
    assert twice == "0"
    assert int(count) == Permission.objects.filter(content_type__app_label="chat").count()


def test_a_chart_is_as_high_as_its_highest_column():
    chart = charts.stacked([{"ai": 1}, {"ai": 2, "cache": 2}, {}], ["ai", "cache"])
    assert chart.top == 4
    assert [(bar.name, bar.x, bar.y, bar.height) for bar in chart.bars] == [
        ("ai", 0, 90, 30),
        ("ai", 200, 60, 60),
        ("cache", 200, 0, 60),
    ]
    assert charts.stacked([], ["ai"]).bars == []
    assert charts.stacked([{"ai": 0}], ["ai"]).bars == []
