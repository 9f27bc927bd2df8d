"""Without a network: the page, its help lines and the last conversations can be read, until they are deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chat.models import Message
from tests.e2e.conftest import PHONE
from tests.e2e.states import QUESTIONS, ask, wait_for_answer
from tests.support.committed import run_committed
from tests.support.polling import eventually
from tests.support.services import ROOT

OpenPage = Callable[..., Page]
KEPT = (
    "caches.open('personal').then((cache) => cache.keys()).then((keys) => keys.map((key) => new URL(key.url).pathname))"
)

# Makes the service worker's requests for a conversation take longer than it waits for the files of the page.
SLOW_HISTORY = """() => {
  const fetchAtOnce = self.fetch;
  self.fetch = async (request) => {
    if (request.url.includes("/api/chat/history")) await new Promise((resolve) => setTimeout(resolve, 6000));
    return fetchAtOnce(request);
  };
}"""

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


FULL_DEVICE = """() => {
  Cache.prototype.put = () => Promise.reject(new DOMException("", "QuotaExceededError"));
}"""
SLOW_DEVICE = "() => { Cache.prototype.put = () => new Promise(() => {}); }"


@pytest.mark.parametrize("device", [FULL_DEVICE, SLOW_DEVICE], ids=["full", "slow"])
def test_what_the_device_does_not_keep_is_shown_all_the_same(browser_page: OpenPage, device: str) -> None:
    page = browser_page(**PHONE, service_workers="allow")
    page.refusals_expected = True  # type: ignore[attr-defined]  # while offline
    ask(page, QUESTIONS["fr"])
    wait_for_answer(page)
    eventually(lambda: "/api/chat/history" in page.evaluate(KEPT), 15)
    [worker] = page.context.service_workers
    worker.evaluate(device)

    page.reload()

    expect(page.locator(".prose")).not_to_be_empty()
    expect(page.locator(".notice")).to_have_count(0)
    page.context.set_offline(True)
    page.reload()
    expect(page.locator(".prose")).not_to_be_empty()


def test_a_slow_network_does_not_bring_back_an_older_conversation(browser_page: OpenPage) -> None:
    page = browser_page(**PHONE, service_workers="allow")
    ask(page, QUESTIONS["fr"])
    wait_for_answer(page)
    eventually(lambda: "/api/chat/history" in page.evaluate(KEPT), 15)
    run_committed(lambda: Message.objects.filter(role="user").update(text="Une question plus récente"))
    [worker] = page.context.service_workers
    worker.evaluate(SLOW_HISTORY)

    page.reload()

    expect(page.locator(".bubble")).to_have_text("Une question plus récente")


def keep_conversation(browser_page: OpenPage) -> Page:
    page = browser_page(**PHONE, service_workers="allow")
    page.refusals_expected = True  # type: ignore[attr-defined]  # while offline
    ask(page, QUESTIONS["fr"])
    wait_for_answer(page)
    eventually(lambda: "/api/chat/history" in page.evaluate(KEPT), 15)
    return page


@pytest.mark.parametrize(("status", "is_kept"), [(429, True), (408, True), (401, False), (404, False), (410, False)])
def test_what_was_kept_is_deleted_only_if_the_server_gives_it_no_more(
    browser_page: OpenPage, status: int, is_kept: bool
) -> None:
    page = keep_conversation(browser_page)
    [worker] = page.context.service_workers

    worker.evaluate(
        """async (status) => {
  const cache = await caches.open("personal");
  for (const { url } of await cache.keys()) await keep(cache, "personal", url, new Response("", { status }));
}""",
        status,
    )

    assert bool(page.evaluate(KEPT)) is is_kept


def test_what_was_kept_long_ago_is_deleted(browser_page: OpenPage) -> None:
    page = keep_conversation(browser_page)
    [worker] = page.context.service_workers
    worker.evaluate("() => { const now = Date.now; Date.now = () => now() + 31 * 24 * 3600 * 1000; }")
    page.context.set_offline(True)

    page.reload()

    expect(page.locator(".notice")).to_contain_text("Pas de connexion")
    assert page.evaluate(KEPT) == []


def test_the_beginning_of_a_long_conversation_is_readable_offline(browser_page: OpenPage) -> None:
    page = keep_conversation(browser_page)

    def continue_it() -> None:
        question = Message.objects.filter(conversation__public_id=page.url.rpartition("#c-")[2], role="user").get()
        Message.objects.bulk_create(
            Message(conversation=question.conversation, role=role, text=f"Message {number}")
            for number in range(30)
            for role in ("user", "assistant")
        )

    run_committed(continue_it)
    page.reload()
    expect(page.locator(".bubble")).to_have_count(31)
    page.evaluate(
        "caches.open('personal').then(async (cache) => { for (const key of await cache.keys())"
        " if (key.url.includes('after=')) await cache.delete(key); })"
    )
    page.context.set_offline(True)

    page.reload()

    expect(page.locator(".bubble")).to_have_count(25)
    expect(page.locator(".notice")).to_have_count(0)
