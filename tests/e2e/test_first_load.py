"""The first visit in production mode: bytes sent, and time until a slow phone can use the page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import DESKTOP, PHONE
from tests.support.server import Server
from tests.support.services import HOST, ROOT

# Lighthouse's throttling for a phone on slow 4G: bytes per second, milliseconds.
SLOW_4G = {"offline": False, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8, "latency": 150}
SLOWER_CPU = {"rate": 4}
# Without this header of a TLS proxy, Django redirects to HTTPS.
BEHIND_A_PROXY: dict[str, Any] = {"extra_http_headers": {"X-Forwarded-Proto": "https"}}
WHEN_READY = """() => new Promise((resolve) => {
  const found = (marks) => resolve(marks.getEntries()[0].startTime);
  new PerformanceObserver(found).observe({ type: "mark", buffered: true });
})"""

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Server]:
    """An instance whose static files have been collected and compressed."""
    env: dict[str, Any] = {"DEBUG": "0", "ALLOWED_HOSTS": HOST, "STATIC_ROOT": str(tmp_path_factory.mktemp("static"))}
    collect = [sys.executable, str(ROOT / "manage.py"), "collectstatic", "--noinput", "--verbosity=0"]
    subprocess.run(collect, env={**os.environ, **env}, check=True)
    instance = Server(**env)
    yield instance
    instance.stop()


@pytest.fixture
def visit(browser: Browser, _close_connection: None, db: None) -> Iterator[Callable[..., Page]]:
    """Open an empty page with an empty browser cache."""
    contexts = []

    def new_page(**options: Any) -> Page:
        contexts.append(browser.new_context(**options, **BEHIND_A_PROXY))
        return contexts[-1].new_page()

    yield new_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("size", "kilobytes"), [(PHONE, 30), (DESKTOP, 32)], ids=["phone", "desktop"])
def test_the_first_load_is_small(
    visit: Callable[..., Page], production: Server, size: dict[str, Any], kilobytes: int
) -> None:
    page = visit(**size)
    received: dict[str, float] = {}  # bytes by request, headers and compressed body as they came over the wire
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.on(
        "Network.loadingFinished", lambda event: received.update({event["requestId"]: event["encodedDataLength"]})
    )

    page.goto(production.url)
    page.wait_for_load_state("networkidle")

    assert 0 < len(received) <= 8
    assert sum(received.values()) <= kilobytes * 1024


def test_a_slow_phone_can_use_the_page_within_seconds(visit: Callable[..., Page], production: Server) -> None:
    """Takes 0.8 s on an idle machine with two cores; other load counts four times because of the CPU throttling."""
    visits = (seconds_until_ready(visit(**PHONE), production.url) for _ in range(8))

    assert any(seconds < 2.5 for seconds in visits)


def seconds_until_ready(page: Page, url: str) -> float:
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", SLOW_4G)
    network.send("Emulation.setCPUThrottlingRate", SLOWER_CPU)
    page.goto(url, wait_until="commit")
    milliseconds: float = page.evaluate(WHEN_READY)
    return milliseconds / 1000
