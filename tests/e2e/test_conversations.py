"""What people do with their conversations and answers: find, rename, change, share, print, go back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Error, Locator, Page, Route, expect

from ai_service.control import StandIn
from chat.models import Message
from tests.e2e.conftest import PHONE
from tests.e2e.states import QUESTIONS, a_document_read, ask, serve_changed, wait_for_answer
from tests.support.polling import eventually
from tests.support.server import Server

OpenPage = Callable[..., Page]
QUESTION = QUESTIONS["fr"]
OTHER_QUESTION = "Comment demander la PCH ?"
HISTORY = "**/api/chat/history?*"

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


def ask_and_wait(page: Page, question: str) -> None:
    ask(page, question)
    wait_for_answer(page)


def begin_another(page: Page, question: str) -> None:
    page.get_by_role("link", name="Nouvelle conversation").click()
    expect(page.locator(".exchange")).to_have_count(0)
    ask_and_wait(page, question)


def stored_texts() -> list[str]:
    return list(Message.objects.filter(role="user").order_by("-id").values_list("text", flat=True))


def test_back_shows_the_conversation_before_and_forward_the_next(browser_page: OpenPage) -> None:
    page = browser_page()
    ask_and_wait(page, QUESTION)
    begin_another(page, OTHER_QUESTION)

    page.go_back()
    expect(page.locator(".bubble")).to_have_text(QUESTION)
    page.go_forward()
    expect(page.locator(".bubble")).to_have_text(OTHER_QUESTION)


@pytest.mark.parametrize("address", ["/", "/#new"])
def test_erasing_all_data_removes_a_letter_from_the_page(browser_page: OpenPage, ai: StandIn, address: str) -> None:
    page = browser_page(address)
    a_document_read(page, ai)  # a letter that is not kept: its conversation has no address

    page.locator('#conversations [data-part="data"]').click()
    page.get_by_role("button", name="Tout effacer").click()
    page.get_by_role("button", name="Effacer", exact=True).click()

    expect(page.locator("#announcer")).to_have_text(re.compile("supprimé|effacé"))
    expect(page.locator(".exchange")).to_have_count(0)
    expect(page.get_by_role("heading", name="Bonjour")).to_be_visible()


def write_a_letter(page: Page) -> None:
    """Paste a letter into the dialog, leave it, write half a question and begin to rename the first conversation."""
    page.get_by_role("button", name="Faire lire un document").click()
    page.locator("[name=pasted]").fill("Madame, Monsieur, …")
    page.keyboard.press("Escape")
    page.locator("#question").fill("a" * 4_003)
    page.locator('.conversation [data-part="rename"]').first.click()
    expect(page.locator(".rename")).to_be_visible()


def test_erasing_all_data_removes_what_was_being_written(browser_page: OpenPage) -> None:
    page = browser_page()
    ask_and_wait(page, QUESTION)
    write_a_letter(page)

    page.locator('#conversations [data-part="data"]').click()
    page.get_by_role("button", name="Tout effacer").click()
    page.get_by_role("button", name="Effacer", exact=True).click()

    expect(page.locator(".conversation, .rename")).to_have_count(0)
    expect(page.locator("#question")).to_have_value("")
    expect(page.locator("#as-document")).to_be_hidden()
    expect(page.locator("[name=pasted]")).to_have_value("")


def test_deleting_one_conversation_leaves_what_is_being_written(browser_page: OpenPage) -> None:
    page = browser_page()
    ask_and_wait(page, QUESTION)
    begin_another(page, OTHER_QUESTION)
    expect(page.locator(".conversation-title")).to_have_text([OTHER_QUESTION, QUESTION])
    write_a_letter(page)

    page.locator('.conversation [data-part="forget"]').last.click()
    page.get_by_role("button", name="Effacer", exact=True).click()

    expect(page.locator(".conversation-title")).to_have_text([OTHER_QUESTION])
    expect(page.locator("#question")).not_to_have_value("")
    expect(page.locator("[name=pasted]")).not_to_have_value("")


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_a_new_conversation_removes_a_letter_from_the_page(
    browser_page: OpenPage, ai: StandIn, size: dict[str, Any]
) -> None:
    page = browser_page("/#new", **size)
    a_document_read(page, ai)  # a letter that is not kept: its conversation has no address
    if size:
        page.locator("#menu").click()

    page.get_by_role("link", name="Nouvelle conversation").click()

    expect(page.locator(".exchange")).to_have_count(0)
    expect(page.get_by_role("heading", name="Bonjour")).to_be_visible()
    expect(page.locator("#drawer")).to_be_hidden()


def test_a_new_conversation_in_another_tab_leaves_this_one_as_it_is(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page("/#new")
    a_document_read(page, ai)  # a letter that is not kept: its conversation has no address

    with page.context.expect_page():
        page.get_by_role("link", name="Nouvelle conversation").click(modifiers=["Control"])

    expect(page.locator(".facts")).to_be_visible()


def test_a_conversation_that_is_gone_is_left_for_a_new_one(browser_page: OpenPage) -> None:
    page = browser_page("/#new")
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.route("**/api/chat/stream", lambda route: route.fulfill(status=404))
    ask(page, QUESTION)

    page.locator(".notice button").click()

    expect(page.locator(".exchange")).to_have_count(0)


@pytest.mark.parametrize("fragment", ["#c-%", "#c-a/b", "#c-" + "x" * 65], ids=["half a byte", "a path", "too long"])
def test_an_address_that_names_no_conversation_shows_the_welcome_page(browser_page: OpenPage, fragment: str) -> None:
    page = browser_page()
    ask_and_wait(page, QUESTION)

    page.evaluate(f"window.location.hash = '{fragment}'")

    expect(page.get_by_role("heading", name="Bonjour")).to_be_visible()
    page.reload()
    ask_and_wait(page, OTHER_QUESTION)


def hold_history(page: Page) -> list[Route]:
    """Hold the requests for conversations that are opened from now on."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(HISTORY, hold)
    return held


def let_through(route: Route) -> None:
    try:
        route.continue_()
    except Error:  # the page has cancelled it
        return


def test_a_question_can_be_asked_after_a_conversation_that_does_not_come_was_left(browser_page: OpenPage) -> None:
    page = browser_page()
    ask_and_wait(page, QUESTION)
    page.get_by_role("link", name="Nouvelle conversation").click()
    hold_history(page)
    with page.expect_request(HISTORY):
        page.get_by_role("link", name=QUESTION).click()

    begin_another(page, OTHER_QUESTION)

    expect(page.locator(".bubble")).to_have_text([OTHER_QUESTION])


def test_a_question_is_not_asked_before_the_conversation_is_there(browser_page: OpenPage) -> None:
    page = browser_page()
    ask_and_wait(page, QUESTION)
    begin_another(page, OTHER_QUESTION)
    page.get_by_role("link", name="Nouvelle conversation").click()
    held = hold_history(page)

    for title in (QUESTION, OTHER_QUESTION):
        with page.expect_request(HISTORY):
            page.get_by_role("link", name=title).click()
    let_through(held[0])
    page.wait_for_timeout(500)
    ask(page, "Et combien de temps ?")

    expect(page.locator("#question")).to_have_value("Et combien de temps ?")
    let_through(held[1])
    expect(page.locator(".bubble")).to_have_text([OTHER_QUESTION])
    page.locator("#send").click()
    wait_for_answer(page)
    expect(page.locator(".bubble")).to_have_text([OTHER_QUESTION, "Et combien de temps ?"])


def test_conversations_are_found_and_renamed(browser_page: OpenPage) -> None:
    page = browser_page()
    ask_and_wait(page, QUESTION)
    begin_another(page, OTHER_QUESTION)
    titles, search = page.locator(".conversation-title"), page.get_by_label("Chercher dans vos conversations")
    expect(titles).to_have_count(2)

    page.get_by_role("button", name=f"Renommer « {OTHER_QUESTION} »").click()
    page.get_by_label("Nom de la conversation").fill("Léa et la PCH")
    page.keyboard.press("Enter")
    expect(titles.first).to_have_text("Léa et la PCH")
    search.fill("léa")
    expect(titles).to_have_text(["Léa et la PCH"])
    search.fill("introuvable")
    expect(page.get_by_text("Aucune conversation ne contient ces mots.").first).to_be_visible()
    search.press("Escape")
    expect(titles).to_have_text(["Léa et la PCH", QUESTION])
    page.get_by_role("button", name=f"Renommer « {QUESTION} »").click()
    expect(page.get_by_label("Nom de la conversation")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=f"Renommer « {QUESTION} »")).to_be_focused()


def test_an_edited_question_replaces_what_followed(browser_page: OpenPage, server: Server) -> None:
    page = browser_page(**PHONE)
    ask_and_wait(page, QUESTION)
    ask_and_wait(page, "Et combien de temps ?")
    edit, bubbles = page.get_by_role("button", name="Modifier la question"), page.locator(".bubble")

    edit.first.click()
    expect(page.locator(".edit-form textarea")).to_be_focused()
    page.keyboard.press("Escape")
    expect(edit.first).to_be_focused()
    edit.first.click()
    page.locator(".edit-form textarea").fill(OTHER_QUESTION)
    page.get_by_role("button", name="Envoyer", exact=True).click()

    wait_for_answer(page)
    expect(bubbles).to_have_text([OTHER_QUESTION])
    assert stored_texts()[0] == OTHER_QUESTION
    page.reload()
    expect(bubbles).to_have_text([OTHER_QUESTION])
    edit.first.click()  # the stored question has another id than the answer
    page.locator(".edit-form textarea").fill(QUESTION)
    page.get_by_role("button", name="Envoyer", exact=True).click()
    expect(bubbles).to_have_text([QUESTION])
    wait_for_answer(page)
    page.reload()
    expect(bubbles).to_have_text([QUESTION])


def test_an_answer_is_given_anew_in_its_place(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    ask_and_wait(page, QUESTION)
    ask_and_wait(page, "Et combien de temps ?")
    anew = page.get_by_role("button", name="Refaire la réponse")
    expect(anew).to_have_count(1)  # of the last answer alone
    calls = ai.calls

    ai.fail("slow", seconds=2)
    anew.click()

    expect(page.locator("#stop")).to_be_visible()
    wait_for_answer(page)
    assert ai.calls == calls + 1
    page.reload()
    expect(page.locator(".bubble")).to_have_text([QUESTION, "Et combien de temps ?"])


def test_an_answer_is_shared_and_printed_with_sources_date_and_address(browser_page: OpenPage) -> None:
    page = browser_page()
    page.evaluate("navigator.share = async (shared) => { window.shared = shared; }; window.print = () => {}")
    ask_and_wait(page, QUESTION)
    ask_and_wait(page, OTHER_QUESTION)
    origin = page.evaluate("window.location.origin")

    page.get_by_role("button", name="Partager la réponse").first.click()
    page.get_by_role("button", name="Imprimer la réponse").first.click()

    shared = page.evaluate("window.shared")
    assert shared["title"] == QUESTION
    assert shared["text"].startswith(QUESTION)
    assert re.search(r"\[1\] .+ – https://", shared["text"])
    assert re.search(rf"Réponse du \d.* 20\d\d, rédigée par une IA .* – {re.escape(origin)}$", shared["text"])
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator(".exchange:visible")).to_have_count(1)
    expect(page.locator(".imprint:visible")).to_contain_text(origin)
    expect(page.locator(".composer")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".exchange:visible")).to_have_count(2)


def test_a_reason_for_a_bad_rating_is_one_tap_away(browser_page: OpenPage, server: Server) -> None:
    page = browser_page(**PHONE)
    ask_and_wait(page, QUESTION)

    page.get_by_role("button", name="Cette réponse m’aide").click()
    expect(page.get_by_label("C’est faux ou dépassé")).to_be_hidden()
    page.get_by_role("button", name="Cette réponse ne m’aide pas").click()
    page.get_by_label("C’est faux ou dépassé").check()
    page.get_by_role("button", name="Envoyer", exact=True).click()

    expect(page.locator(".comment-form")).to_be_hidden()
    expect(page.locator(".action-status")).to_have_text("Merci")
    eventually(Message.objects.filter(rating="down", reason="wrong").exists)  # the first tap was thanked for, too


def test_a_text_that_is_too_long_is_offered_as_a_document(browser_page: OpenPage) -> None:
    page = browser_page(**PHONE)
    letter = "Rendez-vous le 3 juin 2027 à 9 h. " + "Madame, Monsieur, " * 250

    page.locator("#question").fill(letter)
    page.get_by_role("button", name="Le faire lire comme document").click()
    expect(page.get_by_label("ou coller son texte ici")).to_have_value(letter.strip())
    page.get_by_role("button", name="Lire le document").click()

    expect(page.locator(".facts")).to_contain_text("3 juin 2027")
    expect(page.locator("#question")).to_have_value("")
    expect(page.locator("#as-document")).to_be_hidden()


def wait_until_refreshed(page: Page) -> None:
    """Wait until the list no longer has the element `window.before`."""
    page.wait_for_function("() => !window.before.isConnected")


def begin_a_name_during_an_answer(page: Page, ai: StandIn) -> Locator:
    """The field, in which the conversation of QUESTION is named `Léa`, not yet entered."""
    ask_and_wait(page, QUESTION)
    ai.fail("slow", seconds=2)
    ask(page, OTHER_QUESTION)
    page.get_by_role("button", name=f"Renommer « {QUESTION} »").click()
    name = page.get_by_label("Nom de la conversation")
    name.fill("Léa")
    return name


def test_a_name_that_is_being_typed_stays_when_an_answer_ends(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    name = begin_a_name_during_an_answer(page, ai)

    wait_for_answer(page)
    page.wait_for_load_state("networkidle")

    expect(name).to_have_value("Léa")
    expect(name).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".conversation-title")).to_have_text(["Léa"])


def test_half_a_name_stays_when_the_person_has_turned_to_the_answer(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    name = begin_a_name_during_an_answer(page, ai)
    page.locator("#question").click()

    wait_for_answer(page)
    page.wait_for_load_state("networkidle")

    expect(name).to_have_value("Léa")


def test_the_focus_in_the_list_stays_when_an_answer_ends(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    ask_and_wait(page, QUESTION)
    ai.fail("slow", seconds=2)
    ask(page, OTHER_QUESTION)
    rename = page.get_by_role("button", name=f"Renommer « {QUESTION} »")
    rename.focus()
    rename.evaluate("(button) => (window.before = button)")

    wait_for_answer(page)
    wait_until_refreshed(page)

    expect(rename).to_be_focused()


def open_with_older(browser_page: OpenPage, server: Server) -> tuple[Page, list[str]]:
    """Open a page with four conversations, two of them older, and show all; then the older ones fail after "fail"."""
    events: list[str] = []

    def pages(route: Route) -> None:
        first = 0 if "before=" in route.request.url else 2
        if events and not first:
            route.abort()
            return
        items = [{"id": f"c{n}", "title": f"Nr. {n}", "updatedAt": "2026-01-01T00:00:00Z"} for n in (first + 1, first)]
        route.fulfill(json={"items": items, "next": "2" if first else None})

    page = browser_page(path=None)
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.route(re.compile("/api/chat/conversations"), pages)
    page.goto(server.url)
    # Two taps at once show them once.
    page.get_by_role("button", name="Voir les plus anciennes").evaluate("(more) => { more.click(); more.click(); }")
    page.wait_for_load_state("networkidle")
    expect(page.locator(".conversation-title")).to_have_text(ALL_TITLES)
    return page, events


ALL_TITLES = ["Nr. 3", "Nr. 2", "Nr. 1", "Nr. 0"]


def test_older_conversations_stay_shown_when_an_answer_ends(browser_page: OpenPage, server: Server) -> None:
    page, _ = open_with_older(browser_page, server)
    titles = page.locator(".conversation-title")
    titles.first.evaluate("(title) => (window.before = title)")

    ask_and_wait(page, QUESTION)
    wait_until_refreshed(page)

    expect(titles).to_have_text(ALL_TITLES)


def test_older_conversations_are_shown_once_when_a_refresh_fails(browser_page: OpenPage, server: Server) -> None:
    page, events = open_with_older(browser_page, server)
    events.append("fail")

    with page.expect_event("requestfailed", lambda request: "before=" in request.url):
        ask_and_wait(page, QUESTION)

    expect(page.get_by_role("button", name="Voir les plus anciennes")).to_be_hidden()
    expect(page.locator(".conversation-title")).to_have_text(ALL_TITLES)


def test_an_edited_question_says_why_it_is_not_sent(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    ask_and_wait(page, QUESTION)
    page.get_by_role("button", name="Modifier la question").click()
    field, send = page.locator(".edit-form textarea"), page.get_by_role("button", name="Envoyer", exact=True)
    message = "(field) => field.validationMessage"

    field.fill("a" * 4_003)
    send.click()
    assert "3" in field.evaluate(message)
    expect(field).to_be_focused()
    field.fill(OTHER_QUESTION)
    assert field.evaluate(message) == ""
    ai.fail("slow", seconds=2)
    ask(page, "Et combien de temps ?")
    send.click()
    assert field.evaluate(message)
    wait_for_answer(page)
    send.click()

    expect(page.locator(".bubble")).to_have_text([OTHER_QUESTION])


def test_a_question_is_edited_on_a_page_of_the_release_before(browser_page: OpenPage, server: Server) -> None:
    page = browser_page(path=None)
    page.route(server.url + "/", lambda route: serve_changed(route, ' name="send"', ""))
    page.goto(server.url + "/")
    ask_and_wait(page, QUESTION)

    page.get_by_role("button", name="Modifier la question").click()
    page.locator(".edit-form textarea").fill(OTHER_QUESTION)
    page.get_by_role("button", name="Envoyer", exact=True).click()

    expect(page.locator(".bubble")).to_have_text([OTHER_QUESTION])
