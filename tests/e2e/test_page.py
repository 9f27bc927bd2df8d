"""The chat page in a real browser, against a running server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page, expect

from ai_service.control import StandIn
from tests.e2e.conftest import PHONE
from tests.e2e.states import (
    QUESTIONS,
    answered_with_a_table,
    ask,
    degraded,
    fulfill_with_stream,
    hold,
    in_distress,
    own_data,
    wait_for_answer,
)
from tests.support.markdown_texts import MARKDOWN, structure
from tests.support.phone_numbers import PHONE_NUMBERS
from tests.support.server import Server
from tests.support.services import ROOT

OpenPage = Callable[..., Page]
QUESTION = QUESTIONS["fr"]
PAYLOAD = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script> [clic](javascript:window.pwned=1)'

# Renders a text with the page's own Markdown renderer and describes the result.
RENDER_MARKDOWN = """async (text) => {
  const { blocks, draw } = await import("/static/chat/markdown.js");
  const started = performance.now();
  const container = document.createElement("div");
  container.append(...blocks(text).map((block) => draw(block, () => null)));
  const elements = [...container.querySelectorAll("*")];
  return {
    milliseconds: performance.now() - started,
    html: container.innerHTML,
    elements: elements.map((element) => element.tagName),
    addresses: elements.filter((element) => element.href).map((element) => element.href),
    attributes: elements.flatMap((element) => element.getAttributeNames()),
  };
}"""

SHORT_REFERENCE = re.compile(r"Référence pour nous en parler\s: [0-9a-f]{8}\b(?!-)")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


def answer_of(page: Page) -> str:
    wait_for_answer(page)
    return page.locator(".answer").last.locator(".prose").inner_text()


def test_an_answer_has_sources_and_suggestions(browser_page: OpenPage) -> None:
    page = browser_page()

    ask(page, QUESTION)

    assert "AESH" in answer_of(page)
    source = page.locator(".card").first
    expect(source).to_have_attribute("href", re.compile("^https://"))
    expect(source).to_have_attribute("rel", "noopener noreferrer")
    suggestion = page.locator(".answer .suggestion").first
    suggested = suggestion.inner_text()
    suggestion.click()
    expect(page.locator(".bubble").last).to_have_text(suggested)
    wait_for_answer(page)


def test_text_appears_while_the_answer_is_streamed(browser_page: OpenPage, ai: StandIn) -> None:
    ai.pace(10)
    page = browser_page()

    ask(page, QUESTION)

    expect(page.locator(".prose")).not_to_be_empty()
    expect(page.locator(".answer")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#announcer")).to_have_text("La réponse arrive.")


def test_completion_is_announced_to_screen_readers(browser_page: OpenPage) -> None:
    page = browser_page()

    ask(page, QUESTION)
    wait_for_answer(page)

    expect(page.locator("#announcer")).to_have_text("La réponse est complète.")
    assert page.locator(".prose").get_attribute("aria-live") is None


def test_the_page_follows_the_browser_language_and_can_be_switched(browser_page: OpenPage) -> None:
    page = browser_page(locale="en-GB")

    expect(page.locator("html")).to_have_attribute("lang", "en")
    ask(page, "How do I get an AESH for my child?")
    wait_for_answer(page)
    page.get_by_role("button", name="Français").click()

    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator(".bubble")).to_have_text("How do I get an AESH for my child?")


def test_a_fallback_answer_is_labelled_as_such(browser_page: OpenPage, ai: StandIn) -> None:
    ai.fail("error", status=400)
    page = browser_page()

    ask(page, QUESTION)

    assert answer_of(page)
    expect(page.locator(".notice")).to_contain_text("fiche de notre base")
    page.reload()
    expect(page.locator(".notice")).to_contain_text("fiche de notre base")


def test_a_reload_restores_the_conversation(browser_page: OpenPage) -> None:
    page = browser_page()
    ask(page, QUESTION)
    answer = answer_of(page)

    page.reload()

    expect(page.locator(".bubble")).to_have_text(QUESTION)
    assert answer_of(page) == answer
    expect(page.locator(".conversation a")).to_have_attribute("aria-current", "page")


def test_markup_in_a_question_or_an_answer_stays_text(browser_page: OpenPage) -> None:
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


def test_hostile_markdown_renders_allowed_elements_and_links_only(browser_page: OpenPage) -> None:
    page = browser_page()
    hostile = [
        PAYLOAD,
        "[a](data:text/html,x) [b](JaVaScRiPt:x) [c](//example.org) [d](vbscript:x) ![e](https://example.org/e.png)",
        '[f](https://example.org/"onmouseover="x) <https://example.org/"onload=x> **<b>g</b>** `<i>h</i>`',
        "# <svg onload=x>\n> <math>\n\n- <style>*{}</style>\n\n```\n<iframe src=javascript:x>\n```",
    ]

    rendered = page.evaluate(RENDER_MARKDOWN, "\n\n".join(hostile))

    assert set(rendered["elements"]) == {"P", "A", "STRONG", "CODE", "H3", "BLOCKQUOTE", "UL", "LI", "PRE"}
    assert all(address.startswith("https://example.org/") for address in rendered["addresses"])
    assert set(rendered["attributes"]) == {"href", "rel", "target"}


def test_lists_tables_links_and_emphasis_are_those_of_the_page_without_javascript(browser_page: OpenPage) -> None:
    page = browser_page()

    rendered = {text: structure(page.evaluate(RENDER_MARKDOWN, text)["html"]) for text in MARKDOWN}

    assert rendered == MARKDOWN


def test_a_bare_address_keeps_its_brackets(browser_page: OpenPage) -> None:
    page = browser_page()

    rendered = page.evaluate(RENDER_MARKDOWN, "(voir https://example.org/Autisme_(trouble), https://example.org/a.)")

    assert rendered["addresses"] == ["https://example.org/Autisme_(trouble)", "https://example.org/a"]


HOSTILE_PIECES = ["**", "*a", "_a", "[", "[a](", "`", "> ", "+ ", "- ", "<https://a", "# ", "  \n", "\n", "- a\n  "]
HOSTILE_PIECES += ["***", "***a", "__", "__a", "_a__", "[a](b(", '[a](b "', "[a](b()", "https://a(", "https://a()_"]
HOSTILE_PIECES += ["|", "a | b\n", "--|--\n", "a|\n-|-\n", "\t", "\t- a\n", "1. a\n- b\n"]


def test_hostile_markdown_renders_in_linear_time(browser_page: OpenPage) -> None:
    page = browser_page()

    for piece in HOSTILE_PIECES:
        rendered = page.evaluate(RENDER_MARKDOWN, piece * (20_000 // len(piece)) + "a")
        assert rendered["milliseconds"] < 2000, piece


def test_the_page_can_be_used_with_the_keyboard_alone(browser_page: OpenPage) -> None:
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

    for number in ("15", "112", "119", "3114"):
        expect(page.locator(f'#help a[href="tel:{number}"]')).to_be_visible()
    expect(page.locator('#help a[href="sms:114"]')).to_be_visible()


def test_the_page_fits_the_width_of_a_phone(browser_page: OpenPage) -> None:
    for width in (320, 390):
        page = browser_page(**{**PHONE, "viewport": {"width": width, "height": 700}})
        ask(page, f"{QUESTION} https://example.org/{'a' * 200}")
        wait_for_answer(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_conversation_can_be_deleted(browser_page: OpenPage) -> None:
    page = browser_page()
    ask(page, QUESTION)
    wait_for_answer(page)

    page.get_by_role("button", name="Effacer « ").click()
    page.get_by_role("button", name="Effacer", exact=True).click()

    expect(page.get_by_role("heading", name="Bonjour")).to_be_visible()
    expect(page.locator(".conversation")).to_have_count(0)


def test_an_answer_can_be_rated_with_a_comment(browser_page: OpenPage) -> None:
    page = browser_page()
    ask(page, QUESTION)
    wait_for_answer(page)

    page.get_by_role("button", name="Cette réponse ne m’aide pas").click()
    page.get_by_label("Un mot pour dire pourquoi").fill("Il manque les délais")
    page.get_by_role("button", name="Envoyer", exact=True).click()

    expect(page.locator(".action-status")).to_have_text("Merci")
    page.reload()
    expect(page.get_by_role("button", name="Cette réponse ne m’aide pas")).to_have_attribute("aria-pressed", "true")


def test_a_document_analysis_shows_its_dates_first(browser_page: OpenPage) -> None:
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


def test_for_an_unreadable_document_the_page_offers_to_paste_its_text(browser_page: OpenPage) -> None:
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
    expect(page.get_by_role("button", name="Réessayer")).to_have_count(0)  # the same file would fail again
    page.get_by_role("button", name="Choisir un autre document").click()
    page.get_by_label("ou coller son texte ici").fill("Rendez-vous le 3 juin 2027 à 9 h.")
    page.get_by_role("button", name="Lire le document").click()

    expect(page.locator(".facts")).to_contain_text("3 juin 2027")


def test_without_javascript_the_form_is_answered_by_the_server(browser_page: OpenPage) -> None:
    page = browser_page(java_script_enabled=False)

    page.get_by_role("button", name=QUESTION).click()

    assert "AESH" in page.locator(".prose").inner_text()
    expect(page.locator(".card").first).to_have_attribute("href", re.compile("^https://"))
    expect(page.locator("#attach")).to_be_hidden()


SCRIPTS = sorted((ROOT / "chat" / "static" / "chat").glob("*.js"))
# What a phone of docs/page.md does not have.
TOO_NEW = re.compile(
    r"\(\?<[=!]|\.(?:requestSubmit|throwIfAborted|findLast\w*|toSorted|toReversed|with|isWellFormed|checkVisibility)\("
    r"|structuredClone|Object\.(?:hasOwn|groupBy)|AbortSignal\.(?:any|timeout)|URL\.canParse\(|randomUUID"
    r"|Promise\.(?:withResolvers|try)|Array\.fromAsync|\bstatic \{|\binert\b|/[a-z]*v[a-z]*[,;)]"
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_no_script_needs_a_newer_browser_than_the_page_supports(script: Path) -> None:
    assert TOO_NEW.findall(script.read_text()) == []


STYLE = (ROOT / "chat" / "static" / "chat" / "style.css").read_text()


def test_no_rule_is_lost_in_browsers_without_has() -> None:
    """They drop the whole rule if one selector of its list is unknown to them."""
    lists = re.findall(r"([^{}]*:has\([^{}]*)\{", re.sub(r"/\*.*?\*/", "", STYLE, flags=re.DOTALL))
    assert lists
    assert [each for each in lists if "," in re.sub(r"\([^()]*\)", "", each)] == []


def test_heights_have_a_fallback_for_browsers_without_dynamic_units() -> None:
    lines = [line.strip() for line in STYLE.splitlines()]
    dynamic = [number for number, line in enumerate(lines) if re.search(r"\ddv[hw]\b", line)]
    assert dynamic
    assert [lines[n] for n in dynamic if lines[n - 1] != re.sub(r"(\d)dv([hw])", r"\1v\2", lines[n])] == []


OLD_BROWSERS = {
    "no dialogs": "delete HTMLDialogElement.prototype.showModal",
    "no streams of text": "delete window.TextDecoderStream",
    "no `at`": "delete Array.prototype.at",
}


@pytest.mark.parametrize("lack", OLD_BROWSERS)
def test_an_old_browser_is_answered_by_the_plain_form(browser: Browser, server: Server, lack: str) -> None:
    page = browser.new_page(locale="fr-FR")
    page.add_init_script(OLD_BROWSERS[lack])
    page.goto(server.url)

    page.locator("#question").fill(QUESTION)
    page.locator("#send").click()

    expect(page.locator(".card").first).to_have_attribute("href", re.compile("^https://"))
    assert page.url == f"{server.url}/"
    expect(page.locator("#attach")).to_be_hidden()
    page.close()


def test_until_the_scripts_have_come_the_page_can_be_used(browser_page: OpenPage, server: Server) -> None:
    page = browser_page(path=None)
    held = hold(page, "**/chat/app.js")
    page.goto(server.url, wait_until="commit")

    expect(page.locator("#attach")).to_be_hidden()
    page.locator("#help-button").click()
    expect(page.locator('#help a[href="tel:3114"]')).to_be_visible()
    held[0].continue_()
    expect(page.locator("#attach")).to_be_visible()
    page.get_by_role("link", name="Fermer").click()

    expect(page.locator("#help")).to_be_hidden()
    page.locator("#help-button").click()
    page.get_by_role("button", name="Fermer").click()
    expect(page.locator("#help")).to_be_hidden()


def test_the_content_security_policy_allows_own_files_only(server: Server) -> None:
    policy = server.get("/").headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_question_that_is_too_long_is_kept_with_a_warning(browser_page: OpenPage, ai: StandIn) -> None:
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


def test_a_line_separator_in_an_answer_cuts_nothing(browser_page: OpenPage) -> None:
    part = '{"type": "text-delta", "id": "t", "delta": "avant \u2028 entre \u2029 après"}'
    page = browser_page()
    page.route(
        "**/api/chat/stream",
        lambda route: route.fulfill(content_type="text/event-stream", body=f"data: {part}\n\ndata: [DONE]\n\n"),
    )

    ask(page, QUESTION)

    assert answer_of(page).split() == ["avant", "entre", "après"]
    expect(page.locator(".notice")).to_have_count(0)


def test_tables_are_rendered(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)

    answered_with_a_table(page, ai)

    expect(page.get_by_role("columnheader", name="Délai")).to_be_visible()
    expect(page.get_by_role("cell", name="MDPH")).to_have_count(2)


def test_help_line_numbers_in_an_answer_are_links(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)

    in_distress(page, ai)

    for number in ("15", "3114"):
        expect(page.locator(f'.prose a[href="tel:{number}"]').first).to_be_visible()


def test_all_telephone_numbers_in_an_answer_are_links(browser_page: OpenPage) -> None:
    page = browser_page()

    for text, numbers in PHONE_NUMBERS.items():
        rendered = page.evaluate(RENDER_MARKDOWN, text)
        links = [address.removeprefix("tel:") for address in rendered["addresses"] if address.startswith("tel:")]
        assert links == numbers, text


def test_an_answer_is_copied_with_its_sources(browser_page: OpenPage) -> None:
    page = browser_page(permissions=["clipboard-read", "clipboard-write"])
    ask(page, QUESTION)
    answer = answer_of(page)

    page.get_by_role("button", name="Copier la réponse").click()

    expect(page.locator(".action-status")).to_have_text("Copié")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(answer)
    assert "https://" in copied


def test_a_degraded_answer_shows_the_retry_time_and_a_reference(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()

    degraded(page, ai)

    notice = page.locator(".notice")
    expect(notice).to_contain_text("Voici une fiche de notre base")
    expect(notice).to_contain_text("Vous pouvez réessayer dans 2 minutes.")
    expect(notice).to_contain_text(SHORT_REFERENCE)
    page.reload()
    expect(notice).to_contain_text(SHORT_REFERENCE)


def test_personal_data_can_be_downloaded(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)
    own_data(page, ai)

    with page.expect_download() as download:
        page.get_by_role("link", name="Les emporter").click()

    assert QUESTION in download.value.path().read_text()


def test_personal_data_can_be_deleted(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page(**PHONE)
    own_data(page, ai)

    page.get_by_role("button", name="Tout effacer").click()
    page.get_by_role("button", name="Effacer", exact=True).click()

    expect(page.locator('[data-part="none"]')).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Bonjour")).to_be_visible()


def test_without_javascript_the_next_question_belongs_to_the_same_conversation(browser_page: OpenPage) -> None:
    page = browser_page(java_script_enabled=False)
    page.get_by_role("button", name=QUESTION).click()

    page.locator(".answer .suggestion").first.click()

    expect(page.locator(".prose")).not_to_be_empty()
    conversations = page.context.request.get(urljoin(page.url, "/api/chat/conversations")).json()
    assert len(conversations["items"]) == 1


CITING = "Deux aides existent [2]. La demande se fait à la MDPH [3], et rien ne dit [1] le contraire."
CITED = [
    {"type": "source-url", "sourceId": "3", "url": "https://example.org/three", "title": "Three"},
    {"type": "source-url", "sourceId": "2", "url": "https://example.org/two", "title": "Two"},
]


def test_a_citation_opens_the_source_that_it_names(browser_page: OpenPage) -> None:
    page = browser_page(permissions=["clipboard-read", "clipboard-write"])
    page.route("**/api/chat/stream", lambda route: fulfill_with_stream(route, CITING, *CITED))

    ask(page, QUESTION)
    wait_for_answer(page)

    citations, cards = page.locator(".citation"), page.locator(".card")
    assert [(link.inner_text(), link.get_attribute("href")) for link in citations.all()] == [
        ("[2]", "https://example.org/two"),
        ("[3]", "https://example.org/three"),
    ]
    assert [number.inner_text() for number in page.locator(".card-number").all()] == ["2", "3"]
    citations.first.click()
    expect(cards.first).to_be_focused()
    expect(cards.first).to_have_attribute("href", "https://example.org/two")
    page.get_by_role("button", name="Copier la réponse").click()
    expect(page.locator(".action-status")).to_have_text("Copié")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "existent\u00a0[2]" in copied
    assert "[2] Two – https://example.org/two\n[3] Three" in copied


def test_a_stopped_answer_has_the_sources_that_it_cites(browser_page: OpenPage, ai: StandIn) -> None:
    ai.pace(15)
    page = browser_page()
    ask(page, QUESTION)

    expect(page.locator(".citation").first).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.locator(".notice")).to_contain_text("Vous avez arrêté la réponse")
    expect(page.locator(".card").first).to_be_visible()
    cited = page.locator(".citation").first.get_attribute("href")
    page.reload()
    expect(page.locator(".citation").first).to_have_attribute("href", cited or "")


def test_escape_closes_a_dialog_before_it_stops_the_answer(browser_page: OpenPage, ai: StandIn) -> None:
    ai.pace(10)
    page = browser_page()
    ask(page, QUESTION)
    page.locator("#help-button").click()

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#stop")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#send")).to_be_visible()


def test_help_comes_before_the_notice_of_an_outage(browser_page: OpenPage, ai: StandIn) -> None:
    ai.fail("error", status=400)
    page = browser_page()

    ask(page, "Je veux en finir, je n'en peux plus.")
    wait_for_answer(page)

    expect(page.locator('.answer [data-part="after"] .notice')).to_be_visible()
    assert page.locator('.answer [data-part="before"] .notice').count() == 0
    page.reload()
    expect(page.locator('.answer [data-part="after"] .notice')).to_be_visible()
    assert page.locator('.answer [data-part="before"] .notice').count() == 0


@pytest.mark.parametrize(
    ("width", "height", "percent"),
    [(390, 844, 150), (390, 844, 200), (320, 640, 100), (320, 640, 130), (320, 640, 200)],
)
def test_nothing_is_cut_or_pushed_away_by_large_text(
    browser_page: OpenPage, ai: StandIn, width: int, height: int, percent: int
) -> None:
    page = browser_page(**{**PHONE, "viewport": {"width": width, "height": height}})
    page.evaluate(f"document.documentElement.style.fontSize = '{percent}%'")

    assert page.evaluate(OUTSIDE, width) == []
    assert is_in_view(page, "#send", height)
    assert is_in_view(page, ".ai-line", height)
    ask(page, QUESTION)
    wait_for_answer(page)
    assert page.evaluate(OUTSIDE, width) == []
    assert is_in_view(page, "#send", height)
    assert page.locator("#question").bounding_box()["width"] > 40  # type: ignore[index]
    page.locator("#help-button").click()
    assert page.evaluate(OUTSIDE, width) == []
    assert is_in_view(page, '#help a[href="tel:15"] strong', height)
    page.keyboard.press("Escape")
    page.refusals_expected = True  # type: ignore[attr-defined]  # while offline
    page.context.set_offline(True)
    expect(page.locator("#remark")).to_be_visible()
    assert page.locator("#composer").bounding_box()["height"] < 0.4 * height  # type: ignore[index]


# The visible elements that begin or end outside the width, or whose text is cut.
OUTSIDE = """(width) => {
  const elements = [...document.querySelectorAll("header *, main *, dialog[open] *")];
  const seen = elements.filter((element) => element.checkVisibility() && !element.closest(".visually-hidden, .table"));
  const outside = seen.filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return left < -1 || right > width + 1;
  });
  return [...outside.map((element) => element.outerHTML.slice(0, 80)),
    ...(document.documentElement.scrollWidth > width ? ["the page"] : [])];
}"""


def is_in_view(page: Page, selector: str, height: int) -> bool:
    box = page.locator(selector).bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= height


@pytest.mark.parametrize(("language", "words"), [("fr-FR", "Une IA rédige les réponses"), ("en-GB", "An AI writes")])
def test_the_page_always_says_that_an_ai_answers(browser_page: OpenPage, language: str, words: str) -> None:
    page = browser_page(locale=language)

    expect(page.locator(".ai-line")).to_contain_text(words)
    ask(page, QUESTION)
    wait_for_answer(page)
    expect(page.locator(".ai-line")).to_be_in_viewport()


def test_without_javascript_the_page_says_that_an_ai_answers(browser_page: OpenPage) -> None:
    expect(browser_page(java_script_enabled=False).locator(".ai-line")).to_be_visible()
