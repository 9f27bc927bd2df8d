"""The chat page as people use it, in a real browser, against a running server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect

from ai_service.control import StandIn
from tests.e2e.conftest import PHONE
from tests.e2e.states import QUESTIONS, answered_with_a_table, ask, degraded, in_distress, own_data, wait_for_answer
from tests.server import Server

OpenPage = Callable[..., Page]
QUESTION = QUESTIONS["fr"]
PAYLOAD = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script> [clic](javascript:window.pwned=1)'

# What the page's own renderer makes of a text.
DRAW = """async (text) => {
  const { blocks, draw } = await import("/static/chat/markdown.js");
  const begun = performance.now();
  const place = document.createElement("div");
  place.append(...blocks(text).map((block) => draw(block, () => null)));
  const made = [...place.querySelectorAll("*")];
  return {
    milliseconds: performance.now() - begun,
    elements: made.map((element) => element.tagName),
    addresses: made.filter((element) => element.href).map((element) => element.href),
    attributes: made.flatMap((element) => element.getAttributeNames()),
  };
}"""

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


def answer_of(page: Page) -> str:
    wait_for_answer(page)
    return page.locator(".answer").last.locator(".prose").inner_text()


def test_a_question_gets_an_answer_with_its_sources_and_what_to_ask_next(browser_page: OpenPage) -> None:
    page = browser_page()

    ask(page, QUESTION)

    assert "AESH" in answer_of(page)
    source = page.locator(".card").first
    expect(source).to_have_attribute("href", re.compile("^https://"))
    expect(source).to_have_attribute("rel", "noopener noreferrer")
    suggestion = page.locator(".answer .suggestion").first
    words = suggestion.inner_text()
    suggestion.click()
    expect(page.locator(".bubble").last).to_have_text(words)
    wait_for_answer(page)


def test_words_appear_while_the_answer_is_written(browser_page: OpenPage, ai: StandIn) -> None:
    ai.pace(10)
    page = browser_page()

    ask(page, QUESTION)

    expect(page.locator(".prose")).not_to_be_empty()
    expect(page.locator(".answer")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#announcer")).to_have_text("La réponse arrive.")


def test_a_screen_reader_hears_once_that_the_answer_is_complete(browser_page: OpenPage) -> None:
    page = browser_page()

    ask(page, QUESTION)
    wait_for_answer(page)

    expect(page.locator("#announcer")).to_have_text("La réponse est complète.")
    assert page.locator(".prose").get_attribute("aria-live") is None


def test_the_page_speaks_english_to_those_who_do_and_can_be_switched(browser_page: OpenPage) -> None:
    page = browser_page(locale="en-GB")

    expect(page.locator("html")).to_have_attribute("lang", "en")
    ask(page, "How do I get an AESH for my child?")
    wait_for_answer(page)
    page.get_by_role("button", name="Français").click()

    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator(".bubble")).to_have_text("How do I get an AESH for my child?")


def test_while_the_ai_is_down_the_answer_says_what_it_is(browser_page: OpenPage, ai: StandIn) -> None:
    ai.fail("error", status=400)
    page = browser_page()

    ask(page, QUESTION)

    assert answer_of(page)
    expect(page.locator(".notice")).to_contain_text("fiche de notre base")
    page.reload()
    expect(page.locator(".notice")).to_contain_text("fiche de notre base")


def test_a_reload_brings_the_conversation_back(browser_page: OpenPage) -> None:
    page = browser_page()
    ask(page, QUESTION)
    said = answer_of(page)

    page.reload()

    expect(page.locator(".bubble")).to_have_text(QUESTION)
    assert answer_of(page) == said
    expect(page.locator(".conversation a")).to_have_attribute("aria-current", "page")


def test_markup_in_a_question_or_an_answer_is_only_text(browser_page: OpenPage) -> None:
    page = browser_page()
    frames = (
        'data: {"type":"start","messageId":"m"}\n\n'
        'data: {"type":"source-url","sourceId":"1","url":"javascript:window.pwned=1","title":"<b>x</b>"}\n\n'
        f'data: {{"type":"text-delta","id":"t","delta":{json.dumps(PAYLOAD)}}}\n\ndata: [DONE]\n\n'
    )
    page.route("**/api/chat/stream", lambda route: route.fulfill(content_type="text/event-stream", body=frames))

    ask(page, PAYLOAD)

    expect(page.locator(".prose")).to_contain_text('<img src=x onerror="window.pwned=1">')
    assert page.locator(".bubble").inner_text() == PAYLOAD
    assert page.locator(".exchange :is(img, script, a)").count() == 0
    assert page.evaluate("window.pwned") is None


def test_no_markdown_makes_an_element_or_an_address_that_we_did_not_mean(browser_page: OpenPage) -> None:
    page = browser_page()
    hostile = [
        PAYLOAD,
        "[a](data:text/html,x) [b](JaVaScRiPt:x) [c](//example.org) [d](vbscript:x) ![e](https://example.org/e.png)",
        '[f](https://example.org/"onmouseover="x) <https://example.org/"onload=x> **<b>g</b>** `<i>h</i>`',
        "# <svg onload=x>\n> <math>\n\n- <style>*{}</style>\n\n```\n<iframe src=javascript:x>\n```",
    ]

    made = page.evaluate(DRAW, "\n\n".join(hostile))

    assert set(made["elements"]) == {"P", "A", "STRONG", "CODE", "H3", "BLOCKQUOTE", "UL", "LI", "PRE"}
    assert all(address.startswith("https://example.org/") for address in made["addresses"])
    assert set(made["attributes"]) == {"href", "rel", "target"}


def test_a_hostile_text_is_drawn_as_fast_as_a_kind_one(browser_page: OpenPage) -> None:
    page = browser_page()

    for piece in ["**", "*a", "_a", "[", "[a](", "`", "> ", "+ ", "- ", "<https://a", "# ", "  \n", "\n", "- a\n  "]:
        made = page.evaluate(DRAW, piece * (20_000 // len(piece)) + "a")
        assert made["milliseconds"] < 2000, piece


def test_everything_can_be_done_with_the_keyboard(browser_page: OpenPage) -> None:
    page = browser_page()

    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    wait_for_answer(page)
    expect(page.locator("#question")).to_be_focused()
    page.locator("#help-button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#help-button")).to_be_focused()


def test_help_lines_are_one_tap_away(browser_page: OpenPage) -> None:
    page = browser_page(**PHONE)

    page.get_by_role("link", name="Besoin d’aide tout de suite").click()

    for number in ("15", "112", "114", "119", "3114"):
        expect(page.locator(f'#help a[href="tel:{number}"]')).to_be_visible()


def test_on_a_phone_nothing_is_wider_than_the_screen(browser_page: OpenPage) -> None:
    for width in (320, 390):
        page = browser_page(**{**PHONE, "viewport": {"width": width, "height": 700}})
        ask(page, f"{QUESTION} https://example.org/{'a' * 200}")
        wait_for_answer(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_conversation_can_be_forgotten(browser_page: OpenPage) -> None:
    page = browser_page()
    ask(page, QUESTION)
    wait_for_answer(page)

    page.get_by_role("button", name="Oublier « ").click()
    page.get_by_role("button", name="Oublier", exact=True).click()

    expect(page.get_by_role("heading", name="Bonjour")).to_be_visible()
    expect(page.locator(".conversation")).to_have_count(0)


def test_an_answer_can_be_rated_with_a_word_of_why(browser_page: OpenPage) -> None:
    page = browser_page()
    ask(page, QUESTION)
    wait_for_answer(page)

    page.get_by_role("button", name="Cette réponse ne m’aide pas").click()
    page.get_by_label("Un mot pour dire pourquoi").fill("Il manque les délais")
    page.get_by_role("button", name="Envoyer", exact=True).click()

    expect(page.locator(".said")).to_have_text("Merci")
    page.reload()
    expect(page.get_by_role("button", name="Cette réponse ne m’aide pas")).to_have_attribute("aria-pressed", "true")


def test_a_document_is_explained_its_dates_first(browser_page: OpenPage) -> None:
    page = browser_page()
    letter = "Notification. Vous pouvez contester cette décision avant le 15 mai 2027. Montant : 149,26 €."

    page.get_by_role("button", name="Faire lire un document").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.locator("#document input[type=file]").set_input_files(
        {"name": "notification.txt", "mimeType": "text/plain", "buffer": letter.encode()}
    )
    page.get_by_role("button", name="Lire le document").click()

    expect(page.locator(".facts .deadline")).to_contain_text("15 mai 2027")
    expect(page.locator(".facts")).to_contain_text("149,26")
    assert answer_of(page)


def test_a_document_that_can_not_be_read_is_asked_for_as_text(browser_page: OpenPage) -> None:
    page = browser_page()
    page.refusals_expected = True  # type: ignore[attr-defined]

    page.get_by_role("button", name="Faire lire un document").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.locator("#document input[type=file]").set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff\xe0"}
    )
    page.get_by_role("button", name="Lire le document").click()
    expect(page.locator(".notice")).to_contain_text("Je n’arrive pas à lire ce document")
    expect(page.locator(".notice")).to_contain_text("Ce fichier est abîmé ou incomplet")
    page.get_by_role("button", name="Réessayer").click()
    page.get_by_label("ou coller son texte ici").fill("Rendez-vous le 3 juin 2027 à 9 h.")
    page.get_by_role("button", name="Lire le document").click()

    expect(page.locator(".facts")).to_contain_text("3 juin 2027")


def test_without_javascript_the_form_is_answered_by_the_server(browser_page: OpenPage) -> None:
    page = browser_page(java_script_enabled=False)

    page.get_by_role("button", name=QUESTION).click()

    assert "AESH" in page.locator(".prose").inner_text()
    expect(page.locator(".card").first).to_have_attribute("href", re.compile("^https://"))
    expect(page.locator("#attach")).to_be_hidden()


def test_nothing_but_our_own_files_may_run_on_the_page(server: Server) -> None:
    policy = server.get("/").headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_question_that_is_too_long_says_so_and_is_not_lost(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    question, remark = page.locator("#question"), page.locator("#remark")

    question.fill("a" * 3500)
    expect(remark).to_be_hidden()
    question.fill("a" * 3990)
    expect(remark).to_have_text("Caractères restants : 10")
    ask(page, "a" * 4001)

    expect(remark).to_contain_text("Caractères en trop : 1")
    expect(page.locator("#announcer")).to_contain_text("en trop")
    expect(question).to_be_focused()
    assert len(question.input_value()) == 4001
    assert ai.calls == 0


def test_an_answer_may_hold_a_table(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)

    answered_with_a_table(page, ai)

    expect(page.get_by_role("columnheader", name="Délai")).to_be_visible()
    expect(page.get_by_role("cell", name="MDPH")).to_have_count(2)


def test_a_help_line_that_is_named_can_be_tapped(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)

    in_distress(page, ai)

    for number in ("15", "3114"):
        expect(page.locator(f'.prose a[href="tel:{number}"]').first).to_be_visible()


def test_an_answer_is_copied_with_its_sources(browser_page: OpenPage) -> None:
    page = browser_page(permissions=["clipboard-read", "clipboard-write"])
    ask(page, QUESTION)
    said = answer_of(page)

    page.get_by_role("button", name="Copier la réponse").click()

    expect(page.locator(".said")).to_have_text("Copié")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(said)
    assert "https://" in copied


def test_a_degraded_answer_says_when_to_try_again_and_can_be_quoted(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()

    degraded(page, ai)

    notice = page.locator(".notice")
    expect(notice).to_contain_text("Voici une fiche de notre base")
    expect(notice).to_contain_text("Vous pouvez réessayer dans 2 minutes.")
    expect(notice).to_contain_text("Référence pour nous en parler : req-")
    page.reload()
    expect(notice).to_contain_text("Référence pour nous en parler : req-")


def test_one_can_take_along_what_is_kept(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)
    own_data(page, ai)

    with page.expect_download() as download:
        page.get_by_role("link", name="Les emporter").click()

    assert QUESTION in download.value.path().read_text()


def test_one_can_have_everything_deleted(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)
    own_data(page, ai)

    page.get_by_role("button", name="Tout effacer").click()
    page.get_by_role("button", name="Oublier", exact=True).click()

    expect(page.locator('[data-part="none"]')).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Bonjour")).to_be_visible()


def test_without_javascript_the_next_question_belongs_to_the_same_conversation(browser_page: OpenPage) -> None:
    page = browser_page(java_script_enabled=False)
    page.get_by_role("button", name=QUESTION).click()

    page.locator(".answer .suggestion").first.click()

    expect(page.locator(".prose")).not_to_be_empty()
    kept = page.context.request.get(urljoin(page.url, "/api/chat/conversations")).json()
    assert len(kept["items"]) == 1
