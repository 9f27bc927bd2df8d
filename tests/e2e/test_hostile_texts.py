"""Texts of people, the AI, the knowledge base and files never become markup: fifty payloads at every input.

The page is opened without its content security policy, which would hide a vulnerability from these tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ai_service.control import StandIn
from chat.models import KnowledgeEntry, Message
from tests.e2e.states import ask, fulfill_with_stream, wait_for_answer
from tests.support.committed import run_committed
from tests.support.link_texts import NO_LINKS, SHOWN
from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.xss_payloads import HOSTILE

OpenPage = Callable[..., Page]
WITHOUT_CSP = {"bypass_csp": True, "locale": "fr-FR"}

# Finds signs that a text has become markup or code.
FIND_ACTIVE_CONTENT = """() => {
  const all = [...document.body.querySelectorAll("*")].filter((e) => !e.closest("svg.icon, svg.icons, svg.logo"));
  const addresses = all.map((element) => element.href ?? "").filter((address) => address);
  return {
    ran: window.pwned ?? null,
    handlers: all.flatMap((element) => element.getAttributeNames().filter((name) => name.startsWith("on"))),
    elements: all.map((element) => element.localName).filter((name) => FORBIDDEN.test(name)),
    addresses: addresses.filter((address) => !/^(https?|tel|sms):/.test(address)),
  };
}""".replace(
    "FORBIDDEN", "/^(img|script|style|svg|math|iframe|object|embed|video|audio|marquee|base|meta|link|details)$/"
)
NO_ACTIVE_CONTENT: dict[str, Any] = {"ran": None, "handlers": [], "elements": [], "addresses": []}

# Asks each text as a question, in one conversation or each in a new one.
ASK_ALL = """async ([texts, conversationId]) => {
  const { call } = await import("/static/chat/page.js");
  const ask = (message) => call("/api/chat/message", { method: "POST", body: { message, conversationId } });
  await Promise.all(texts.map(ask));
}"""
# Uploads one file per name.
SEND_ALL = """(names) => {
  const form = document.querySelector("#document form");
  for (const name of names) {
    const files = new DataTransfer();
    files.items.add(new File(["Rendez-vous le 3 juin 2027."], name, { type: "text/plain" }));
    form.elements.file.files = files.files;
    form.requestSubmit();
  }
}"""

LINKS = "\n\n".join([*SHOWN, *(f"Voir [ici]({address})." for address in NO_LINKS)])
WORDS = [f"zorglub{number}" for number in range(len(HOSTILE))]


@pytest.fixture
def hostile_knowledge(server: Server) -> Iterator[None]:
    """One article per payload, with the payload in all its texts."""
    entries = [
        KnowledgeEntry(
            slug=word,
            language="fr",
            topic="mdph",
            title=f"{word} {text}",
            text=f"{word} : {text}\n\n- {text}\n\n{text}",
            questions=[f"{text} {word} ?", f"Qu'est-ce que {word} ?"],
            keywords=[word],
            source_name=text[:100],
            source_url=f"https://example.org/{text}",
            checked_on=date(2026, 1, 1),
        )
        for word, text in zip(WORDS, HOSTILE, strict=True)
    ]
    run_committed(lambda: KnowledgeEntry.objects.bulk_create(entries))
    eventually(lambda: all("zorglub" in server.get("/").text for _ in range(20)), every=0.2)
    yield
    run_committed(KnowledgeEntry.objects.all().delete)
    eventually(lambda: not any("zorglub" in server.get("/").text for _ in range(20)), every=0.2)


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


def test_questions_and_conversation_titles_are_inert(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**WITHOUT_CSP)

    page.evaluate(ASK_ALL, [HOSTILE, None])
    page.reload()
    expect(page.locator(".conversation")).to_have_count(50)

    assert page.evaluate(FIND_ACTIVE_CONTENT) == NO_ACTIVE_CONTENT
    page.locator('.conversation [data-part="forget"]').first.click()
    assert page.evaluate(FIND_ACTIVE_CONTENT) == NO_ACTIVE_CONTENT


def test_a_reopened_conversation_is_inert(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**WITHOUT_CSP)

    ask(page, "Bonjour")
    wait_for_answer(page)
    page.evaluate(ASK_ALL, [HOSTILE, page.url.split("#c-")[1]])
    page.reload()
    expect(page.locator(".bubble")).to_have_count(51)

    assert page.evaluate(FIND_ACTIVE_CONTENT) == NO_ACTIVE_CONTENT


def test_answers_sources_suggestions_and_notices_are_inert(browser_page: OpenPage) -> None:
    page = browser_page(**WITHOUT_CSP)
    text = "\n\n".join(HOSTILE)
    sources = [
        {"type": "source-url", "sourceId": address, "url": address, "title": title}
        for title in HOSTILE
        for address in (title, f"https://example.org/{title}")
    ]
    notice = {"type": "data-notice", "data": {"kind": "degraded", "text": text}}
    suggestions = {"type": "data-suggestions", "data": HOSTILE}
    page.route("**/api/chat/stream", lambda route: fulfill_with_stream(route, text, notice, *sources, suggestions))

    ask(page, "Bonjour")
    wait_for_answer(page)

    expect(page.locator(".card")).to_have_count(50)
    expect(page.locator(".answer .suggestion")).to_have_count(50)
    assert page.evaluate(FIND_ACTIVE_CONTENT) == NO_ACTIVE_CONTENT


def test_sources_with_impossible_addresses_are_left_out(browser_page: OpenPage) -> None:
    page = browser_page()
    addresses = [*(address for address in NO_LINKS if address.startswith("http")), "https://www.caf.fr/"]
    sources = [{"type": "source-url", "sourceId": address, "url": address, "title": "Aide"} for address in addresses]
    page.route("**/api/chat/stream", lambda route: fulfill_with_stream(route, "Voici.", *sources))

    ask(page, "Bonjour")
    wait_for_answer(page)

    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".notice")).to_have_count(0)


def test_links_say_where_they_lead(browser_page: OpenPage) -> None:
    page = page_with_links(browser_page)
    assert_links_are_honest(page)


def test_links_say_where_they_lead_in_a_reopened_conversation(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    ask(page, "Bonjour")
    wait_for_answer(page)
    answer = Message.objects.filter(role="assistant").latest("pk")
    run_committed(lambda: Message.objects.filter(pk=answer.pk).update(text=LINKS))

    page.reload()

    expect(page.locator(".answer .prose p")).to_have_count(LINKS.count("\n\n") + 1)
    assert_links_are_honest(page)


def test_links_say_where_they_lead_on_paper(browser_page: OpenPage) -> None:
    page = page_with_links(browser_page)
    page.evaluate("window.print = () => {}")

    page.get_by_role("button", name="Imprimer la réponse").click()
    page.emulate_media(media="print")

    expect(page.locator(".imprint:visible")).to_have_count(1)
    assert_links_are_honest(page)


@pytest.mark.parametrize("button", ["Partager la réponse", "Copier la réponse"])
def test_links_say_where_they_lead_in_an_answer_taken_elsewhere(browser_page: OpenPage, button: str) -> None:
    page = page_with_links(browser_page, permissions=["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name=button).click()

    shared = page.evaluate("async () => window.shared?.text ?? await navigator.clipboard.readText()")
    lines = shared.replace("\u00a0", " ").splitlines()
    assert [line for line in lines if line in SHOWN.values()] == list(SHOWN.values())


def page_with_links(browser_page: OpenPage, **options: Any) -> Page:
    """The page with one answer, whose links are all kinds of disguises."""
    page = browser_page(locale="fr-FR", **options)
    page.evaluate("navigator.share = async (shared) => { window.shared = shared; }")
    page.route("**/api/chat/stream", lambda route: fulfill_with_stream(route, LINKS))
    ask(page, "Bonjour")
    wait_for_answer(page)
    return page


def assert_links_are_honest(page: Page) -> None:
    paragraphs = page.locator(".answer .prose p")
    shown = [words.replace("\u00a0", " ") for words in paragraphs.all_inner_texts()]
    assert shown[: len(SHOWN)] == list(SHOWN.values())
    assert [paragraph.locator("a").count() for paragraph in paragraphs.all()[len(SHOWN) :]] == [0] * len(NO_LINKS)


def test_file_names_are_inert(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**WITHOUT_CSP)
    page.locator("#attach").click()
    expect(page.locator("#document")).to_be_visible()

    page.evaluate(SEND_ALL, HOSTILE)
    expect(page.locator(".facts")).to_have_count(50)

    assert page.evaluate(FIND_ACTIVE_CONTENT) == NO_ACTIVE_CONTENT


def test_articles_are_inert(browser_page: OpenPage, hostile_knowledge: None, ai: StandIn) -> None:
    ai.fail("error", status=400)  # so that articles are shown unchanged
    page = browser_page(**WITHOUT_CSP)

    ask(page, "Bonjour")
    wait_for_answer(page)
    page.evaluate(ASK_ALL, [[f"Qu'est-ce que {word} ?" for word in WORDS], page.url.split("#c-")[1]])
    page.reload()

    expect(page.locator(".card", has_text="zorglub")).to_have_count(50)
    assert page.evaluate(FIND_ACTIVE_CONTENT) == NO_ACTIVE_CONTENT
