"""Live posts in an open page: hostile ones, many of them, and those that are withdrawn."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page

from runtime.settings import ElasticsearchSettings
from schemas.mention import MentionEvent, MentionUpsert
from tests import make
from tests.browser.filled_index import fill
from tests.browser.hostile_posts import hostile_alerts, hostile_brands, hostile_events
from tests.browser.ordinary_posts import ordinary_event
from tests.browser.served_tower import ServedTower
from tests.browser.watched_page import NARROW, WIDE, signed_in
from tower.live.event_format import encoded
from tower.pages.post_card import card_key

pytestmark = pytest.mark.browser
MAX_CARDS = 200
MAX_HEAP = 10 * 2**20
GONE_MS = 5_000
TIME = "%Y-%m-%dT%H:%M:%SZ"
AGE = timedelta(seconds=20)
"""A page is of the time up to the last ten seconds."""
BATCH = 150
NUMBERS = itertools.count(30_000)
"""Of posts that one test alone has."""
SEEN = """
() => {
  const seen = (window.__seen = new Set());
  const add = (node) => { if (node.dataset?.key) seen.add(node.dataset.key); };
  document.querySelectorAll(".card").forEach(add);
  new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(add)))
    .observe(document.querySelector(".feed"), { childList: true });
}
"""
"""Remembers every card that was ever in the list of posts."""

HIDE = """
(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""


@pytest.fixture
def tower(index: ElasticsearchSettings, tmp_path: Path) -> Iterator[ServedTower]:
    """A tower of its own: no post of another test is in its ring."""
    tower = ServedTower(index, tmp_path, hostile_brands())
    tower.start()
    try:
        yield tower
    finally:
        tower.stop()


def feed_slowly(tower: ServedTower, page: Page, events: list[MentionUpsert]) -> None:
    """As fast as a screen follows: each batch is taken before the next comes."""
    for start in range(0, len(events), BATCH):
        batch = events[start : start + BATCH]
        tower.feed(batch)
        key = card_key(batch[-1].id)
        page.wait_for_function("(key) => window.__seen.has(key)", arg=key)


@pytest.mark.parametrize(("size", "theme"), [(WIDE, "light"), (NARROW, "dark")])
def test_hostile_posts_that_arrive_live_are_text(
    browser: Browser, tower: ServedTower, size: tuple[int, int], theme: str
) -> None:
    events = hostile_events(datetime.now(UTC), brand="nobody")
    with signed_in(browser, tower, "fr", theme, size=size) as watched:
        page = watched.open("/live?q=brand:nobody")
        page.evaluate(SEEN)
        feed_slowly(tower, page, events)
        for alert in hostile_alerts(datetime.now(UTC)):
            body = {"id": alert.id, "title": alert.title, "severity": alert.severity}
            tower.broadcast(encoded("alert", body))
        page.wait_for_function("() => document.title.startsWith('(1) ')")
        seen = set(page.evaluate("[...window.__seen]"))
        assert seen >= {card_key(event.id) for event in events}
        assert page.locator(".feed .card").count() == MAX_CARDS
        # A forged event would have said so, or have taken posts away.
        assert "bad" not in (page.locator("[data-state]").get_attribute("class") or "")
        watched.check(page)
        watched.check_width(page)


def test_a_page_stays_small_through_hours_of_posts(browser: Browser, tower: ServedTower) -> None:
    """Eight hours at five posts a minute, as fast as the page takes them."""
    count = 8 * 60 * 5
    with signed_in(browser, tower) as watched:
        page = watched.open("/live?q=source:bluesky")
        page.evaluate(SEEN)
        now = datetime.now(UTC)
        feed_slowly(tower, page, [ordinary_event(10_000 + n, now) for n in range(count)])
        assert page.evaluate("window.__seen.size") >= count
        assert page.locator(".feed .card").count() == MAX_CARDS
        page.evaluate("window.__seen.clear()")
        heap = _heap(page)
        assert heap < MAX_HEAP
        watched.check(page)


def test_what_a_paused_page_holds_back_is_bounded(browser: Browser, tower: ServedTower) -> None:
    with signed_in(browser, tower) as watched:
        page = watched.open("/live?q=source:bluesky")
        page.get_by_role("button", name="Pause").click()
        before = page.locator(".feed .card").count()
        now = datetime.now(UTC)
        for start in range(0, 2_000, 50):
            tower.feed([ordinary_event(20_000 + start + n, now) for n in range(50)])
            page.wait_for_timeout(20)
        page.get_by_role("button", name=f"{MAX_CARDS} new").wait_for()
        assert page.locator(".feed .card").count() == before, "nothing moves while it is paused"
        page.get_by_role("button", name="Resume").click()
        page.locator(f'.card[data-key="{card_key("bluesky:21999")}"]').wait_for()
        assert page.locator(".feed .card").count() == MAX_CARDS
        watched.check(page)


@pytest.mark.parametrize("erased", [False, True], ids=["a delete", "an erasure"])
def test_a_withdrawn_post_leaves_an_open_page_and_stays_away(
    browser: Browser, tower: ServedTower, index: ElasticsearchSettings, erased: bool
) -> None:
    now = datetime.now(UTC) - AGE
    gone, stays = ordinary_event(next(NUMBERS), now), ordinary_event(next(NUMBERS), now)
    fill(index, [gone, stays])
    with signed_in(browser, tower) as watched:
        past = f"since={now - timedelta(hours=1):{TIME}}&until={now + timedelta(hours=1):{TIME}}"
        paths = ("/live?", "/wall?", f"/live?{past}&")
        pages = [watched.open(f"{path}{asked(gone, stays)}") for path in paths]
        for page in pages:
            assert shown(page, gone)
            assert shown(page, stays)
        tower.feed([withdrawal(gone, erased)])
        for page in pages:
            card(page, gone).wait_for(state="detached", timeout=GONE_MS)
            assert shown(page, stays)
            page.reload()
            card(page, stays).wait_for()
            assert not shown(page, gone), "the index still has it"
        tower.feed([make.enriched(gone.mention)])
        assert not shown(pages[0], gone), "an older state comes late"
        watched.check(pages[0])


def test_a_post_that_was_withdrawn_while_the_page_was_hidden_is_gone_when_it_is_seen_again(
    browser: Browser, tower: ServedTower, index: ElasticsearchSettings
) -> None:
    now = datetime.now(UTC) - AGE
    gone, stays, first, later = (ordinary_event(next(NUMBERS), now) for _ in range(4))
    fill(index, [gone, stays])
    with signed_in(browser, tower) as watched:
        page = watched.open(f"/live?{asked(gone, stays, first, later)}")
        tower.feed([first])
        card(page, first).wait_for()
        hide(page, True)
        wait_until(lambda: not tower.parts.hub.listeners(), page)
        tower.feed([withdrawal(gone, False), later])
        hide(page, False)
        card(page, later).wait_for()
        card(page, gone).wait_for(state="detached", timeout=GONE_MS)
        assert shown(page, stays)
        watched.check(page)


def test_a_deleted_post_leaves_a_screen_that_was_too_slow_for_the_rest(
    browser: Browser, tower: ServedTower, index: ElasticsearchSettings
) -> None:
    now = datetime.now(UTC) - AGE
    gone = ordinary_event(next(NUMBERS), now)
    fill(index, [gone])
    with signed_in(browser, tower) as watched:
        page = watched.open("/live?q=source:bluesky")
        card(page, gone).wait_for()
        flood = [ordinary_event(next(NUMBERS), now) for _ in range(500)]
        # As one batch, so all of it waits at once: more than a screen's queue holds.
        tower.feed([*flood[:10], withdrawal(gone, False), *flood[10:]])
        page.get_by_text("posts skipped").wait_for()
        card(page, gone).wait_for(state="detached", timeout=GONE_MS)
        watched.check(page)


@pytest.mark.parametrize("erased", [False, True], ids=["a delete", "an erasure"])
def test_a_withdrawn_post_leaves_what_is_held_back(
    browser: Browser, tower: ServedTower, erased: bool
) -> None:
    now = datetime.now(UTC) - AGE
    gone, stays = ordinary_event(next(NUMBERS), now), ordinary_event(next(NUMBERS), now)
    with signed_in(browser, tower) as watched:
        page = watched.open(f"/live?{asked(gone, stays)}")
        page.get_by_role("button", name="Pause").click()
        tower.feed([gone, stays])
        page.get_by_role("button", name="2 new").wait_for()
        tower.feed([withdrawal(gone, erased)])
        page.get_by_role("button", name="1 new").wait_for(timeout=GONE_MS)
        page.get_by_role("button", name="Resume").click()
        card(page, stays).wait_for()
        assert not shown(page, gone)
        watched.check(page)


def hide(page: Page, hidden: bool) -> None:
    """What the browser tells a page whose tab is left, or shown again."""
    page.evaluate(HIDE, hidden)


def wait_until(holds: Callable[[], bool], page: Page) -> None:
    while not holds():
        page.wait_for_timeout(50)


def asked(*events: MentionUpsert) -> str:
    """The query for the authors of the posts."""
    names = [f"author:{event.mention.post.author.handle}" for event in events]
    return f"q={quote(' OR '.join(names))}"


def withdrawal(event: MentionUpsert, erased: bool) -> MentionEvent:
    post = event.mention.post
    if erased:
        return make.enriched(make.erase(post.author.id, source=post.source))
    return make.enriched(make.delete(post.id))


def card(page: Page, event: MentionUpsert) -> Locator:
    return page.locator(f'.card[data-key="{card_key(event.id)}"]')


def shown(page: Page, event: MentionUpsert) -> bool:
    return card(page, event).count() > 0


def _heap(page: Page) -> int:
    """Bytes in use after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    return int(session.send("Runtime.getHeapUsage")["usedSize"])
