"""The admin in a real browser, on phone and desktop: the main task of each role."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from itertools import product
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import requests
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from playwright.sync_api import Dialog, Page, expect

from ai_service.control import StandIn
from chat.models import Conversation, KnowledgeEntry
from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.test_accessibility import violations
from tests.support.factories import new_entry
from tests.support.polling import eventually
from tests.support.server import Server

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process

PASSWORD = "a long password, for tests alone"
ROLES = ("viewer", "operator", "editor", "reader")
SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
QUESTION = "Comment obtenir un AESH pour mon enfant ?"

LogIn = Callable[..., Page]


@pytest.fixture(scope="module")
def accounts(running_server: Server, django_db_blocker: Any) -> Iterator[KnowledgeEntry]:
    """One account per role, and a knowledge entry. Committed, because the server process reads them."""
    with django_db_blocker.unblock():
        importlib.import_module("chat.migrations.0004_desk").make_roles(apps, SimpleNamespace(connection=connection))
        for role in ROLES:
            user = User.objects.create_user(role, password=PASSWORD, is_staff=True)
            user.groups.add(Group.objects.get(name="viewer" if role == "reader" else role))
        user.user_permissions.add(Permission.objects.get(codename="read_content"))
        entry = new_entry()
        connection.close()
    yield entry
    with django_db_blocker.unblock():
        LogEntry.objects.all().delete()
        User.objects.filter(username__in=ROLES).delete()
        KnowledgeEntry.objects.all().delete()
        connection.close()
    # The next tests need the bundled entries, which the server loads again within seconds.
    eventually(lambda: running_server.ask(QUESTION).json()["sources"], 30, every=0.5)


@pytest.fixture
def log_in(browser_page: Callable[..., Page], accounts: KnowledgeEntry) -> LogIn:
    """`log_in(role)` opens the admin's first page as an account with that role."""

    def open_as(role: str, **options: Any) -> Page:
        page = browser_page("/admin/", **options)
        page.locator("#id_username").fill(role)
        page.locator("#id_password").fill(PASSWORD)
        page.locator("[type=submit]").click()
        page.wait_for_url("**/admin/")
        return page

    return open_as


def fits_viewport(page: Page) -> bool:
    """Whether the page needs no horizontal scrolling."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def degraded_answer(server: Server, ai: StandIn) -> requests.Response:
    ai.fail("garbage")
    reply = server.ask("Xyzzy, une question sans article ?")
    ai.heal()
    return reply


@SIZES
def test_a_viewer_sees_the_overview_and_opens_a_degraded_answer(
    log_in: LogIn, server: Server, ai: StandIn, size: dict[str, Any]
) -> None:
    server.ask(QUESTION)
    reference = degraded_answer(server, ai).headers["X-Correlation-ID"]
    page = log_in("viewer", **size)
    expect(page.get_by_role("heading", name="Ce dont nous dépendons")).to_be_visible()
    expect(page.locator(".tile.healthy")).to_have_count(3)
    expect(page.locator(".tile.closed")).to_have_count(2)
    expect(page.locator("svg.chart rect").first).to_be_visible()
    assert fits_viewport(page)
    page.get_by_role("link", name=reference).click()
    expect(page.get_by_text("1 conversation", exact=True)).to_be_visible()
    page.locator("#result_list tbody th a").first.click()
    expect(page.get_by_text("Ce qui a été dit est masqué")).to_be_visible()
    expect(page.get_by_text("Xyzzy")).to_have_count(0)
    assert fits_viewport(page)


@SIZES
def test_an_operator_forces_a_breaker_open_with_a_reason_and_resets_it(
    log_in: LogIn, server: Server, size: dict[str, Any]
) -> None:
    page = log_in("operator", locale="en-GB", **size)
    page.get_by_role("link", name="Circuit breakers").first.click()
    chat = page.locator("#chat")
    chat.get_by_role("link", name="Force open").click()
    expect(page.get_by_text("Every call to the AI will be refused.")).to_be_visible()
    page.get_by_label("Reason").fill("the provider moves")
    page.get_by_role("button", name="Yes: Force open").click()
    expect(chat.get_by_text("Forced by operator")).to_be_visible()
    assert server.ask(QUESTION).headers["X-Degraded"] == "circuit_open"
    assert fits_viewport(page)
    page.goto(f"{server.url}/admin/")
    expect(page.locator(".tile.open")).to_contain_text("Forced by operator")
    page.goto(f"{server.url}/admin/chat/circuitbreaker/chat/reset/")
    page.get_by_label("Reason").fill("it is back")
    page.get_by_role("button", name="Yes: Reset").click()
    expect(chat.get_by_text("Calls go through to the AI.")).to_be_visible()


@SIZES
def test_an_editor_previews_an_answer_and_warms_the_cache(
    log_in: LogIn, server: Server, ai: StandIn, accounts: KnowledgeEntry, size: dict[str, Any]
) -> None:
    page = log_in("editor", locale="en-GB", **size)
    page.goto(f"{server.url}/admin/chat/knowledgeentry/{accounts.pk}/change/")
    expect(page.locator("#preview strong")).to_have_text("repos")
    page.get_by_role("link", name="Ask it").click()
    expect(page.get_by_label("Question")).to_have_value(accounts.questions[0])
    page.get_by_role("button", name="Ask the AI now").click()
    expect(page.get_by_role("heading", name="What people would be answered")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text(re.compile(r"From\s+the AI"))
    expect(page.locator(".answer .prose")).not_to_be_empty()
    assert fits_viewport(page)
    page.go_back()
    page.go_back()
    page.locator("#id_title").fill("Changed, not saved")
    questions: list[str] = []

    def stay(dialog: Dialog) -> None:
        questions.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.get_by_role("link", name="Ask it").click(no_wait_after=True)
    eventually(
        lambda: page.title() != "" and questions == ["beforeunload"]
    )  # the page delivers its events during a call
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_role("button", name="Warm this entry").click()
    expect(page.get_by_text("2 of 2 answers are ready.")).to_be_visible()
    assert server.ask(accounts.questions[1]).json()["origin"] == "cache"


@SIZES
def test_a_reader_finds_a_conversation_by_correlation_id_and_the_reading_is_logged(
    log_in: LogIn, server: Server, size: dict[str, Any]
) -> None:
    reply = server.ask(QUESTION)
    page = log_in("reader", **size)
    page.goto(f"{server.url}/admin/chat/conversation/")
    page.locator("#searchbar").fill(reply.headers["X-Correlation-ID"])
    page.locator("#searchbar").press("Enter")
    page.locator("#result_list tbody th a").first.click()
    expect(page.get_by_text(QUESTION).first).to_be_visible()
    expect(page.get_by_text("a été inscrite au journal")).to_be_visible()
    assert fits_viewport(page)
    found = Conversation.objects.get(public_id=reply.json()["conversationId"])
    read = LogEntry.objects.filter(object_id=str(found.pk), user__username="reader")
    assert [entry.change_message for entry in read] == ["A lu ce qui a été dit."]


@SIZES
def test_no_admin_page_has_accessibility_violations(
    log_in: LogIn, server: Server, ai: StandIn, accounts: KnowledgeEntry, size: dict[str, Any]
) -> None:
    degraded_answer(server, ai)
    rows = Conversation.objects.order_by("-pk")
    of_entry = f"chat/knowledgeentry/{accounts.pk}"
    paths_by_role = {
        "reader": ["", "chat/conversation/", f"chat/conversation/{rows[0].pk}/change/"],
        "operator": ["chat/circuitbreaker/", "chat/circuitbreaker/chat/open/"],
        "editor": ["chat/knowledgeentry/", f"{of_entry}/change/", f"{of_entry}/ask/"],
    }
    for role, paths in paths_by_role.items():
        page = log_in(role, bypass_csp=True, **size)  # axe sets inline styles
        page.refusals_expected = True  # type: ignore[attr-defined]  # and requests imported stylesheets
        for path, scheme in product(paths, SCHEMES):
            page.emulate_media(color_scheme=scheme)
            page.goto(f"{server.url}/admin/{path}")
            assert violations(page, *["color-contrast"][: scheme == "dark"]) == [], (path, scheme)


def test_the_dark_theme_is_the_same_whether_chosen_or_from_the_system(log_in: LogIn) -> None:
    page = log_in("viewer", color_scheme="dark", **DESKTOP)
    page.goto(page.url + "chat/circuitbreaker/")
    system_colours = colours(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert colours(page) == system_colours
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert colours(page) != system_colours


def colours(page: Page) -> list[list[str]]:
    """The text and background colours of the main elements."""
    return page.evaluate("""
        ["body", "#header", ".breadcrumbs", ".breadcrumbs a", "#content h1", ".breaker", ".breaker .state"]
            .map((selector) => getComputedStyle(document.querySelector(selector)))
            .map(({ color, backgroundColor }) => [color, backgroundColor])
    """)
