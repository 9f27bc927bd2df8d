"""Without a network: the page, its help lines and the last conversations can be read, until they are deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE
from tests.e2e.states import QUESTIONS, ask, wait_for_answer
from tests.support.polling import eventually
from tests.support.services import ROOT

OpenPage = Callable[..., Page]
KEPT = (
    "caches.open('personal').then((cache) => cache.keys()).then((keys) => keys.map((key) => new URL(key.url).pathname))"
)

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


def test_the_service_worker_keeps_every_script_of_the_page() -> None:
    folder = ROOT / "chat" / "static" / "chat"
    listed = re.search(r"\[([^\]]+)\]\s*\.map\(\(name\)", Path(folder / "service_worker.js").read_text())
    assert listed is not None
    scripts = {path.stem for path in folder.glob("*.js")} - {"service_worker"}
    assert set(re.findall(r'"(\w+)"', listed[1])) == scripts


def test_the_last_conversation_and_the_help_lines_are_readable_offline_until_deleted(browser_page: OpenPage) -> None:
    page = browser_page(**PHONE, service_workers="allow")
    page.refusals_expected = True  # type: ignore[attr-defined]  # while offline
    ask(page, QUESTIONS["fr"])
    wait_for_answer(page)
    answer = page.locator(".prose").inner_text()
    eventually(lambda: "/api/chat/history" in page.evaluate(KEPT), 15)

    page.context.set_offline(True)
    page.reload()

    expect(page.locator(".prose")).to_have_text(re.compile(re.escape(answer[:40])))
    page.locator("#menu").click()
    expect(page.locator(".conversation")).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator("#help-button").click()
    expect(page.locator('#help a[href="tel:3114"]')).to_be_visible()
    page.keyboard.press("Escape")

    page.context.set_offline(False)
    page.locator("#menu").click()
    page.locator('#conversations [data-part="data"]').click()
    page.get_by_role("button", name="Tout effacer").click()
    page.get_by_role("button", name="Effacer", exact=True).click()
    expect(page.locator('[data-part="none"]')).to_be_visible()
    assert "/api/chat/history" not in page.evaluate(KEPT)
