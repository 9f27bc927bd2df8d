"""Interrupted answers: each is completed, or the page says what is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page, Route, expect

from ai_service.control import StandIn
from chat.models import Message
from tests.e2e.conftest import PHONE
from tests.e2e.states import QUESTIONS, ask, fulfill_with_stream, hold, respond_with_error, wait_for_answer
from tests.support.polling import eventually
from tests.support.server import Server

OpenPage = Callable[..., Page]
QUESTION = QUESTIONS["fr"]

# What a browser does that refuses all cookies.
FORBIDDEN_STORAGE = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { get() { throw new DOMException("", "SecurityError"); } });"""

# Dictation is chosen; `window.hear` says what has been understood.
DICTATION = """localStorage.setItem("voice", "dictate");
window.SpeechRecognition = window.webkitSpeechRecognition = class {
  start() { window.hear = (transcript) => this.onresult({ results: [[{ transcript }]] }); }
  stop() { this.onend(); }
  abort() { this.onend(); }
};"""

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


def answer_of(page: Page) -> str:
    wait_for_answer(page)
    return page.locator(".answer").last.locator(".prose").inner_text()


def lose_connection(page: Page) -> None:
    """Ask, and lose the connection in the middle of the answer."""
    page.refusals_expected = True  # type: ignore[attr-defined]
    ask(page, QUESTION)
    expect(page.locator(".prose")).not_to_be_empty()
    page.context.set_offline(True)
    expect(page.locator(".notice")).to_contain_text("La connexion s’est coupée")


def ask_by_keyboard(page: Page, question: str) -> None:
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")


def test_a_cut_answer_keeps_its_text(browser_page: OpenPage, ai: StandIn) -> None:
    ai.fail("cut", after_tokens=5)
    page = browser_page()

    ask(page, QUESTION)

    expect(page.locator(".notice")).to_contain_text("La réponse s’est arrêtée avant la fin")
    assert answer_of(page)


def test_an_answer_can_be_stopped(browser_page: OpenPage, ai: StandIn) -> None:
    ai.pace(5)
    page = browser_page()
    ask(page, QUESTION)
    expect(page.locator(".prose")).not_to_be_empty()

    page.get_by_role("button", name="Arrêter la réponse").click()

    expect(page.locator(".notice")).to_contain_text("Vous avez arrêté la réponse")
    eventually(lambda: not ai.open_calls, 5)
    page.reload()
    expect(page.locator(".notice")).to_contain_text("Vous avez arrêté la réponse")


def ask_slowly(page: Page, ai: StandIn, question: str) -> None:
    """Ask, and wait until the AI is asked; its first word takes long."""
    ai.fail("slow", seconds=8)
    ask(page, question)
    eventually(lambda: ai.open_calls, 10)


def conversations_about(question: str) -> set[int]:
    return set(Message.objects.filter(text=question).values_list("conversation", flat=True))


def test_an_answer_can_be_stopped_before_its_first_word(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    question = "Comment arrêter une réponse avant son premier mot ?"
    ask_slowly(page, ai, question)

    page.get_by_role("button", name="Arrêter la réponse").click()

    expect(page.locator(".notice")).to_contain_text("Vous avez arrêté la réponse")
    eventually(lambda: not ai.open_calls, 5)
    eventually(Message.objects.filter(conversation__messages__text=question, status="stopped").exists)
    ai.heal()
    page.get_by_role("button", name="Reposer la question").click()
    wait_for_answer(page)
    page.reload()
    expect(page.locator(".bubble")).to_have_text([question])
    assert len(conversations_about(question)) == 1


def test_stop_waits_for_a_question_that_is_still_on_its_way(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    held = hold(page, "**/api/chat/stream")
    ai.fail("slow", seconds=8)
    with page.expect_request("**/api/chat/stream"):
        ask(page, "Comment arrêter une question en chemin ?")

    with page.expect_response("**/stop"):
        page.get_by_role("button", name="Arrêter la réponse").click()
    held[0].continue_()

    expect(page.locator(".notice")).to_contain_text("Vous avez arrêté la réponse")
    asked = Message.objects.filter(conversation__messages__text="Comment arrêter une question en chemin ?")
    eventually(asked.filter(status="stopped").exists, 4)


def lose_reply(route: Route) -> None:
    """The server gets the question, and the page nothing of its reply."""
    with suppress(Error):  # it takes too long
        route.fetch(timeout=2_000)
    route.abort()


def ask_in_vain(page: Page, question: str, fail: Callable[[Route], None] = lose_reply) -> None:
    """Ask, without a network for the reply; afterwards there is one again."""
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.route("**/api/chat/stream", fail)
    ask(page, question)
    expect(page.locator(".notice")).to_contain_text("Pas de connexion")
    page.unroute("**/api/chat/stream")


@pytest.mark.parametrize("seconds", [0, 8], ids=["answered", "being answered"])
def test_a_question_whose_reply_was_lost_is_asked_again_in_its_place(
    browser_page: OpenPage, ai: StandIn, seconds: int
) -> None:
    page = browser_page()
    ask(page, QUESTION)
    wait_for_answer(page)
    ai.fail("slow", seconds=seconds)
    ask_in_vain(page, f"Et si le réseau manque pendant {seconds} secondes ?")
    ai.heal()

    page.get_by_role("button", name="Réessayer").click()

    wait_for_answer(page)
    page.reload()
    expect(page.locator(".bubble")).to_have_text([QUESTION, f"Et si le réseau manque pendant {seconds} secondes ?"])


def test_what_another_tab_asked_meanwhile_outlives_a_question_that_is_asked_again(
    browser_page: OpenPage, ai: StandIn
) -> None:
    page = browser_page()
    ask(page, QUESTION)
    wait_for_answer(page)
    ask_in_vain(page, "Et si le réseau manque ?")
    another = page.context.new_page()
    another.goto(page.url)
    expect(another.locator(".bubble")).to_have_count(2)
    ask(another, "Et en Gironde ?")
    wait_for_answer(another)

    page.get_by_role("button", name="Réessayer").click()

    wait_for_answer(page)
    page.reload()
    expect(page.locator(".bubble")).to_have_text(
        [QUESTION, "Et si le réseau manque ?", "Et en Gironde ?", "Et si le réseau manque ?"]
    )


@pytest.mark.parametrize("text", [QUESTION, "Et en Gironde ?"], ids=["the same", "another"])
def test_a_first_question_whose_reply_was_lost_begins_one_conversation(
    browser_page: OpenPage, ai: StandIn, text: str
) -> None:
    page = browser_page()
    ask_in_vain(page, QUESTION)

    if text == QUESTION:
        page.get_by_role("button", name="Réessayer").click()
    else:
        ask(page, text)

    wait_for_answer(page)
    page.reload()
    expect(page.locator(".bubble")).to_have_text([QUESTION] if text == QUESTION else [QUESTION, text])
    expect(page.locator(".conversation")).to_have_count(1)


def test_a_question_that_was_never_sent_does_not_replace_the_same_one_before(browser_page: OpenPage) -> None:
    page = browser_page()
    ask(page, QUESTION)
    wait_for_answer(page)
    ask_in_vain(page, QUESTION, lambda route: route.abort())

    page.get_by_role("button", name="Réessayer").click()

    wait_for_answer(page)
    page.reload()
    expect(page.locator(".bubble")).to_have_text([QUESTION, QUESTION])


def test_a_reload_in_the_middle_resumes_the_answer(browser_page: OpenPage, ai: StandIn) -> None:
    ai.pace(20)
    page = browser_page()
    ask(page, QUESTION)
    expect(page.locator(".prose")).not_to_be_empty()

    page.reload()

    expect(page.locator("#stop")).to_be_visible()
    wait_for_answer(page)
    assert ai.calls_of("chat") == 1
    expect(page.locator(".answer")).to_have_count(1)


def test_after_a_lost_connection_the_text_stays_and_the_answer_resumes(browser_page: OpenPage, ai: StandIn) -> None:
    ai.pace(20)
    page = browser_page()
    page.refusals_expected = True  # type: ignore[attr-defined]
    ask(page, QUESTION)
    expect(page.locator(".prose")).not_to_be_empty()

    page.context.set_offline(True)
    expect(page.locator(".notice")).to_contain_text("La connexion s’est coupée")
    expect(page.locator(".prose")).not_to_be_empty()
    page.context.set_offline(False)

    expect(page.locator(".notice")).to_have_count(0)
    expect(page.locator("#stop")).to_be_visible()
    answer = answer_of(page)
    assert ai.calls_of("chat") == 1
    page.reload()
    assert answer_of(page) == answer


def test_a_question_written_while_a_lost_answer_resumes_is_asked_after_it(browser_page: OpenPage, ai: StandIn) -> None:
    ai.pace(20)
    page = browser_page()
    lose_connection(page)
    held = hold(page, "**/api/chat/*/stream")
    with page.expect_request("**/api/chat/*/stream"):
        page.context.set_offline(False)

    ask_by_keyboard(page, "Qui peut m’aider à remplir le dossier ?")
    held[0].continue_()

    assert "AESH" in answer_of(page)
    expect(page.locator(".bubble")).to_have_text([QUESTION])
    page.locator("#send").click()
    expect(page.locator(".bubble")).to_have_count(2)
    wait_for_answer(page)


def test_a_lost_answer_is_not_replaced_by_one_to_a_later_question(browser_page: OpenPage, ai: StandIn) -> None:
    page = browser_page()
    ai.pace(20)
    lose_connection(page)
    eventually(lambda: not ai.open_calls, 20)
    page.route("**/api/chat/*/stream", lambda route: fulfill_with_stream(route, "Une autre réponse."))

    page.context.set_offline(False)

    expect(page.locator(".notice")).to_have_count(0)
    assert "AESH" in answer_of(page)
    assert "Une autre réponse" not in answer_of(page)


def test_what_followed_a_stopped_answer_stays_when_its_question_is_asked_again(
    browser_page: OpenPage, ai: StandIn
) -> None:
    ai.pace(5)
    page = browser_page()
    ask(page, QUESTION)
    expect(page.locator(".prose")).not_to_be_empty()
    page.get_by_role("button", name="Arrêter la réponse").click()
    ai.pace(0)
    ask(page, "Qui peut m’aider à remplir le dossier ?")
    wait_for_answer(page)

    page.get_by_role("button", name="Reposer la question").click()

    expect(page.locator(".bubble")).to_have_count(3)
    wait_for_answer(page)
    page.reload()
    expect(page.locator(".bubble")).to_have_count(3)


def test_a_question_sent_offline_is_kept_and_can_be_sent_again(browser_page: OpenPage) -> None:
    page = browser_page()
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.locator("#question").focus()
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)

    ask(page, QUESTION)
    expect(page.locator(".notice")).to_contain_text("Pas de connexion")
    page.context.set_offline(False)
    page.get_by_role("button", name="Réessayer").click()

    assert "AESH" in answer_of(page)


def test_a_rate_limited_question_can_be_sent_again_after_the_retry_time(browser_page: OpenPage) -> None:
    page = browser_page()
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.route("**/api/chat/stream", lambda route: route.fulfill(status=429, headers={"Retry-After": "1"}))

    ask(page, QUESTION)

    expect(page.locator(".notice")).to_contain_text("Vous pouvez réessayer dans 1 seconde")
    expect(page.get_by_role("button", name="Réessayer")).to_be_enabled()
    page.unroute("**/api/chat/stream")
    page.get_by_role("button", name="Réessayer").click()
    wait_for_answer(page)


def test_a_second_tab_shows_the_same_answer_being_written(browser_page: OpenPage, ai: StandIn) -> None:
    ai.pace(20)
    page = browser_page()
    ask(page, QUESTION)
    expect(page.locator(".prose")).not_to_be_empty()

    second = page.context.new_page()
    second.goto(page.url)

    expect(second.locator("#stop")).to_be_visible()
    assert answer_of(second) == answer_of(page)
    expect(second.locator(".answer")).to_have_count(1)
    assert ai.calls_of("chat") == 1


@pytest.fixture
def own_server(ai: StandIn, server: Server) -> Iterator[Server]:
    """A server for tests that kill it."""
    instance = Server()
    yield instance
    instance.stop()


def test_after_a_server_crash_the_answer_keeps_its_text_and_says_that_it_is_incomplete(
    browser_page: OpenPage, own_server: Server, ai: StandIn
) -> None:
    ai.pace(8)
    page = browser_page(own_server.url)
    page.refusals_expected = True  # type: ignore[attr-defined]
    ask(page, QUESTION)
    expect(page.locator(".prose")).to_contain_text("Vous faites bien de poser")
    page.wait_for_timeout(1_500)  # text is published, and survives the crash, within a second

    own_server.process.kill()
    expect(page.locator(".notice")).to_contain_text("La connexion s’est coupée")
    own_server.process.start()

    interrupted = page.locator('[data-part="after"] .notice')
    expect(interrupted).to_contain_text("La réponse s’est arrêtée avant la fin", timeout=30_000)
    expect(interrupted).to_contain_text(re.compile(r"nous en parler\s*:\s*[0-9a-f]{8}\b"))
    assert answer_of(page).count("Vous faites bien de poser") == 1
    expect(page.locator(".exchange")).to_have_count(1)
    page.reload()
    expect(interrupted).to_contain_text("La réponse s’est arrêtée avant la fin")
    assert answer_of(page).count("Vous faites bien de poser") == 1


def test_an_error_shows_its_reference(browser_page: OpenPage) -> None:
    page = browser_page()
    respond_with_error(page, 500)

    ask(page, QUESTION)

    expect(page.locator(".notice .reference")).to_have_text("Référence pour nous en parler : 7c9e6679")


def test_a_warning_below_the_input_says_that_the_network_is_gone(browser_page: OpenPage) -> None:
    page = browser_page()
    page.wait_for_load_state("networkidle")

    page.context.set_offline(True)
    expect(page.locator("#remark")).to_contain_text("Pas de connexion pour le moment")
    page.context.set_offline(False)

    expect(page.locator("#remark")).to_be_hidden()


def test_an_unsent_question_survives_a_reload(browser_page: OpenPage) -> None:
    page = browser_page()
    page.locator("#question").fill("Ma question, à moitié")

    page.reload()

    expect(page.locator("#question")).to_have_value("Ma question, à moitié")


def test_a_question_sent_after_the_page_came_back_is_no_draft_any_more(browser_page: OpenPage) -> None:
    page = browser_page()
    page.locator("#question").fill(QUESTION)
    for name in ("pagehide", "pageshow"):  # into the back/forward cache, and back from it
        page.evaluate(f"window.dispatchEvent(new PageTransitionEvent('{name}', {{ persisted: true }}))")
    page.locator("#send").click()
    wait_for_answer(page)

    page.reload()

    expect(page.locator(".bubble")).to_have_text(QUESTION)
    expect(page.locator("#question")).to_have_value("")


def test_the_question_of_an_expired_page_is_kept_while_the_person_looks_elsewhere(browser_page: OpenPage) -> None:
    page = browser_page()
    respond_with_error(page, 403)
    ask(page, QUESTION)
    expect(page.locator(".notice")).to_be_visible()
    for name in ("pagehide", "pageshow"):
        page.evaluate(f"window.dispatchEvent(new PageTransitionEvent('{name}', {{ persisted: true }}))")

    page.reload()

    expect(page.locator("#question")).to_have_value(QUESTION)


def test_a_browser_that_forbids_storage_shows_answers_and_refusals(browser_page: OpenPage, server: Server) -> None:
    page = browser_page(path=None)
    page.add_init_script(FORBIDDEN_STORAGE)
    page.goto(server.url)
    respond_with_error(page, 403)
    ask(page, QUESTION)
    expect(page.locator(".notice")).to_be_visible()
    page.unroute("**/api/chat/stream")

    ask(page, QUESTION)

    assert "AESH" in answer_of(page)
    page.locator("#voice-button").click()
    page.get_by_role("checkbox").first.check()
    expect(page.locator("html")).to_have_attribute("data-voice", "read")


def test_a_dictated_question_does_not_come_back_after_it_was_sent(browser_page: OpenPage, server: Server) -> None:
    page = browser_page(path=None)
    page.add_init_script(DICTATION)
    page.goto(server.url)
    page.get_by_role("button", name="Dicter").click()
    page.evaluate(f"window.hear('{QUESTION}')")
    expect(page.locator("#question")).to_have_value(QUESTION)

    page.locator("#send").click()
    page.evaluate(f"window.hear('{QUESTION} euh')")

    wait_for_answer(page)
    expect(page.locator("#question")).to_have_value("")
    expect(page.locator("#dictate")).to_have_attribute("aria-pressed", "false")


def lose_script(page: Page, name: str) -> None:
    """The script does not come, and like in browsers before 2026 it doesn't come later either."""
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.route(f"**/{name}.js", lambda route: route.abort())


@pytest.mark.parametrize("script", ["answer", "stream"])
def test_a_question_is_not_sent_when_its_answer_cannot_be_shown_and_is_there_after_a_reload(
    browser_page: OpenPage, script: str
) -> None:
    page = browser_page()
    lose_script(page, script)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)

    ask(page, QUESTION)

    expect(page.locator(".notice")).to_contain_text("Il manque une partie de la page")
    assert posts == []
    page.unroute(f"**/{script}.js")
    page.get_by_role("button", name="Recharger la page").click()
    expect(page.locator("#question")).to_have_value(QUESTION)
    page.locator("#send").click()
    assert "AESH" in answer_of(page)


@pytest.mark.parametrize(
    ("script", "button"),
    [("edit", "Modifier la question"), ("speech", "Voix"), ("documents", "Faire lire un document")],
)
def test_a_button_whose_script_did_not_come_says_so(browser_page: OpenPage, script: str, button: str) -> None:
    page = browser_page()
    ask(page, QUESTION)
    wait_for_answer(page)
    lose_script(page, script)

    page.get_by_role("button", name=button).click()

    expect(page.locator("#remark")).to_contain_text("Il manque une partie de la page")
    expect(page.locator("#announcer")).to_contain_text("Il manque une partie de la page")


def test_a_list_of_conversations_whose_script_did_not_come_says_so(browser_page: OpenPage, server: Server) -> None:
    page = browser_page(path=None, **PHONE)
    lose_script(page, "conversations")
    page.goto(server.url)

    page.locator("#menu").click()

    expect(page.locator("#drawer #announcer")).to_contain_text("Il manque une partie de la page")
    page.keyboard.press("Escape")
    expect(page.locator("#remark")).to_contain_text("Il manque une partie de la page")


def test_without_a_network_no_script_is_loaded_before_it_is_needed(browser_page: OpenPage) -> None:
    page = browser_page()
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.locator("#question").focus()
    page.wait_for_timeout(500)

    assert asked == []


def hide(page: Page, *, hidden: bool) -> None:
    """What the browser tells when the person turns to another app, and back. The page may be killed meanwhile."""
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def draft_of(page: Page) -> str | None:
    draft: str | None = page.evaluate("sessionStorage.getItem('draft')")
    return draft


def test_what_is_written_is_kept_when_the_phone_ends_the_hidden_page(browser_page: OpenPage) -> None:
    page = browser_page(**PHONE)
    page.locator("#question").fill("Ma question, à moitié")

    hide(page, hidden=True)
    assert draft_of(page) == "Ma question, à moitié"
    hide(page, hidden=False)
    assert draft_of(page) is None


def test_a_question_that_was_not_sent_is_kept_when_the_phone_ends_the_hidden_page(browser_page: OpenPage) -> None:
    page = browser_page(**PHONE)
    ask_in_vain(page, QUESTION, lambda route: route.abort())

    hide(page, hidden=True)
    assert draft_of(page) == QUESTION
    hide(page, hidden=False)
    page.get_by_role("button", name="Réessayer").click()
    wait_for_answer(page)

    hide(page, hidden=True)
    assert draft_of(page) is None


def test_a_question_that_waits_for_a_script_is_kept_until_it_is_sent(browser_page: OpenPage) -> None:
    page = browser_page()
    held = hold(page, "**/stream.js")
    ask(page, QUESTION)
    eventually(lambda: draft_of(page) == QUESTION)
    page.reload()
    expect(page.locator("#question")).to_have_value(QUESTION)

    held.clear()
    page.locator("#send").click()
    eventually(lambda: held and draft_of(page) == QUESTION)
    for route in held:
        route.continue_()

    wait_for_answer(page)
    hide(page, hidden=True)
    assert draft_of(page) is None


def test_what_is_written_meanwhile_stays_a_draft_when_the_question_before_it_is_sent(browser_page: OpenPage) -> None:
    page = browser_page(**PHONE)
    held = hold(page, "**/stream.js")
    ask(page, QUESTION)
    eventually(lambda: held and draft_of(page) == QUESTION)
    page.locator("#question").fill("Et pour la PCH ?")
    hide(page, hidden=True)

    for route in held:
        route.continue_()
    wait_for_answer(page)

    assert draft_of(page) == "Et pour la PCH ?"


def test_all_that_an_answer_needs_is_there_before_the_question_is_sent(browser_page: OpenPage) -> None:
    page = browser_page()
    page.locator("#question").focus()
    page.wait_for_load_state("networkidle")
    lose_script(page, "answer")
    lose_script(page, "stream")

    ask(page, QUESTION)

    assert "AESH" in answer_of(page)


def test_a_question_that_is_stored_is_no_draft_when_its_new_answer_fails(browser_page: OpenPage) -> None:
    page = browser_page()
    ask(page, QUESTION)
    wait_for_answer(page)
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.route("**/api/chat/stream", lambda route: route.abort())

    page.get_by_role("button", name="Refaire la réponse").click()

    expect(page.locator(".notice")).to_contain_text("Pas de connexion")
    hide(page, hidden=True)
    assert draft_of(page) is None


def test_an_edited_question_is_a_draft_when_its_answer_fails(browser_page: OpenPage) -> None:
    page = browser_page()
    ask(page, QUESTION)
    wait_for_answer(page)
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.route("**/api/chat/stream", lambda route: route.abort())

    page.get_by_role("button", name="Modifier la question").click()
    page.locator(".edit-form textarea").fill("Et pour la PCH ?")
    page.get_by_role("button", name="Envoyer", exact=True).click()

    expect(page.locator(".notice")).to_contain_text("Pas de connexion")
    hide(page, hidden=True)
    assert draft_of(page) == "Et pour la PCH ?"


def test_a_question_that_was_not_sent_is_left_with_its_conversation(browser_page: OpenPage) -> None:
    page = browser_page()
    ask_in_vain(page, QUESTION, lambda route: route.abort())

    page.get_by_role("link", name="Nouvelle conversation").click()
    expect(page.locator(".exchange")).to_have_count(0)
    page.reload()

    expect(page.locator("#question")).to_have_value("")


def open_with_clock(browser_page: OpenPage, server: Server, path: str = "/") -> Page:
    page = browser_page(path=None)
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.clock.install()
    page.goto(server.url + path)
    return page


def test_a_question_without_any_reply_can_be_asked_again(browser_page: OpenPage, server: Server) -> None:
    page = open_with_clock(browser_page, server)
    hold(page, "**/api/chat/stream")
    with page.expect_request("**/api/chat/stream"):
        ask(page, QUESTION)

    with page.expect_event("requestfailed", lambda request: request.url.endswith("/stream")):
        page.clock.run_for(30_000)  # the first must not arrive later

    expect(page.locator(".notice")).to_contain_text("Pas de connexion")
    page.unroute("**/api/chat/stream")
    page.get_by_role("button", name="Réessayer").click()
    wait_for_answer(page)


def test_a_question_without_any_reply_is_ended_when_its_conversation_is_left(browser_page: OpenPage) -> None:
    page = browser_page()
    page.refusals_expected = True  # type: ignore[attr-defined]
    hold(page, "**/api/chat/stream")
    with page.expect_request("**/api/chat/stream"):
        ask(page, QUESTION)

    with page.expect_event("requestfailed", lambda request: request.url.endswith("/stream")):
        page.get_by_role("link", name="Nouvelle conversation").click()

    expect(page.locator(".exchange")).to_have_count(0)


def test_a_conversation_that_does_not_come_can_be_opened_again(browser_page: OpenPage, server: Server) -> None:
    page = open_with_clock(browser_page, server)
    ask(page, QUESTION)
    wait_for_answer(page)
    page.get_by_role("link", name="Nouvelle conversation").click()
    hold(page, "**/api/chat/history?*")
    with page.expect_request("**/api/chat/history?*"):
        page.get_by_role("link", name=QUESTION).click()

    page.clock.run_for(30_000)

    expect(page.locator("#exchanges .notice")).to_contain_text("Pas de connexion")
    page.unroute("**/api/chat/history?*")
    page.get_by_role("button", name="Réessayer").click()
    expect(page.locator(".bubble")).to_have_text(QUESTION)


def test_an_answer_may_take_longer_than_the_wait_for_its_beginning(
    browser_page: OpenPage, server: Server, ai: StandIn
) -> None:
    ai.fail("slow", seconds=4)
    page = open_with_clock(browser_page, server)
    with page.expect_response("**/api/chat/stream"):
        ask(page, QUESTION)

    page.clock.run_for(30_000)

    wait_for_answer(page)
    expect(page.locator(".notice")).to_have_count(0)


def test_stop_names_the_answer_that_it_stops(browser_page: OpenPage, ai: StandIn) -> None:
    ai.pace(5)
    page = browser_page()
    ask(page, QUESTION)
    expect(page.locator(".prose")).not_to_be_empty()

    with page.expect_request("**/stop") as stopped:
        page.get_by_role("button", name="Arrêter la réponse").click()

    expect(page.locator(".notice")).to_contain_text("Vous avez arrêté la réponse")
    named = stopped.value.post_data_json or {}
    assert Message.objects.filter(public_id=named["messageId"], status="stopped").exists()
