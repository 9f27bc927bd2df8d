"""Documents on the page: what can be done with their analysis, and in which conversation they are kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect

from ai_service.control import StandIn
from tests.e2e.states import LETTER, QUESTIONS, ask, fulfill_with_stream, serve_changed, wait_for_answer
from tests.support.server import Server

OpenPage = Callable[..., Page]

READ_A_DOCUMENT = "**/api/chat/analyze-document"
ASK = "**/api/chat/stream"
DRAWING_FAILS_ONCE = """() => {
  const { cancelAnimationFrame } = window;
  window.cancelAnimationFrame = () => {
    window.cancelAnimationFrame = cancelAnimationFrame;
    throw new Error("cannot be drawn");
  };
}"""

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


def send_letter(page: Page, name: str = "lettre.txt", *, keep: bool = False) -> None:
    page.get_by_role("button", name="Faire lire un document").click()
    expect(page.locator("#document")).to_be_visible()
    letter = {"name": name, "mimeType": "text/plain", "buffer": LETTER.encode()}
    page.locator("#document input[type=file]").set_input_files(letter)  # type: ignore[arg-type]
    page.locator('#document input[name="keep"]').set_checked(keep)
    page.get_by_role("button", name="Lire le document").click()


def test_the_analysis_of_a_document_is_not_given_anew_or_rated(browser_page: OpenPage) -> None:
    page = browser_page()

    send_letter(page)
    expect(page.locator(".facts")).to_be_visible()
    wait_for_answer(page)

    expect(page.get_by_role("button", name="Imprimer la réponse")).to_be_visible()
    expect(page.get_by_role("button", name="Refaire la réponse")).to_be_hidden()
    expect(page.get_by_role("button", name="Cette réponse m’aide")).to_be_hidden()


def test_the_analysis_of_a_kept_document_is_rated_but_not_given_anew(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()

    send_letter(page, keep=True)
    expect(page.locator(".facts")).to_be_visible()
    wait_for_answer(page)
    assert_can_be_rated_only(page)
    page.reload()
    wait_for_answer(page)

    assert_can_be_rated_only(page)


def assert_can_be_rated_only(page: Page) -> None:
    expect(page.get_by_role("button", name="Cette réponse m’aide")).to_be_visible()
    expect(page.get_by_role("button", name="Refaire la réponse")).to_be_hidden()


def test_a_document_stays_out_of_the_conversation_that_is_begun_after_it(browser_page: OpenPage, ai: StandIn) -> None:
    ai.fail("slow", seconds=2, operation="analyze")
    page = browser_page()
    send_letter(page, keep=True)
    expect(page.locator(".progress")).to_be_visible()

    page.get_by_role("link", name="Nouvelle conversation").click()
    page.wait_for_timeout(3_000)

    assert "#c-" not in page.url
    expect(page.locator(".exchange")).to_have_count(0)
    ask(page, QUESTIONS["fr"])
    wait_for_answer(page)
    page.reload()
    expect(page.locator(".bubble")).to_have_text([QUESTIONS["fr"]])
    expect(page.locator(".conversation-title")).to_have_text([QUESTIONS["fr"]])


def test_a_question_asked_while_a_document_is_read_follows_it(browser_page: OpenPage, ai: StandIn) -> None:
    ai.fail("slow", seconds=2, operation="analyze")
    page = browser_page()
    send_letter(page, keep=True)
    expect(page.locator(".progress")).to_be_visible()

    ask(page, "Et si je ne suis pas d’accord ?")
    expect(page.locator("#stop")).to_be_visible()

    wait_for_answer(page)
    page.reload()
    expect(page.locator(".bubble")).to_have_text(["Document : lettre.txt", "Et si je ne suis pas d’accord ?"])


def test_a_question_that_waits_for_a_document_can_be_stopped(browser_page: OpenPage, ai: StandIn) -> None:
    ai.fail("slow", seconds=60, operation="analyze")
    page = browser_page()
    send_letter(page, keep=True)
    ask(page, "Et si je ne suis pas d’accord ?")

    page.locator("#stop").click()

    expect(page.locator(".notice")).to_contain_text("Vous avez arrêté la réponse")


def test_a_stopped_question_is_not_sent_when_its_document_ends(browser_page: OpenPage, ai: StandIn) -> None:
    ai.fail("slow", seconds=60, operation="analyze")
    page = browser_page()
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))  # noqa: PLW0108 - as in `hold`
    send_letter(page, keep=True)
    expect(page.locator(".facts")).to_be_visible()
    ask(page, "Et si je ne suis pas d’accord ?")

    page.keyboard.press("Escape")  # stops the question and the reading

    expect(page.locator(".notice")).to_have_count(2)
    expect(page.locator("#send")).to_be_visible()
    posts = [request.url for request in requests if request.method == "POST"]
    assert [url.rpartition("/")[2] for url in posts] == ["analyze-document"]


def test_two_letters_sent_at_once_are_kept_in_one_conversation(browser_page: OpenPage) -> None:
    page = browser_page()
    release = hold(page, READ_A_DOCUMENT)
    send_letter(page, "un.txt", keep=True)
    send_letter(page, "deux.txt", keep=True)
    expect(page.locator(".progress")).to_have_count(2)

    release()

    wait_for_kept_answers(page, 2)
    page.reload()
    expect(page.locator(".bubble")).to_have_text(["Document : un.txt", "Document : deux.txt"])


def test_a_letter_follows_the_question_that_begins_its_conversation(browser_page: OpenPage) -> None:
    page = browser_page()
    release = hold(page, ASK)
    ask(page, QUESTIONS["fr"])
    send_letter(page, keep=True)
    expect(page.locator(".progress")).to_be_visible()

    release()

    wait_for_kept_answers(page, 2)
    page.reload()
    expect(page.locator(".bubble")).to_have_text([QUESTIONS["fr"], "Document : lettre.txt"])


def test_a_letter_that_waits_can_be_cancelled_and_the_next_question_follows_the_other(browser_page: OpenPage) -> None:
    page = browser_page()
    release = hold(page, READ_A_DOCUMENT)
    send_letter(page, "un.txt", keep=True)
    send_letter(page, "deux.txt", keep=True)

    page.locator(".progress button").last.click()
    expect(page.locator(".notice")).to_contain_text("Vous avez arrêté la réponse")
    ask(page, "Et si je ne suis pas d’accord ?")
    release()

    wait_for_kept_answers(page, 2)
    page.reload()
    expect(page.locator(".bubble")).to_have_text(["Document : un.txt", "Et si je ne suis pas d’accord ?"])


def test_a_document_that_cannot_be_drawn_does_not_keep_questions_from_being_sent(browser_page: OpenPage) -> None:
    page = browser_page()
    stream = 'data: {"type": "start", "messageId": "m"}\n\ndata: [DONE]\n\n'
    page.route(READ_A_DOCUMENT, lambda route: route.fulfill(content_type="text/event-stream", body=stream))
    page.evaluate(DRAWING_FAILS_ONCE)
    with page.expect_response(READ_A_DOCUMENT):
        send_letter(page, keep=True)
    expect(page.locator(".progress")).to_have_count(0)

    ask(page, QUESTIONS["fr"])

    wait_for_answer(page)


def test_a_pasted_text_stays_when_the_dialog_is_left_and_goes_when_it_is_sent(browser_page: OpenPage) -> None:
    page = browser_page()
    opener, pasted = page.get_by_role("button", name="Faire lire un document"), page.locator("[name=pasted]")
    opener.click()
    pasted.fill(LETTER)
    page.keyboard.press("Escape")

    opener.click()
    expect(pasted).to_have_value(LETTER)
    page.get_by_role("button", name="Lire le document").click()

    expect(page.locator(".facts")).to_be_visible()
    opener.click()
    expect(pasted).to_have_value("")


LONG_LETTER = ("Rendez-vous le 3 juin 2027 à 9 h. " + "Madame, Monsieur, " * 250).strip()
CHOOSE_A_LARGE_FILE = """(input) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(11 * 1024 * 1024)], "scan.pdf"));
  input.files = transfer.files;
}"""


def offer_as_document(page: Page, letter: str) -> None:
    page.locator("#question").fill(letter)
    page.get_by_role("button", name="Le faire lire comme document").click()
    expect(page.locator("[name=pasted]")).to_have_value(letter)


def choose_file(page: Page, text: str) -> None:
    letter = {"name": "lettre.txt", "mimeType": "text/plain", "buffer": text.encode()}
    page.locator("#document input[type=file]").set_input_files(letter)  # type: ignore[arg-type]


def test_a_long_text_is_read_in_place_of_a_file_that_was_given_up(browser_page: OpenPage) -> None:
    page = browser_page()
    page.get_by_role("button", name="Faire lire un document").click()
    expect(page.locator("#document")).to_be_visible()
    choose_file(page, "Rien du tout.")
    page.keyboard.press("Escape")

    offer_as_document(page, LONG_LETTER)
    page.get_by_role("button", name="Lire le document").click()

    expect(page.locator(".facts")).to_contain_text("3 juin 2027")
    expect(page.locator("#question")).to_have_value("")


def test_a_long_text_stays_in_the_composer_when_nothing_is_sent(browser_page: OpenPage) -> None:
    page = browser_page()
    offer_as_document(page, LONG_LETTER)
    page.locator("#document input[type=file]").evaluate(CHOOSE_A_LARGE_FILE)

    page.get_by_role("button", name="Lire le document").click()

    expect(page.locator('#document [data-part="error"]')).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator("#question")).to_have_value(LONG_LETTER)
    expect(page.locator("#as-document")).to_be_visible()


def test_a_long_text_stays_in_the_composer_when_a_file_is_sent_instead(browser_page: OpenPage) -> None:
    page = browser_page()
    offer_as_document(page, LONG_LETTER)
    choose_file(page, LETTER)

    page.get_by_role("button", name="Lire le document").click()

    expect(page.locator(".facts")).to_contain_text("15 mai 2027")
    expect(page.locator("#question")).to_have_value(LONG_LETTER)


def test_a_page_of_the_release_before_shows_the_facts_of_a_document(browser_page: OpenPage, server: Server) -> None:
    dates = [
        {"kind": "deadline", "iso": "2027-06-03", "text": "deux mois", "basis": "2027-04-03", "certain": False},
        {"kind": "letter", "iso": "2027-04-03", "text": "3 avril 2027", "basis": None},
    ]
    facts = {"type": "data-facts", "data": {"dates": dates, "amounts": [], "references": [], "sender": None}}
    page = browser_page(path=None)
    page.route(server.url + "/", lambda route: serve_changed(route, '"mayEndLater"', '"unknown"'))
    page.goto(server.url + "/")
    page.route(READ_A_DOCUMENT, lambda route: fulfill_with_stream(route, "Voici.", facts))

    send_letter(page)

    expect(page.locator(".facts")).to_contain_text("3 juin 2027 (deux mois)")
    expect(page.locator(".prose")).to_contain_text("Voici.")


def test_an_upload_that_does_not_go_on_can_be_tried_again(browser_page: OpenPage, server: Server) -> None:
    page = browser_page(path=None)
    page.clock.install()
    page.goto(server.url)
    hold(page, READ_A_DOCUMENT)
    with page.expect_request(READ_A_DOCUMENT):
        send_letter(page)

    page.clock.run_for(50_000)

    expect(page.locator(".notice")).to_contain_text("Pas de connexion")
    page.unroute(READ_A_DOCUMENT)
    page.get_by_role("button", name="Réessayer").click()
    expect(page.locator(".facts")).to_be_visible()


def hold(page: Page, url: str) -> Callable[[], None]:
    """Hold requests to this URL until the function that is returned is called."""
    held: list[Route] = []
    page.route(url, lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no method of a list

    def release() -> None:
        page.route(url, lambda route: route.continue_())  # the newest handler comes first
        for route in held:
            route.continue_()

    return release


def wait_for_kept_answers(page: Page, count: int) -> None:
    expect(page.get_by_role("button", name="Cette réponse m’aide")).to_have_count(count)
