"""axe-core finds no accessibility violations in any state of the page, in both sizes and themes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ai_service.control import StandIn
from tests.e2e.conftest import PHONE
from tests.e2e.states import (
    ERROR_PAGES,
    QUESTIONS,
    STATES,
    answered,
    ask,
    choosing_voices,
    conversations,
    forgetting,
    fulfill_with_stream,
    hold,
    show_error_page,
    wait_for_answer,
)
from tests.support.server import Server

OpenPage = Callable[..., Page]
AXE = Axe()

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_accessible(browser_page: OpenPage, ai: StandIn, state: str) -> None:
    page = browser_page(**PHONE, reduced_motion="reduce")

    STATES[state](page, ai)

    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast") == []


def test_the_wide_layout_with_conversations_is_accessible(browser_page: OpenPage, ai: StandIn) -> None:
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


@pytest.mark.parametrize("path", ["/confidentialite", "/mentions-legales", "/accessibilite"])
def test_the_information_pages_are_accessible(browser_page: OpenPage, path: str) -> None:
    page = browser_page(path, **PHONE)

    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast") == []


# Whether the element with the focus is what is seen in its middle, rather than the composer or the header.
IS_COVERED = """() => {
  const focused = document.activeElement;
  if (focused === document.body) return null; // beyond the last element
  const { left, top, width, height } = focused.getBoundingClientRect();
  const seen = document.elementFromPoint(left + width / 2, top + height / 2);
  return !seen || !(focused.contains(seen) || seen.contains(focused)) ? focused.outerHTML.slice(0, 120) : null;
}"""


def test_the_focus_is_never_behind_the_composer_or_the_header(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**{**PHONE, "viewport": {"width": 390, "height": 500}}, reduced_motion="reduce")
    answered(page, ai)
    page.locator("#question").fill("Une question\n" * 6)  # makes the composer taller
    page.locator(".brand").focus()

    covered = []
    for key in ["Tab"] * 25 + ["Shift+Tab"] * 25:
        page.keyboard.press(key)
        covered.append(page.evaluate(IS_COVERED))

    assert [element for element in covered if element] == []


def test_an_answer_has_the_language_of_its_words(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)

    ask(page, QUESTIONS["en"])
    wait_for_answer(page)

    expect(page.locator(".bubble")).to_have_attribute("lang", "en")
    expect(page.locator(".prose")).to_have_attribute("lang", "en")
    page.reload()
    expect(page.locator(".prose")).to_have_attribute("lang", "en")
    ask(page, QUESTIONS["fr"])
    expect(page.locator(".prose").last).to_have_attribute("lang", "fr")


def test_questions_and_buttons_keep_their_shape_with_forced_colours(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE, forced_colors="active")

    answered(page, ai)

    border = "(selector) => getComputedStyle(document.querySelector(selector)).borderTopColor"
    assert all(
        page.evaluate(border, selector) != "rgba(0, 0, 0, 0)" for selector in (".bubble", "#send", ".card-number")
    )


FAKE_VOICES = """
window.spoken = [];
window.speechSynthesis.speak = (utterance) => window.spoken.push([utterance.lang, utterance.text]);
window.SpeechRecognition = window.webkitSpeechRecognition = class {
  start() { this.onresult({ results: [[{ transcript: "Comment demander" }], [{ transcript: " la PCH ?" }]] }); }
  stop() { this.onend(); }
};
"""


def test_answers_are_read_aloud_and_questions_dictated_once_chosen(
    browser_page: OpenPage, ai: StandIn, server: Server
) -> None:
    page = browser_page(None, **PHONE)
    page.add_init_script(FAKE_VOICES)
    page.goto(server.url)
    read, dictate = page.locator('[data-action="read"]'), page.get_by_role("button", name="Dicter la question")
    answered(page, ai)
    expect(read).to_be_hidden()
    expect(dictate).to_be_hidden()

    choosing_voices(page, ai)
    page.get_by_label("Un bouton pour dicter les questions").check()
    page.reload()

    read.click()
    expect(read).to_have_attribute("aria-pressed", "true")
    language, words = page.evaluate("window.spoken")[0]
    assert language == "fr"
    assert page.locator(".prose").inner_text().startswith(words[:20])
    read.click()  # stops
    dictate.click()
    expect(page.locator("#question")).to_have_value("Comment demander la PCH ?")
    dictate.click()
    expect(page.locator("#question")).to_be_focused()


def test_in_the_drawer_is_announced_what_a_search_does_not_find(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)
    conversations(page, ai)

    page.get_by_label("Chercher dans vos conversations").fill("introuvable")

    expect(page.locator("#drawer #announcer")).to_contain_text("Aucune conversation")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    page.locator("#question").fill("Bonjour, " * 460)
    expect(page.locator("body > #announcer")).to_contain_text("en trop")


def test_a_failed_deletion_is_announced(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)
    page.refusals_expected = True  # type: ignore[attr-defined]
    forgetting(page, ai)
    page.route("**/api/chat/reset", lambda route: route.fulfill(status=500))

    page.get_by_role("button", name="Effacer", exact=True).click()

    expect(page.locator("#drawer #announcer")).to_contain_text("Quelque chose n’a pas marché")


def test_a_conversation_that_is_opened_is_announced_and_gets_the_focus(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    answered(page, ai)
    page.get_by_role("link", name="Nouvelle conversation").click()
    held = hold(page, "**/api/chat/history?*")

    with page.expect_request("**/api/chat/history?*"):
        page.get_by_role("link", name=QUESTIONS["fr"]).click()
    expect(page.locator("#announcer")).to_have_text("J’ouvre la conversation…")
    held[0].continue_()

    expect(page.locator(".exchange h2")).to_be_focused()


def test_a_conversation_that_does_not_open_is_announced(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.route("**/api/chat/history?*", lambda route: route.fulfill(status=404))

    page.evaluate("window.location.hash = '#c-gone'")

    expect(page.locator("#announcer")).to_contain_text("Cette conversation n’est plus là")


def test_a_dictation_that_fails_is_announced(browser_page: OpenPage, ai: StandIn, server: Server) -> None:
    page = browser_page(None)
    page.add_init_script("""localStorage.setItem("voice", "dictate");
window.SpeechRecognition = window.webkitSpeechRecognition = class {
  start() { this.onerror({ error: "not-allowed" }); this.onend(); }
};""")
    page.goto(server.url)

    page.get_by_role("button", name="Dicter la question").click()

    expect(page.locator("#announcer")).to_have_text(page.locator("#remark").inner_text())
    expect(page.locator("#remark")).to_be_visible()


def test_a_source_without_address_shows_that_a_citation_has_led_to_it(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    source = {"type": "source-document", "sourceId": "1", "mediaType": "text/plain", "title": "L’AEEH"}
    page.route("**/api/chat/stream", lambda route: fulfill_with_stream(route, "Demandez l’AEEH [1].", source))
    ask(page, QUESTIONS["fr"])
    wait_for_answer(page)

    page.locator(".citation").focus()
    page.keyboard.press("Enter")

    expect(page.locator(".card")).to_be_focused()
    assert page.locator(".card").evaluate("(card) => getComputedStyle(card).outlineStyle") != "none"


def violations(page: Page, *rules: str) -> list[str]:
    """The violations of all axe rules, or of the given ones, each with its element."""
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.axe_script)
    found = page.evaluate("(options) => axe.run(options)", options)["violations"]
    return [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
