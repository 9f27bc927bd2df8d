"""The admin's first page and the staff roles: what each role sees, without conversation content."""

from __future__ import annotations

import importlib
import os
import re
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client

from chat.admin import charts, dashboard
from chat.core.question import Question
from chat.models import Conversation, Message
from chat.pipeline import question_answering
from chat.upstream import breaker_registry
from health import readiness
from observability.shared_redis import shared_redis
from tests.chat.admin.test_admin import staff_client
from tests.support.commands import manage
from tests.support.services import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

roles = importlib.import_module("chat.migrations.0004_desk")
GENERAL_QUESTION = "Qu'est-ce que la MDPH ?"
QUESTION = "Mon fils Noé est autiste, comment demander l'AEEH ?"


def create_roles() -> None:
    roles.make_roles(apps, SimpleNamespace(connection=connection))


def in_role(role: str) -> Client:
    create_roles()
    user = User.objects.create_user(f"{role}-1", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def first_page(client: Client) -> str:
    """The visible text of the first page."""
    readiness.current.cache_clear()
    answer = client.get("/admin/")
    assert answer.status_code == 200
    text = re.sub(r"<[^>]*>", " ", answer.content.decode()).replace("&#x27;", "'")
    return " ".join(text.split())


def test_a_viewer_sees_dependencies_breakers_and_the_last_hour(visitor, ai):
    visitor.ask(QUESTION)
    visitor.ask("Qu'est-ce que la MDPH ?")
    visitor.ask("Qu'est-ce que la MDPH ?")
    page = first_page(in_role("viewer"))
    for fact in ("Database in order", "AI service in order", "Redis in order", "Answers to questions Closed"):
        assert fact in page, fact
    assert "3 answers, by where they came from" in page
    assert "the AI 2" in page
    assert "the cache 1" in page
    assert "33 % of the questions were answered from the cache" in page
    assert "None in the last 24 hours." in page


def test_warm_ups_are_counted_apart_from_peoples_answers(visitor, ai):
    question = Question(GENERAL_QUESTION, "fr", "nobody")
    question_answering.answer(question, purpose="warm_up").read_to_end()
    visitor.ask(GENERAL_QUESTION)
    page = first_page(in_role("viewer"))
    assert "1 answer, by where it came from" in page
    assert "the cache 1" in page
    assert "Not among them: 1 answer prepared for the cache." in page
    assert "100 % of the questions were answered from the cache" in page


def test_the_charts_have_a_table_as_text_alternative(visitor, ai):
    visitor.ask(QUESTION)
    page = first_page(in_role("viewer"))
    numbers = page.partition("The answers in numbers")[2]
    assert re.search(r"When the AI the cache .* All Failed calls( \d\d:\d\d–\d\d:\d\d( \d+){7}){6} ", numbers)
    assert re.search(r"–\d\d:\d\d 1 0 0 0 0 1 0 ", numbers)


def test_staff_without_a_right_get_a_page_of_their_own(db):
    refused = in_role("viewer").get("/admin/chat/apikey/")
    page = refused.content.decode()
    assert refused.status_code == 403
    assert "does not have this right" in page
    assert 'href="/admin/"' in page


def test_degraded_answers_are_listed_with_reason_and_link_without_content(visitor, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error")
    answer = visitor.ask(QUESTION)
    client = in_role("viewer")
    page = first_page(client)
    assert "the AI failed" in page
    assert answer["X-Correlation-ID"] in page
    assert f"/admin/chat/conversation/?q={answer['X-Correlation-ID']}" in client.get("/admin/").content.decode()
    assert "Noé" not in page
    assert answer.json()["response"][:30] not in page


def test_degraded_documents_are_listed_with_the_questions(visitor, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error")
    visitor.ask(QUESTION)
    document = {"document": "MDPH. Dossier de Noé n° 123456.", "documentType": "mdph", "fileName": "noe.txt"}
    analysis = visitor.post_json("/api/chat/analyze-document", document)
    page = first_page(in_role("viewer")).partition("The last degraded answers")[2]
    assert analysis["X-Correlation-ID"] in page
    assert page.index("a document the AI failed") < page.index("a question the AI failed")
    assert "Noé" not in page
    assert "noe.txt" not in page


def test_a_viewer_sees_what_people_waited_and_which_calls_failed_of_what(visitor, ai):
    ai.fail("error", status=503, count=1)
    visitor.ask(QUESTION)
    page = first_page(in_role("viewer"))
    assert re.search(r"half within 95 of 100 within First words (\d\.\d+ s ){2}Whole answer (\d\.\d+ s ){2}", page)
    assert "1 call to the AI failed" in page
    assert "http_503 1" in page
    assert re.search(r"Tokens spent in the last hour: [1-9]", page)
    assert re.search(r"Last error : http_503 , \d+ \w+\.? \d{4}, \d\d:\d\d:\d\d", page)


def test_the_page_links_to_the_runbook_the_logs_and_grafana(visitor, ai, settings):
    settings.RUNBOOK_URL, settings.GRAFANA_URL = "https://wiki.test/runbook", "https://grafana.test/d/1"
    settings.LOGS_URL = "https://logs.test/?q={id}"
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error")
    answer = visitor.ask(QUESTION)
    client = in_role("viewer")
    breaker_registry.get("chat").force("open", who="ada", reason="test", seconds=60)
    page = client.get("/admin/").content.decode()
    assert 'href="https://grafana.test/d/1"' in page
    assert f'href="https://logs.test/?q={answer["X-Correlation-ID"]}"' in page
    assert 'href="https://wiki.test/runbook#the-breaker-is-open"' in page


def test_the_linked_sections_of_the_runbook_exist():
    titles = re.findall(r"^## (.*)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    anchors = {title.lower().replace("`", "").replace(" ", "-") for title in titles}
    assert set(dashboard.RUNBOOK_SECTIONS.values()) <= anchors


def test_degraded_answers_of_the_last_day_are_listed_newest_first():
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
    page = first_page(in_role("viewer"))
    assert page.index("req-1") < page.index("req-3")
    assert "req-30" not in page


def test_the_page_says_when_redis_is_unavailable(ai):
    client = in_role("viewer")
    shared_redis.outage.begin(TimeoutError())
    assert "Redis is unavailable: there are no figures." in first_page(client)


def test_an_editor_sees_no_degraded_answers_and_staff_without_role_see_no_section():
    editor, no_role = first_page(in_role("editor")), first_page(staff_client())
    assert "The last hour" in editor
    assert "degraded answers" not in editor
    for title in ("What we rest on", "The last hour", "degraded answers"):
        assert title not in no_role


def test_each_role_opens_its_own_pages_only(visitor, ai):
    pages = ["circuitbreaker/", "circuitbreaker/chat/open/", "conversation/", "knowledgeentry/", "knowledgeentry/add/"]

    def allowed(role: str) -> list[bool]:
        client = in_role(role)
        return [client.get(f"/admin/chat/{page}").status_code == 200 for page in pages]

    assert allowed("viewer") == [True, False, True, True, False]
    assert allowed("operator") == [True, True, True, True, False]
    assert allowed("editor") == [True, False, False, True, True]


def test_no_role_has_permission_to_read_content():
    create_roles()
    assert not Group.objects.filter(permissions__codename="read_content").exists()


def test_creating_the_roles_again_keeps_permissions_added_by_hand():
    create_roles()
    extra = Permission.objects.get(codename="delete_knowledgeentry")
    Group.objects.get(name="editor").permissions.add(extra)
    create_roles()
    assert Group.objects.filter(name__in=roles.ROLES).count() == len(roles.ROLES)
    editor = Group.objects.get(name="editor").permissions
    assert set(editor.values_list("codename", flat=True)) == {*roles.ROLES["editor"], "delete_knowledgeentry"}


@pytest.mark.without_coverage
def test_migrating_a_new_database_creates_the_roles_without_duplicate_permissions(tmp_path):
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3", "LOG_LEVEL": "error"}
    code = (
        "from django.contrib.auth.models import *; from django.db.models import Count;"
        "print(sorted(Group.objects.annotate(n=Count('permissions')).values_list('name', 'n')));"
        "print(Permission.objects.values('codename', 'content_type').annotate(n=Count('pk')).filter(n__gt=1).count());"
        "print(Permission.objects.filter(content_type__app_label='chat').count())"
    )
    for _ in range(2):  # Django creates its permissions after the first migrate
        manage("migrate", "-v0", env=env).check_returncode()
    output = manage("shell", "-v0", "-c", code, env=env).stdout
    groups, duplicates, count = output.splitlines()[-3:]
    assert groups == str(sorted((role, len(codenames)) for role, codenames in roles.ROLES.items()))
    assert duplicates == "0"
    assert int(count) == Permission.objects.filter(content_type__app_label="chat").count()


def test_a_chart_is_scaled_to_its_highest_column():
    rows = {"14:01": {"ai": 1}, "14:02": {"ai": 2, "cache": 2}, "14:03": {}}
    chart = charts.stacked(rows, ["ai", "cache"], lambda name, value: f"{name} {value:g}")
    assert chart.top == 4
    assert chart.times == ["14:01", "14:02", "14:03"]
    assert [bar.title for bar in chart.bars] == ["14:01 – ai 1", "14:02 – ai 2", "14:02 – cache 2"]
    assert [(bar.name, bar.x, bar.y, bar.height) for bar in chart.bars] == [
        ("ai", 0, 90, 30),
        ("ai", 200, 60, 60),
        ("cache", 200, 0, 60),
    ]
    assert charts.stacked({}, ["ai"], str.format).bars == []
    assert charts.stacked({"14:01": {"ai": 0}}, ["ai"], str.format).bars == []
