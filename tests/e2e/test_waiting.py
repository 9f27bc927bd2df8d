"""The article that the page offers while an answer is awaited, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from ai_service.control import StandIn
from tests.e2e.states import ask, waiting_with_an_article

OpenPage = Callable[..., Page]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


def wait_for_text(page: Page) -> None:
    expect(page.locator(".answer > .prose")).not_to_be_empty()


def test_the_article_goes_when_the_answer_comes(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()

    waiting_with_an_article(page, ai)

    expect(page.locator(".waiting")).to_contain_text("plus de temps que d’habitude")
    expect(page.locator(".interim > h3")).to_contain_text("AESH")
    expect(page.locator("#announcer")).to_contain_text("En attendant, cette fiche")
    wait_for_text(page)
    expect(page.locator(".interim")).to_have_count(0)
    expect(page.locator(".waiting")).to_have_count(0)


def test_an_article_that_is_kept_stays_until_it_is_let_go(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    waiting_with_an_article(page, ai)
    keep = page.locator('.interim [data-part="keep"]')

    keep.click()
    page.locator("#question").focus()

    wait_for_text(page)
    expect(page.locator("#send")).to_be_visible()
    expect(keep).to_have_attribute("aria-pressed", "true")
    keep.click()
    expect(page.locator(".interim")).to_have_count(0)
    expect(page.locator('[data-part="heading"]')).to_be_focused()


def test_an_article_in_use_is_not_taken_away(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    waiting_with_an_article(page, ai)

    page.locator('.interim [data-part="source"]').focus()

    wait_for_text(page)
    expect(page.locator('.interim [data-part="source"]')).to_be_focused()


def test_below_the_help_lines_the_page_says_what_is_waited_for(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    ai.fail("slow", seconds=4)

    ask(page, "Je n'en peux plus, je veux mourir")

    expect(page.locator('.prose a[href="tel:3114"]').first).to_be_visible()
    expect(page.locator(".waiting")).to_contain_text("plus de temps que d’habitude")
    expect(page.locator("#send")).to_be_visible()
    expect(page.locator(".waiting")).to_have_count(0)
