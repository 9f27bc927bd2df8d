"""`make screenshots`: pictures of all states of the page, for docs/images. No tests: run by file name only."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.states import ERROR_PAGES, STATES, answered, show_error_page, without_script
from tests.e2e.test_admin import accounts, log_in  # noqa: F401 fixtures
from tests.support.services import ROOT

FOLDER = Path(os.environ.get("PICTURES", ROOT / "docs" / "images" / "page"))
SIZES: dict[str, Any] = {"phone": PHONE, "desktop": DESKTOP}
LOCALES = {"fr": "fr-FR", "en": "en-GB"}
LOOKS = [("phone", "fr", "light"), ("desktop", "en", "dark")]
COLOURS = 64

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.mark.parametrize("look", LOOKS, ids="-".join)
@pytest.mark.parametrize("state", STATES)
def test_picture(browser_page, ai, state, look):
    size, language, scheme = look
    page = browser_page(locale=LOCALES[language], color_scheme=scheme, reduced_motion="reduce", **SIZES[size])
    STATES[state](page, ai)
    save_screenshot(page, "-".join((state, *look)))


@pytest.mark.parametrize("name", ERROR_PAGES)
def test_error_picture(browser_page, server, name):
    page = browser_page(None, **PHONE)
    show_error_page(page, name, server.url)
    save_screenshot(page, f"error-{name}-phone-fr-light")


def test_picture_without_script(browser_page, ai):
    page = browser_page(java_script_enabled=False, **PHONE)
    without_script(page, ai)
    save_screenshot(page, "without-script-phone-fr-light")


NEEDS: dict[str, dict[str, Any]] = {
    "text-twice-as-large": {},
    "320-pixels": {"viewport": {"width": 320, "height": 640}},
    "forced-colours": {"forced_colors": "active"},
}


@pytest.mark.parametrize("need", NEEDS)
@pytest.mark.parametrize("state", ["welcome", "answered"])
def test_picture_of_a_need(browser_page, ai, state, need):
    page = browser_page(**{**PHONE, **NEEDS[need]}, reduced_motion="reduce")
    if need == "text-twice-as-large":
        page.evaluate("document.documentElement.style.fontSize = '200%'")
    STATES[state](page, ai)
    save_screenshot(page, f"{state}-{need}")


@pytest.mark.parametrize("path", ["confidentialite", "mentions-legales", "accessibilite"])
def test_picture_of_an_information_page(browser_page, path):
    save_screenshot(browser_page(f"/{path}", **PHONE), f"{path}-phone-fr-light")


def test_pictures_of_the_admin(log_in, server, ai):  # noqa: F811 the fixture
    for age in range(3, 12):
        server.ask(f"Mon fils de {age} ans est autiste : comment demander l'AEEH ?")
    for fault, question in [("garbage", "Xyzzy ?"), ("rate_limited", "Et pour ma fille de deux ans, quelle aide ?")]:
        ai.fail(fault)
        server.ask(question)
        ai.heal()
    page = log_in("operator", **DESKTOP)
    page.goto(f"{server.url}/admin/chat/circuitbreaker/chat/open/")
    page.locator("[name=reason]").fill("fournisseur en panne")
    page.locator("form [type=submit]").last.click()
    save_screenshot(page, "../admin-breakers", 256, full_page=True)
    page.goto(f"{server.url}/admin/")
    save_screenshot(page, "../admin-dashboard", 256, full_page=True)
    page.goto(f"{server.url}/admin/chat/circuitbreaker/chat/reset/")
    page.locator("[name=reason]").fill("fin")
    page.locator("form [type=submit]").last.click()


def test_picture_for_the_readme(browser_page, ai):
    page = browser_page(**PHONE, device_scale_factor=2)
    answered(page, ai)
    save_screenshot(page, "../chat-phone")


def save_screenshot(page: Page, name: str, colours: int = COLOURS, **options: Any) -> None:
    """Save with few colours, which suffice for this page and take a tenth of the bytes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(page.screenshot(**options))).convert("RGB")
    picture.quantize(colours).save(FOLDER / f"{name}.png", optimize=True)
