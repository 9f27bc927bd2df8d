"""All states of the page with the steps to reach them, in either language, for tests of all states."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from django.template.loader import render_to_string
from django.utils import translation
from playwright.sync_api import Page, Route, expect

from ai_service.control import StandIn

QUESTIONS = {"fr": "Comment obtenir un AESH pour mon enfant ?", "en": "How do I get an AESH for my child?"}
TABLE = """Voici ce qui change selon l'aide :

| Aide | À qui la demander | Délai |
| --- | --- | --- |
| **AEEH** | [MDPH](https://www.monparcourshandicap.gouv.fr/) | 4 mois |
| **PCH** | MDPH | 4 mois |

> Gardez une copie de tout ce que vous envoyez.

1. Demandez le dossier.
2. Joignez le certificat médical (`cerfa 15695*01`)."""
ARABIC = """يمكنكم طلب **AEEH** لدى MDPH في محافظتكم [1].

- املأوا الاستمارة `cerfa 15692*01`.
- أرفقوا شهادة طبية عمرها أقل من سنة.

الرد يصل عادة خلال 4 أشهر."""
LETTER = """MDPH de la Gironde. Dossier n° 123456. Notification de décision.
La commission du 3 mars 2027 vous accorde l'AEEH, 149,26 € par mois, à compter du 1er avril 2027.
Vous pouvez contester cette décision avant le 15 mai 2027. Rendez-vous le 3 juin 2027 à 9 h."""

State = Callable[[Page, StandIn], None]


def ask(page: Page, question: str) -> None:
    page.locator("#question").fill(question)
    page.locator("#send").click()


def ask_usual(page: Page) -> None:
    ask(page, QUESTIONS[page.locator("html").get_attribute("lang") or "fr"])


def wait_for_answer(page: Page) -> None:
    expect(page.locator("#send")).to_be_visible()
    expect(page.locator(".answer").last.locator(".prose")).not_to_be_empty()


def respond_with_error(page: Page, status: int, **headers: str) -> None:
    """Answer the next questions with this status."""
    page.refusals_expected = True  # type: ignore[attr-defined]
    all_headers = {"X-Correlation-ID": "req-7c9e6679-7425-40de-944b-e07fc1f90ae7", **headers}
    page.route("**/api/chat/stream", lambda route: route.fulfill(status=status, headers=all_headers))


def hold(page: Page, address: str) -> list[Route]:
    """Hold all requests to an address; the list gets them, to continue them later."""
    held: list[Route] = []

    def add(route: Route) -> None:
        held.append(route)

    page.route(address, add)
    return held


def fulfill_with_stream(route: Route, text: str, *parts: Mapping[str, object]) -> None:
    """Answer instead of the server: a stream with this text and then these parts."""
    start = {"type": "start", "messageId": "m", "messageMetadata": {"correlationId": "req-1"}}
    stream = [start, {"type": "text-delta", "id": "t", "delta": text}, *parts]
    frames = "".join(f"data: {json.dumps(part)}\n\n" for part in stream)
    route.fulfill(content_type="text/event-stream", body=f"{frames}data: [DONE]\n\n")


def serve_changed(route: Route, text: str, other: str) -> None:
    """Serve the page with another text in a place, like the page of another release."""
    response = route.fetch()
    page = response.text()
    assert text in page
    route.fulfill(response=response, body=page.replace(text, other))


def welcome(page: Page, ai: StandIn) -> None:
    expect(page.locator("#welcome")).to_be_visible()


def waiting(page: Page, ai: StandIn) -> None:
    ai.fail("slow", seconds=2)
    ask_usual(page)
    expect(page.locator(".waiting")).to_be_visible()


def waiting_with_an_article(page: Page, ai: StandIn) -> None:
    ai.fail("slow", seconds=7)  # the article comes after one, or later on a busy machine; the test waits for the end
    # Not the usual question: its answer for the test before may still be written, and would come first.
    ask(
        page,
        "Comment demander une AESH ?" if page.locator("html").get_attribute("lang") == "fr" else "What is an AESH?",
    )
    expect(page.locator(".interim")).to_be_visible()


def writing(page: Page, ai: StandIn) -> None:
    ai.pace(8)
    ask_usual(page)
    expect(page.locator(".prose")).not_to_be_empty()


def answered(page: Page, ai: StandIn) -> None:
    ask_usual(page)
    wait_for_answer(page)


def answered_with_a_table(page: Page, ai: StandIn) -> None:
    page.route("**/api/chat/stream", lambda route: fulfill_with_stream(route, TABLE))
    ask_usual(page)
    wait_for_answer(page)


def answered_in_arabic(page: Page, ai: StandIn) -> None:
    source = {"type": "source-url", "sourceId": "1", "url": "https://www.service-public.gouv.fr/", "title": "L’AEEH"}
    page.route("**/api/chat/stream", lambda route: fulfill_with_stream(route, ARABIC, source))
    ask(page, "كيف أطلب المساعدة لابني؟")
    wait_for_answer(page)


def rated(page: Page, ai: StandIn) -> None:
    answered(page, ai)
    page.locator('[data-action="down"]').click()
    expect(page.locator(".comment-form")).to_be_visible()


def editing(page: Page, ai: StandIn) -> None:
    answered(page, ai)
    page.locator('[data-part="edit"]').click()
    expect(page.locator(".edit-form textarea")).to_be_focused()


def degraded(page: Page, ai: StandIn) -> None:
    ai.fail("rate_limited", retry_after=120)
    ask_usual(page)
    wait_for_answer(page)
    expect(page.locator(".notice")).to_be_visible()


def nothing_fitting(page: Page, ai: StandIn) -> None:
    ai.fail("rate_limited", retry_after=120)
    ask(page, "Xyzzy plugh ?")
    wait_for_answer(page)
    expect(page.locator('.prose a[href="tel:0800360360"]')).to_be_visible()


def interrupted(page: Page, ai: StandIn) -> None:
    ai.fail("cut", after_tokens=12)
    ask_usual(page)
    expect(page.locator('.answer [data-part="after"] .notice')).to_be_visible()


def stopped(page: Page, ai: StandIn) -> None:
    writing(page, ai)
    page.locator("#stop").click()
    expect(page.locator('.answer [data-part="after"] .notice')).to_be_visible()


def in_distress(page: Page, ai: StandIn) -> None:
    ask(page, "Je veux mourir" if page.locator("html").get_attribute("lang") == "fr" else "I want to die")
    wait_for_answer(page)
    expect(page.locator('.prose a[href="tel:15"]')).to_be_visible()


def too_fast(page: Page, ai: StandIn) -> None:
    respond_with_error(page, 429, **{"Retry-After": "40"})
    ask_usual(page)
    expect(page.locator(".notice")).to_be_visible()


def broken(page: Page, ai: StandIn) -> None:
    respond_with_error(page, 500)
    ask_usual(page)
    expect(page.locator(".notice .reference")).to_contain_text("7c9e6679")


def offline(page: Page, ai: StandIn) -> None:
    page.refusals_expected = True  # type: ignore[attr-defined]
    page.locator("#question").focus()
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    ask_usual(page)
    expect(page.locator(".notice")).to_be_visible()


def near_the_limit(page: Page, ai: StandIn) -> None:
    page.locator("#question").fill("Bonjour, " * 430)
    expect(page.locator("#remark")).to_be_visible()


def beyond_the_limit(page: Page, ai: StandIn) -> None:
    page.locator("#question").fill("Bonjour, " * 460)
    expect(page.locator("#question")).to_have_attribute("aria-invalid", "true")


def conversations(page: Page, ai: StandIn) -> None:
    answered(page, ai)
    _show_conversations(page)
    expect(page.locator(".conversation")).to_have_count(1)


def no_conversations(page: Page, ai: StandIn) -> None:
    _show_conversations(page)
    expect(page.locator('[data-part="none"]')).to_be_visible()


def forgetting(page: Page, ai: StandIn) -> None:
    conversations(page, ai)
    page.locator('.conversation [data-part="forget"]').click()
    expect(page.locator("#forget")).to_be_visible()


def own_data(page: Page, ai: StandIn) -> None:
    conversations(page, ai)
    page.locator('#conversations [data-part="data"]').click()
    expect(page.locator("#data")).to_be_visible()


def choosing_voices(page: Page, ai: StandIn) -> None:
    _show_conversations(page)
    page.locator("#voice-button").click()
    expect(page.locator("#voice")).to_be_visible()
    page.get_by_role("checkbox").first.check()


def help_lines(page: Page, ai: StandIn) -> None:
    page.locator("#help-button").click()
    expect(page.locator("#help")).to_be_visible()


def choosing_a_document(page: Page, ai: StandIn) -> None:
    page.locator("#attach").click()
    expect(page.locator("#document")).to_be_visible()


def reading_a_document(page: Page, ai: StandIn) -> None:
    ai.fail("slow", seconds=2, operation="analyze")
    _send_letter(page)
    expect(page.locator(".progress")).to_be_visible()


def a_document_read(page: Page, ai: StandIn) -> None:
    _send_letter(page)
    expect(page.locator(".facts .deadline")).to_be_visible()
    wait_for_answer(page)


def a_document_read_in_part(page: Page, ai: StandIn) -> None:
    text = "Je n’ai pas pu tout lire : page 2, une image page 3. Regardez-les vous-même, ou envoyez-m’en une photo."
    facts = {"dates": [], "amounts": [], "references": [], "sender": ""}
    notices = [
        {"type": "data-facts", "data": facts},
        {"type": "data-notice", "data": {"kind": "partial", "text": text, "pages": 3, "pagesRead": 2}},
    ]
    answer = "Ce courrier vous demande un certificat médical."
    page.route("**/api/chat/analyze-document", lambda route: fulfill_with_stream(route, answer, *notices))
    _send_letter(page)
    wait_for_answer(page)
    expect(page.locator(".notice")).to_be_visible()


def without_script(page: Page, ai: StandIn) -> None:
    """Needs a page without JavaScript."""
    page.locator("#welcome .suggestion").first.click()
    expect(page.locator(".prose")).not_to_be_empty()


STATES: dict[str, State] = {
    state.__name__.replace("_", "-"): state
    for state in (
        welcome,
        waiting,
        waiting_with_an_article,
        writing,
        answered,
        answered_with_a_table,
        answered_in_arabic,
        rated,
        editing,
        degraded,
        nothing_fitting,
        interrupted,
        stopped,
        in_distress,
        too_fast,
        broken,
        offline,
        near_the_limit,
        beyond_the_limit,
        conversations,
        no_conversations,
        forgetting,
        own_data,
        choosing_voices,
        help_lines,
        choosing_a_document,
        reading_a_document,
        a_document_read,
        a_document_read_in_part,
    )
}

ERROR_PAGES = ("400", "403", "403_csrf", "404", "429", "500")


def show_error_page(page: Page, name: str, url: str) -> None:
    """Show the page of an error that is hard to provoke, as the server would send it."""
    with translation.override("fr"):
        body = render_to_string(f"{name}.html", {"retry_after": 40})
    page.route("**/error", lambda route: route.fulfill(content_type="text/html", body=body))
    page.goto(f"{url}/error")


def _show_conversations(page: Page) -> None:
    if page.locator("#menu").is_visible():
        page.locator("#menu").click()
        expect(page.locator("#drawer")).to_be_visible()


def _send_letter(page: Page) -> None:
    choosing_a_document(page, None)  # type: ignore[arg-type]
    letter = {"name": "notification-mdph.txt", "mimeType": "text/plain", "buffer": LETTER.encode()}
    page.locator("#document input[type=file]").set_input_files(letter)  # type: ignore[arg-type]
    page.locator("#document .button.strong").click()
