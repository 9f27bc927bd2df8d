"""A browser, and the promise that its console stays empty."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from ai_service.control import StandIn
from chat.models import Conversation
from tests.missing import missing
from tests.server import Server
from tests.services import HOST
from tests.waiting import eventually

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
expect.set_options(timeout=15_000)  # milliseconds: two cores may be shared with much else
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as running:
        # Playwright's loop runs in this thread, where Django would then refuse to ask the database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        missing("Chromium is not installed (Debian's package chromium)")
    running = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
    yield running
    running.close()


@pytest.fixture(scope="package")
def running_server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    """One instance for all of these tests: starting one takes longer than most of them."""
    instance = Server(workers=2, RUN_GRACE_SECONDS="3")
    yield instance
    instance.stop()
    with django_db_blocker.unblock():
        Conversation.objects.all().delete()


@pytest.fixture
def _connection_given_back() -> Iterator[None]:
    """Django keeps another connection inside Playwright's loop than outside; nobody else would close this one."""
    yield
    connection.close()


@pytest.fixture
def server(running_server: Server, ai: StandIn, _connection_given_back: None, db: None) -> Iterator[Server]:
    """The same one, with nothing of the last test under way. Each test is another person, with another history."""
    yield running_server
    # An answer that outlives its reader would be found by the next who asks the same.
    eventually(lambda: not ai.open_calls, every=0.1)


@pytest.fixture
def browser_page(server: Server, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens the chat page as one person: `browser_page(locale="en-GB", **PHONE)`; options are a browser context's.

    Fails the test when the page asks a third party or complains in its console. A refused call that the test provokes
    makes the browser complain by itself: `page.refusals_expected = True` allows these.
    """
    complaints: list[str] = []
    contexts = []

    def open_page(path: str | None = "/", **options: Any) -> Page:
        context = browser.new_context(**{"locale": "fr-FR", **DESKTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: _listen(page, message, complaints))
        page.on("request", lambda request: _watch(request, complaints))
        if path is not None:
            page.goto(urljoin(server.url, path))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _listen(page: Page, message: Any, complaints: list[str]) -> None:
    refusal = message.text.startswith("Failed to load resource")
    if message.type in {"error", "warning"} and not (refusal and getattr(page, "refusals_expected", False)):
        complaints.append(f"{message.text} ({message.location.get('url')})")


def _watch(request: Any, complaints: list[str]) -> None:
    if not request.url.startswith((f"http://{HOST}:", "blob:")):
        complaints.append(f"asked a third party: {request.url}")
