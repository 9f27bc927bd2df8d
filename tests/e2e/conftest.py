"""Fixtures: a browser whose console must stay free of errors, and a running server."""

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
from tests.support.polling import eventually
from tests.support.requirements import skip_or_fail
from tests.support.server import Server
from tests.support.services import HOST

# The first has no windows of its own, each of which would cost half a second of CPU.
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
expect.set_options(timeout=15_000)  # milliseconds: the machine may be busy
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as running:
        # Playwright runs an event loop in this thread; Django would then refuse synchronous database calls.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        skip_or_fail("Chromium is not installed (Debian's package chromium-headless-shell)")
    running = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
    yield running
    running.close()


@pytest.fixture(scope="package")
def running_server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    """One instance for all these tests, because starting one takes longer than most tests."""
    instance = Server(workers=2, UNREAD_RUN_TIMEOUT_SECONDS="3", AI_SILENCE_SECONDS="1")
    yield instance
    instance.stop()
    with django_db_blocker.unblock():
        Conversation.objects.all().delete()
        connection.close()


@pytest.fixture
def _close_connection() -> Iterator[None]:
    """Close the connection that Django opens inside Playwright's event loop."""
    yield
    connection.close()


@pytest.fixture
def server(running_server: Server, ai: StandIn, _close_connection: None, db: None) -> Iterator[Server]:
    """The running server; after the test, wait until its answers have ended. Each test is a new visitor."""
    yield running_server
    # The next test with the same question would otherwise join an unfinished answer.
    eventually(lambda: not ai.open_calls, every=0.1)


@pytest.fixture
def browser_page(server: Server, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open the chat page as a new visitor: `browser_page(locale="en-GB", **PHONE)`, with options of a browser context.

    The test fails if the page requests another site or logs a warning or error to its console. The browser itself logs
    each failed request; with `page.refusals_expected = True` these are allowed.
    """
    problems: list[str] = []
    contexts = []

    def open_page(path: str | None = "/", **options: Any) -> Page:
        context = browser.new_context(**{"locale": "fr-FR", "service_workers": "block", **DESKTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: _check_console(page, message, problems))
        page.on("request", lambda request: _check_request(request, problems))
        if path is not None:
            page.goto(urljoin(server.url, path))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def _check_console(page: Page, message: Any, problems: list[str]) -> None:
    if message.text.startswith("Service Worker registration blocked"):  # tests/e2e/test_offline.py allows it
        return
    refusal = message.text.startswith("Failed to load resource")
    if message.type in {"error", "warning"} and not (refusal and getattr(page, "refusals_expected", False)):
        problems.append(f"{message.text} ({message.location.get('url')})")


def _check_request(request: Any, problems: list[str]) -> None:
    if not request.url.startswith((f"http://{HOST}:", "blob:")):
        problems.append(f"requested another site: {request.url}")
