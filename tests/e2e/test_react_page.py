"""A React page of another origin with the AI SDK's `useChat`, in its current major version and the two before."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from ai_service.control import StandIn
from tests.e2e import other_origin
from tests.e2e.states import LETTER
from tests.support.polling import eventually
from tests.support.requirements import skip_or_fail
from tests.support.server import Server
from tests.support.services import ROOT

CLIENTS = ROOT / "tests" / "clients"
VERSIONS = ["v5", "v6", "v7"]
OpenPage = Callable[[], Page]

pytestmark = [
    pytest.mark.usefixtures("_close_connection", "db"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Playwright's pipes, at the end of the process
]


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The site with the React page: built with each version, at `/v5`, `/v6` and `/v7`."""
    files = {"/favicon.ico": b""}
    for version in VERSIONS:
        files[f"/{version}"] = f'<!doctype html><body><script type="module" src="/{version}.js"></script>'.encode()
        files[f"/{version}.js"] = bundle(version)
    with other_origin.serve(files) as address:
        yield address


def bundle(version: str) -> bytes:
    """The page as one script, of React's development build, in strict mode."""
    if shutil.which("node") is None or not (CLIENTS / "node_modules").exists():
        skip_or_fail("node or the JavaScript clients are not installed: make test does it, with Debian's npm")
    options = ["--bundle", "--format=esm", "--jsx=automatic", '--define:process.env.NODE_ENV="development"']
    versions = [f"--alias:ai=ai-{version}", f"--alias:@ai-sdk/react=react-{version}"]
    command = ["node_modules/.bin/esbuild", "react_page.jsx", *options, *versions]
    return subprocess.run(command, cwd=CLIENTS, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def instance(origin: str, django_db_setup: None, django_db_blocker: object) -> Iterator[Server]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        running = Server(CORS_ALLOWED_ORIGINS=origin, CORS_ALLOW_CREDENTIALS="1")
    yield running
    running.stop()


@pytest.fixture(params=VERSIONS)
def open_page(
    request: pytest.FixtureRequest, browser: Browser, instance: Server, origin: str, ai: StandIn
) -> Iterator[OpenPage]:
    """Open the page as a new visitor, in a new conversation; each call opens the same one again."""
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    page.set_default_timeout(15_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    address = f"{origin}/{request.param}?base={instance.url}&id=chosen-{uuid.uuid4()}"

    def open_it() -> Page:
        page.goto(address)
        expect(page.get_by_role("status")).to_be_visible()
        return page

    yield open_it
    context.close()
    assert faults == []
    eventually(lambda: not ai.open_calls, every=0.1)


def ask(page: Page, question: str) -> None:
    page.get_by_label("Question").fill(question)
    page.get_by_role("button", name="Send").click()


def file(name: str, media_type: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": content}


def wait_until_ready(page: Page) -> None:
    expect(page.locator("article.assistant p").last).not_to_be_empty()
    expect(page.get_by_role("status")).to_have_text("ready")


def shown(page: Page) -> list[str]:
    """The ids and texts of all messages."""
    messages: list[str] = page.locator("article").evaluate_all(
        "(all) => all.map(({ id, innerText }) => id + innerText)"
    )
    return messages


def test_it_shows_an_answer_with_its_sources_and_finds_both_again(open_page: OpenPage, ai: StandIn) -> None:
    page = open_page()

    ask(page, "Comment demander l'AEEH pour mon enfant ?")
    wait_until_ready(page)

    expect(page.locator("article.assistant")).to_contain_text("AEEH")
    expect(page.locator("article.assistant a").first).to_have_attribute("href", re.compile("^https://"))
    before = shown(page)
    assert shown(open_page()) == before
    assert ai.calls == 1


def test_its_stop_ends_the_answer_here_and_at_the_ai(open_page: OpenPage, ai: StandIn) -> None:
    page = open_page()
    ai.pace(20)
    ask(page, "Comment trouver du répit ?")
    expect(page.locator("article.assistant p")).not_to_be_empty()

    page.get_by_role("button", name="Stop").click()

    wait_until_ready(page)
    eventually(lambda: not ai.open_calls, every=0.1)
    open_page()
    expect(page.locator("article.assistant")).to_have_attribute("data-ending", "stopped")
    expect(page.locator("article")).to_have_count(2)


def test_it_puts_a_new_answer_in_place_of_the_last(open_page: OpenPage, ai: StandIn) -> None:
    page = open_page()
    ask(page, "Qu'est-ce que l'AAH ?")
    wait_until_ready(page)
    first, calls = page.locator("article.assistant").get_attribute("id"), ai.calls

    page.get_by_role("button", name="Regenerate").click()

    expect(page.locator(f"[id='{first}']")).to_have_count(0)
    wait_until_ready(page)
    expect(page.locator("article")).to_have_count(2)
    assert ai.calls == calls + 1
    before = shown(page)
    assert shown(open_page()) == before


def test_it_resumes_an_answer_after_a_reload_and_shows_it_once(open_page: OpenPage, ai: StandIn) -> None:
    page = open_page()
    ai.pace(20)
    ask(page, "Comment préparer le dossier MDPH de mon fils ?")
    expect(page.locator("article.assistant p")).not_to_be_empty()
    answer = page.locator("article.assistant").get_attribute("id")

    open_page()

    expect(page.locator(f"[id='{answer}'] p")).not_to_be_empty()
    wait_until_ready(page)
    expect(page.locator("article.assistant")).to_have_attribute("data-ending", "stop")
    resumed = shown(page)
    assert shown(open_page()) == resumed
    assert ai.calls == 1


def test_it_has_a_file_read_as_a_document(open_page: OpenPage, ai: StandIn) -> None:
    page = open_page()

    page.get_by_label("File").set_input_files(file("lettre.txt", "text/plain", LETTER.encode()))
    page.get_by_role("button", name="Send").click()

    wait_until_ready(page)
    assert ai.calls_of("analyze") == 1


def test_a_large_file_is_sent_once_and_the_conversation_goes_on(open_page: OpenPage, ai: StandIn) -> None:
    page = open_page()
    letter = file("lettre.txt", "text/plain", LETTER.encode() + b"\n" * 350_000)  # two do not fit into a request
    for _ in range(2):
        page.get_by_label("File").set_input_files(letter)
        page.get_by_role("button", name="Send").click()
        wait_until_ready(page)
    ask(page, "Qu'est-ce que la PCH ?")

    wait_until_ready(page)

    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("article.assistant")).to_have_count(3)


def test_it_shows_a_lost_network_in_words(open_page: OpenPage) -> None:
    page = open_page()
    page.wait_for_function(RESUMED)
    page.route("**/api/chat/stream", lambda route: route.abort())

    ask(page, "Qu'est-ce que la PCH ?")

    expect(page.get_by_role("alert")).not_to_be_empty()


RESUMED = "performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/stream'))"


def test_it_shows_an_error_in_words_and_goes_on(open_page: OpenPage, ai: StandIn) -> None:
    page = open_page()
    page.wait_for_function(RESUMED)  # the end of resuming would take an earlier error away

    page.get_by_label("File").set_input_files(file("film.mp4", "video/mp4", b"\0\0\0\x20ftypisom" + bytes(64)))
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("alert")).to_contain_text("fichier")
    ask(page, "Qu'est-ce que la PCH ?")
    wait_until_ready(page)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_it_shows_an_outage_as_an_answer_with_a_notice(open_page: OpenPage, ai: StandIn) -> None:
    page = open_page()
    ai.fail("error", status=400)

    ask(page, "Qu'est-ce que le GEVA-Sco ?")

    wait_until_ready(page)
    expect(page.locator("article.assistant strong")).not_to_be_empty()
    expect(page.get_by_role("alert")).to_have_count(0)
