"""The page and the admin with the keyboard alone: controls are reached in order, the focus is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ai_service.control import StandIn
from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.states import STATES
from tests.e2e.test_admin import LogIn, accounts, log_in  # noqa: F401 fixtures
from tests.support.server import Server

OpenPage = Callable[..., Page]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Playwright's pipes, at the end of the process

# Everything that the keyboard must reach, in the order of the page. Of a group of radio buttons one is reached.
REACHABLE = """() => [...(document.querySelector("dialog:modal") ?? document)
  .querySelectorAll("a[href], button, input, textarea, select, summary, [tabindex='0']")]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }))
  .filter((element) => !element.disabled && element.tabIndex >= 0 && element.type !== "hidden")
  .filter((element) => element.type !== "radio" || element.checked)
  .map((element, index) => (element.dataset.walk = index))"""

# The number of the element with the focus, and what is wrong with the way it is seen; null beyond the last one.
FOCUSED = """() => {
  const element = document.activeElement;
  if (element === document.body) return null;
  const faults = [];
  const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
  if (left < -1 || top < -1 || right > innerWidth + 1 || (bottom > innerHeight + 1 && height < innerHeight))
    faults.push("outside");
  const seen = document.elementFromPoint(left + width / 2, Math.min(top + height / 2, innerHeight - 1));
  if (!seen || !(element.contains(seen) || seen.contains(element) || element.labels?.[0]?.contains(seen)))
    faults.push("covered");
  const ringed = [element, element.parentElement, element.closest(".composer-box"), element.labels?.[0]];
  const hasRing = (node) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(node);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
  };
  if (!ringed.some((node) => node && hasRing(node))) faults.push("no ring");
  return [Number(element.dataset.walk ?? -1), faults.length ? `${faults}: ${element.outerHTML.slice(0, 90)}` : ""];
}"""


def test_the_enter_that_ends_a_composition_does_not_send(browser_page: OpenPage) -> None:
    page = browser_page()
    page.locator("#question").fill("Bonjour")

    for init in ("{ isComposing: true }", "{ keyCode: 229 }"):  # the second is Safari's
        page.locator("#question").evaluate(
            f"""(question) => question.dispatchEvent(
              new KeyboardEvent("keydown", {{ key: "Enter", bubbles: true, cancelable: true, ...{init} }}))"""
        )

    expect(page.locator("#question")).to_have_value("Bonjour")
    expect(page.locator(".bubble")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator(".bubble")).to_have_text("Bonjour")


TO_THE_BEGINNING = """() => {
  const start = document.querySelector("dialog:modal") ?? document.body;
  start.tabIndex = -1;
  start.focus();
  start.removeAttribute("tabindex");
}"""


def walk(page: Page) -> tuple[list[int], list[int], list[str]]:
    """Press Tab until the end: the numbers of all controls, those that were reached, and faults."""
    expected = page.evaluate(REACHABLE)
    page.evaluate(TO_THE_BEGINNING)
    reached: list[int] = []
    faults: list[str] = []
    for _ in range(len(expected) + 10):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None or focused[0] in reached:
            break
        number, fault = focused
        reached += [number] if number >= 0 else []  # else a box that scrolls
        faults += [fault] if fault else []
    return expected, reached, faults


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize(
    "state", ["welcome", "answered", "rated", "editing", "degraded", "in-distress", "conversations"]
)
def test_tab_reaches_every_control_in_order_with_a_visible_focus(
    browser_page: OpenPage, ai: StandIn, state: str, size: dict[str, Any]
) -> None:
    page = browser_page(reduced_motion="reduce", **size)
    STATES[state](page, ai)

    expected, reached, faults = walk(page)

    assert faults == []
    assert reached == expected


@pytest.mark.parametrize("path", ["", "chat/circuitbreaker/", "chat/knowledgeentry/"])
def test_tab_reaches_every_control_of_the_admin(log_in: LogIn, server: Server, path: str) -> None:  # noqa: F811
    page = log_in("operator" if "breaker" in path else "editor", **DESKTOP)
    page.goto(f"{server.url}/admin/{path}")

    expected, reached, faults = walk(page)

    assert faults == []
    assert reached == expected


@pytest.mark.parametrize(
    ("opener", "dialog"), [("#help-button", "#help"), ("#attach", "#document"), ("#menu", "#drawer")]
)
def test_escape_closes_a_dialog_and_the_focus_returns(browser_page: OpenPage, opener: str, dialog: str) -> None:
    page = browser_page(**PHONE)
    page.locator(opener).focus()
    page.keyboard.press("Enter")
    expect(page.locator(dialog)).to_be_visible()

    page.keyboard.press("Tab")
    assert page.evaluate(f"document.activeElement.closest('dialog') === document.querySelector('{dialog}')")
    page.keyboard.press("Escape")

    expect(page.locator(dialog)).to_be_hidden()
    expect(page.locator(opener)).to_be_focused()
