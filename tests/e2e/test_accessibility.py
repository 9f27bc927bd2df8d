"""Nothing on the page keeps anyone out: axe-core looks at every state of it, in both sizes and both themes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from ai_service.control import StandIn
from tests.e2e.conftest import PHONE
from tests.e2e.states import ERROR_PAGES, STATES, conversations, show_error_page
from tests.server import Server

OpenPage = Callable[..., Page]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_accessible(browser_page: OpenPage, ai: StandIn, state: str) -> None:
    page = browser_page(**PHONE, reduced_motion="reduce")

    STATES[state](page, ai)

    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast") == []


def test_with_the_conversations_at_the_side_it_is_accessible(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(locale="en-GB", color_scheme="dark")

    conversations(page, ai)

    assert violations(page) == []


@pytest.mark.parametrize("name", ERROR_PAGES)
def test_every_error_page_is_accessible(browser_page: OpenPage, server: Server, name: str) -> None:
    page = browser_page(None, **PHONE)

    show_error_page(page, name, server.url)

    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast") == []


def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds by all its rules, or by these, with where it stands."""
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
