"""`make screenshots`: the page in its states, for docs/images. Not a test: pytest runs it when asked to by name."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.states import ERROR_PAGES, STATES, answered, show_error_page, without_script
from tests.services import ROOT

FOLDER = Path(os.environ.get("PICTURES", ROOT / "docs" / "images" / "page"))
SIZES = {"phone": PHONE, "desktop": DESKTOP}
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
    keep(page, "-".join((state, *look)))


@pytest.mark.parametrize("name", ERROR_PAGES)
def test_error_picture(browser_page, server, name):
    page = browser_page(None, **PHONE)
    show_error_page(page, name, server.url)
    keep(page, f"error-{name}-phone-fr-light")


def test_picture_without_script(browser_page, ai):
    page = browser_page(java_script_enabled=False, **PHONE)
    without_script(page, ai)
    keep(page, "without-script-phone-fr-light")


def test_picture_for_the_readme(browser_page, ai):
    page = browser_page(**PHONE, device_scale_factor=2)
    answered(page, ai)
    keep(page, "../chat-phone")


def keep(page: Page, name: str) -> None:
    """A few colours are enough for paper and ink: a tenth of the bytes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)
