"""WCAG 2.2 AA as far as a machine can tell (axe-core), and the way through by keyboard alone."""

import itertools
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page

from tests.browser.page_addresses import NAMES, SIZES, THEMES, found, within
from tests.browser.served_tower import ServedTower
from tests.browser.watched_page import Watched, signed_in

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MAX_HEIGHT, MAX_TABS = 16_000, 80
OPTIONS = {"runOnly": RULES, "resultTypes": ["violations"]}


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_no_violation_of_wcag(
    browser: Browser, served: ServedTower, window: str, name: str
) -> None:
    # Without the policy: axe is a script that is not of the page.
    with signed_in(browser, served, bypass_csp=True) as watched:
        page = watched.open(within(found(served, name), window))
        for (width, _), theme in itertools.product(SIZES, THEMES):
            watched.dress(page, theme)
            # As high as the page: what a bar that stays covers is reached by scrolling.
            watched.resize(page, (width, 900))
            height = page.evaluate("document.documentElement.scrollHeight")
            watched.resize(page, (width, min(height, MAX_HEIGHT)))
            faults = Axe().run(page, options=OPTIONS).response["violations"]
            assert not faults, _told(faults)


def _told(violations: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"{one['id']}: {node['target']} {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in violations
        for node in one["nodes"][:3]
    )


def test_the_whole_way_works_by_keyboard_alone(browser: Browser, served: ServedTower) -> None:
    """A query, a post and its link, the alerts, one of them, assign and acknowledge it."""
    with signed_in(browser, served) as watched:
        page = watched.open("/live")
        _ask(page, watched, "brand:velmora AND source:bluesky")
        assert page.locator(".feed .card").count() > 2
        _open_the_second_post(page)
        _open_the_first_alert(page, watched)
        _assign_and_acknowledge(page, watched)
        watched.check(page)


def _ask(page: Page, watched: Watched, query: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(query)
    page.keyboard.press("Enter")
    page.wait_for_url("**/live?q=*")
    watched.settle(page)
    assert page.locator("#q").input_value() == query


def _open_the_second_post(page: Page) -> None:
    cards = page.locator(".feed .card")
    # Before the pages are asked for: the link opens a tab, and leaves this origin.
    page.evaluate(KEEP_LINKS)
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = cards.nth(1)
    assert second.evaluate("(card) => card === document.activeElement")
    page.keyboard.press("Enter")
    link = second.locator("header a").get_attribute("href")
    assert page.evaluate("window.__followed") == [link]
    page.keyboard.press("k")
    assert cards.nth(0).evaluate("(card) => card === document.activeElement")
    page.keyboard.press("Escape")


KEEP_LINKS = """
() => {
  window.__followed = [];
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[target=_blank]");
    if (link) { event.preventDefault(); window.__followed.push(link.getAttribute("href")); }
  });
}
"""


def _open_the_first_alert(page: Page, watched: Watched) -> None:
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/alerts?*")
    watched.settle(page)
    # The query asks for a brand without alerts: back to everything.
    page.keyboard.press("/")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts?q=")
    watched.settle(page)
    page.keyboard.press("j")
    focused = page.locator(".alert-list a").nth(0)
    assert focused.evaluate("(link) => link === document.activeElement")
    assert (focused.get_attribute("href") or "").startswith("/alerts/aeris-")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/alerts/aeris-"))
    watched.settle(page)


def _assign_and_acknowledge(page: Page, watched: Watched) -> None:
    page.keyboard.press("a")
    page.keyboard.type("ana")
    page.keyboard.press("Enter")
    page.locator(".history .act", has_text="ana").wait_for()
    watched.settle(page)
    acknowledge = page.get_by_role("button", name="Acknowledge")
    _tab_to(page, acknowledge)
    page.keyboard.press("Enter")
    page.locator(".standing.acknowledged").wait_for()
    watched.settle(page)


def _tab_to(page: Page, target: Locator) -> None:
    for _ in range(MAX_TABS):
        if target.evaluate("(each) => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("it cannot be reached by the tab key")


def test_single_keys_can_be_switched_off(browser: Browser, served: ServedTower) -> None:
    with signed_in(browser, served) as watched:
        page = watched.open("/alerts")
        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keyboard")
        dialog.wait_for()
        dialog.get_by_role("checkbox").press("Space")
        page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.matches('.alert-list a')") is False
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") != "q"


def test_keys_type_in_a_field(browser: Browser, served: ServedTower) -> None:
    with signed_in(browser, served) as watched:
        page = watched.open("/alerts")
        page.keyboard.press("/")
        page.keyboard.type("gap?j/.")
        assert page.locator("#q").input_value() == "gap?j/."
        assert page.get_by_role("dialog").count() == 0


def test_the_arrow_keys_read_the_chart(browser: Browser, served: ServedTower, window: str) -> None:
    with signed_in(browser, served) as watched:
        page = watched.open(f"/live?q=brand:velmora&{window}")
        chart = page.locator("[data-chart]")
        chart.focus()
        for _ in range(6):
            page.keyboard.press("ArrowRight")
        row = page.locator(".panel-volume tbody tr").nth(5)
        cells = row.evaluate("(row) => [...row.children].map((cell) => cell.textContent)")
        tip = page.locator("output.tip").inner_text()
        assert [cell for cell in cells if cell not in tip] == []
        watched.check(page)
