"""A thousand hostile posts, in every page, language, theme and width: nothing of them runs."""

import csv
import io
import itertools
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from tests.browser.hostile_payloads import PAYLOADS
from tests.browser.hostile_posts import PLACES
from tests.browser.page_addresses import LANGUAGES, NAMES, SIZES, THEMES, found, within
from tests.browser.served_tower import ServedTower
from tests.browser.watched_page import NARROW, signed_in

pytestmark = pytest.mark.browser
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
REFLECTED = [payload for payload in PAYLOADS if 0 < len(payload) < 300]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_hostile_posts_as_text(
    browser: Browser, served: ServedTower, window: str, name: str
) -> None:
    # A fixed window, but for live posts: its answers are kept, so both languages ask once.
    path = found(served, name) if name == "live" else within(found(served, name), window)
    for language, begins in zip(LANGUAGES, THEMES, strict=True):
        with signed_in(browser, served, language, begins) as watched:
            # The answer to a wrong query is an error, which the console tells.
            watched.allowed = {400} if name == "wrong query" else set()
            page = watched.open(path)
            assert page.locator("html").get_attribute("lang") == language
            assert page.locator("html").get_attribute("data-theme") == begins
            for size, theme in itertools.product(SIZES, THEMES):
                watched.resize(page, size)
                watched.dress(page, theme)
                watched.check(page)
                watched.check_width(page)


def test_every_hostile_post_is_text_on_the_page_that_has_it(
    browser: Browser, served: ServedTower, window: str
) -> None:
    keys: set[str] = set()
    with signed_in(browser, served, "fr", "dark", size=NARROW) as watched:
        page = watched.open(f"/live?q=brand:aeris&{window}")
        while True:
            keys |= set(
                page.locator(".card").evaluate_all("(all) => all.map((x) => x.dataset.key)")
            )
            watched.check(page)
            older = page.locator("a.more")
            if not older.count():
                break
            watched.goto(page, older.get_attribute("href") or "")
    assert len(keys) == len(PAYLOADS) * len(PLACES)


def test_a_hostile_query_comes_back_as_text(
    browser: Browser, served: ServedTower, window: str
) -> None:
    with signed_in(browser, served) as watched:
        watched.allowed = {400}
        page = watched.open("/alerts")
        for payload in REFLECTED[::5]:
            watched.goto(page, f"/alerts?q={quote(payload, safe='')}&{window}")
            watched.check(page)
            # The browser's own rule for a field of one line.
            wanted = "".join(sign for sign in payload.strip() if sign not in "\r\n\x00")
            assert "window.__pwned" not in wanted or "__pwned" in page.locator("#q").input_value()


def test_tables_hold_no_formula(browser: Browser, served: ServedTower) -> None:
    with signed_in(browser, served) as watched:
        for table in ("mentions.csv?size=200", "values.csv?field=hashtag&size=200", "alerts.csv"):
            answer = watched.context.request.get(f"{served.origin}/api/v1/{table}")
            assert answer.ok, answer.text()
            rows = list(csv.reader(io.StringIO(answer.text().removeprefix("\ufeff"))))
            assert len(rows) > 5
            texts = [cell for row in rows for cell in row if not cell.lstrip("-").isdigit()]
            assert not [cell for cell in texts if cell[:1] in FORMULA_SIGNS], table
