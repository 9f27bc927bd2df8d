"""What comes between a person and the end of an answer: each ends with all of it or says honestly what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from ai_service.control import StandIn
from tests.e2e.states import QUESTIONS, ask, refuse, wait_for_answer
from tests.server import Server
from tests.waiting import eventually

OpenPage = Callable[..., Page]
QUESTION = QUESTIONS["fr"]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


def answer_of(page: Page) -> str:
    wait_for_answer(page)
    return page.locator(".answer").last.locator(".prose").inner_text()


def test_an_answer_cut_in_the_middle_keeps_what_was_said(browser_page: OpenPage, ai: StandIn) -> None:
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


def test_a_lost_connection_keeps_the_words_and_resumes_when_the_network_is_back(
    browser_page: OpenPage, ai: StandIn
) -> None:
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
    said = answer_of(page)
    assert ai.calls_of("chat") == 1
    page.reload()
    assert answer_of(page) == said


def test_offline_the_question_is_kept_and_can_be_sent_again(browser_page: OpenPage) -> None:
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


def test_too_many_questions_are_asked_to_wait_kindly(browser_page: OpenPage) -> None:
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
    """One that may be killed."""
    instance = Server()
    yield instance
    instance.stop()


def test_a_server_that_dies_in_the_middle_costs_the_rest_of_the_answer_and_says_so(
    browser_page: OpenPage, own_server: Server, ai: StandIn
) -> None:
    ai.pace(8)
    page = browser_page(own_server.url)
    page.refusals_expected = True  # type: ignore[attr-defined]
    ask(page, QUESTION)
    expect(page.locator(".prose")).to_contain_text("C'est faisable")
    page.wait_for_timeout(1_000)  # what has been said survives its server half a second later

    own_server.process.kill()
    expect(page.locator(".notice")).to_contain_text("La connexion s’est coupée")
    own_server.process.start()

    interrupted = page.locator('[data-part="after"] .notice')
    expect(interrupted).to_contain_text("La réponse s’est arrêtée avant la fin", timeout=30_000)
    expect(interrupted).to_contain_text("req-")
    assert answer_of(page).count("C'est faisable") == 1
    expect(page.locator(".exchange")).to_have_count(1)
    page.reload()
    expect(interrupted).to_contain_text("La réponse s’est arrêtée avant la fin")
    assert answer_of(page).count("C'est faisable") == 1


def test_what_went_wrong_can_be_quoted(browser_page: OpenPage) -> None:
    page = browser_page()
    refuse(page, 500)

    ask(page, QUESTION)

    expect(page.locator(".notice .reference")).to_have_text(
        "Référence pour nous en parler : req-7c9e6679-7425-40de-944b-e07fc1f90ae7"
    )


def test_without_network_the_page_says_so_where_one_writes(browser_page: OpenPage) -> None:
    page = browser_page()
    page.wait_for_load_state("networkidle")

    page.context.set_offline(True)
    expect(page.locator("#remark")).to_contain_text("Pas de connexion pour le moment")
    page.context.set_offline(False)

    expect(page.locator("#remark")).to_be_hidden()


def test_what_is_being_written_outlives_a_reload(browser_page: OpenPage) -> None:
    page = browser_page()
    page.locator("#question").fill("Ma question, à moitié")

    page.reload()

    expect(page.locator("#question")).to_have_value("Ma question, à moitié")
