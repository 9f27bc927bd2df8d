"""A page of another origin uses the visitor's cookies in a browser with partitioned cookies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from ai_service.control import StandIn
from tests.e2e import other_origin
from tests.support.server import Server

ASK = """async ([base, message]) => {
  const options = { credentials: "include" };
  const { csrfToken } = await (await fetch(`${base}/api/chat/csrf`, options)).json();
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
  const response = await fetch(`${base}/api/chat/stream`,
    { ...options, method: "POST", headers, body: JSON.stringify({ message }) });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let received = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) received += part.value;
  const conversations = await (await fetch(`${base}/api/chat/conversations`, options)).json();
  return { status: response.status, reference: response.headers.get("X-Correlation-ID"), received,
    titles: conversations.items.map(({ title }) => title) };
}"""

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


@pytest.fixture
def origin() -> Iterator[str]:
    with other_origin.serve({"/": b"<!doctype html><title>Another origin</title>"}) as address:
        yield address


@pytest.mark.usefixtures("_close_connection", "transactional_db")
def test_a_page_of_another_origin_asks_and_finds_its_conversation(browser: Browser, ai: StandIn, origin: str) -> None:
    instance = Server(CORS_ALLOWED_ORIGINS=origin, CORS_ALLOW_CREDENTIALS="1")
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(origin)
        first = page.evaluate(ASK, [instance.url, "Comment obtenir un AESH ?"])
        second = page.evaluate(ASK, [instance.url, "Qui paie le fauteuil ?"])
    finally:
        context.close()
        instance.stop()

    assert (first["status"], second["status"]) == (200, 200)
    assert first["reference"].startswith("req-")
    assert '"type":"text-delta"' in first["received"]
    assert first["received"].endswith("data: [DONE]\n\n")
    assert sorted(second["titles"]) == ["Comment obtenir un AESH ?", "Qui paie le fauteuil ?"]
