"""What people, the AI, the knowledge base and files say is only ever text: fifty attempts, at every way in.

The page is opened without its content security policy, so that a hole would be seen and not merely be covered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from ai_service.control import StandIn
from chat.models import KnowledgeEntry
from tests.e2e.states import ask, say, wait_for_answer
from tests.hostile import HOSTILE
from tests.server import Server
from tests.waiting import eventually

OpenPage = Callable[..., Page]
UNGUARDED = {"bypass_csp": True, "locale": "fr-FR"}

# What would show that a text has become more than a text.
LIVE = """() => {
  const all = [...document.body.querySelectorAll("*")].filter((e) => !e.closest("svg.icon, svg.icons, svg.logo"));
  const addresses = all.map((element) => element.href ?? "").filter((address) => address);
  return {
    ran: window.pwned ?? null,
    handlers: all.flatMap((element) => element.getAttributeNames().filter((name) => name.startsWith("on"))),
    elements: all.map((element) => element.localName).filter((name) => FORBIDDEN.test(name)),
    addresses: addresses.filter((address) => !/^(https?|tel):/.test(address)),
  };
}""".replace(
    "FORBIDDEN", "/^(img|script|style|svg|math|iframe|object|embed|video|audio|marquee|base|meta|link|details)$/"
)
HARMLESS = {"ran": None, "handlers": [], "elements": [], "addresses": []}

# Asks each of the texts, in one conversation or each in its own.
ASK_ALL = """async ([texts, conversationId]) => {
  const { call } = await import("/static/chat/page.js");
  const ask = (message) => call("/api/chat/message", { method: "POST", body: { message, conversationId } });
  await Promise.all(texts.map(ask));
}"""
# Hands over each of the texts as a file of that name.
SEND_ALL = """(names) => {
  const form = document.querySelector("#document form");
  for (const name of names) {
    const files = new DataTransfer();
    files.items.add(new File(["Rendez-vous le 3 juin 2027."], name, { type: "text/plain" }));
    form.elements.file.files = files.files;
    form.requestSubmit();
  }
}"""

WORDS = [f"zorglub{number}" for number in range(len(HOSTILE))]


@pytest.fixture
def hostile_knowledge(server: Server) -> Iterator[None]:
    """An article for each of the texts, which stands wherever an article has words."""
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
    in_a_thread_of_its_own(lambda: KnowledgeEntry.objects.bulk_create(entries))
    eventually(lambda: all("zorglub" in server.get("/").text for _ in range(20)), every=0.2)
    yield
    in_a_thread_of_its_own(KnowledgeEntry.objects.all().delete)
    eventually(lambda: not any("zorglub" in server.get("/").text for _ in range(20)), every=0.2)


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


def test_no_question_and_no_title_of_a_conversation_runs(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**UNGUARDED)

    page.evaluate(ASK_ALL, [HOSTILE, None])
    page.reload()
    expect(page.locator(".conversation")).to_have_count(50)

    assert page.evaluate(LIVE) == HARMLESS
    page.locator('.conversation [data-part="forget"]').first.click()
    assert page.evaluate(LIVE) == HARMLESS


def test_no_conversation_runs_when_it_is_opened_again(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**UNGUARDED)

    ask(page, "Bonjour")
    wait_for_answer(page)
    page.evaluate(ASK_ALL, [HOSTILE, page.url.split("#c-")[1]])
    page.reload()
    expect(page.locator(".bubble")).to_have_count(51)

    assert page.evaluate(LIVE) == HARMLESS


def test_no_answer_no_source_no_suggestion_and_no_remark_runs(browser_page: OpenPage) -> None:
    page = browser_page(**UNGUARDED)
    text = "\n\n".join(HOSTILE)
    sources = [
        {"type": "source-url", "sourceId": address, "url": address, "title": title}
        for title in HOSTILE
        for address in (title, f"https://example.org/{title}")
    ]
    notice = {"type": "data-notice", "data": {"kind": "degraded", "text": text}}
    suggestions = {"type": "data-suggestions", "data": HOSTILE}
    page.route("**/api/chat/stream", lambda route: say(route, text, notice, *sources, suggestions))

    ask(page, "Bonjour")
    wait_for_answer(page)

    expect(page.locator(".card")).to_have_count(50)
    expect(page.locator(".answer .suggestion")).to_have_count(50)
    assert page.evaluate(LIVE) == HARMLESS


def test_no_name_of_a_file_runs(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**UNGUARDED)
    page.locator("#attach").click()
    expect(page.locator("#document")).to_be_visible()

    page.evaluate(SEND_ALL, HOSTILE)
    expect(page.locator(".facts")).to_have_count(50)

    assert page.evaluate(LIVE) == HARMLESS


def test_no_article_of_the_knowledge_base_runs(browser_page: OpenPage, hostile_knowledge: None, ai: StandIn) -> None:
    ai.fail("error", status=400)  # an article is then shown as it is
    page = browser_page(**UNGUARDED)

    ask(page, "Bonjour")
    wait_for_answer(page)
    page.evaluate(ASK_ALL, [[f"Qu'est-ce que {word} ?" for word in WORDS], page.url.split("#c-")[1]])
    page.reload()

    expect(page.locator(".card", has_text="zorglub")).to_have_count(50)
    assert page.evaluate(LIVE) == HARMLESS


def in_a_thread_of_its_own(work: Callable[[], object]) -> None:
    """Where Django has another connection, whose changes the server sees at once."""

    def and_hang_up() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(and_hang_up).result()
