"""One browser, one filled index and one tower for all tests of a worker."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from runtime.settings import ElasticsearchSettings
from tests.browser.filled_index import embedded_index, fill
from tests.browser.hostile_posts import hostile_alerts, hostile_brands, hostile_events
from tests.browser.ordinary_posts import ordinary_events
from tests.browser.served_tower import ServedTower

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        # A sandbox of Chromium needs a user that is not root.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def now() -> datetime:
    """When the newest post of the index was written."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="session")
def window(now: datetime) -> str:
    """A fixed window with all posts: its answers are kept, so pages come fast."""
    since, until = now - timedelta(hours=24), now + timedelta(minutes=1)
    return f"since={since:%Y-%m-%dT%H:%M:%SZ}&until={until:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="session")
def index(now: datetime) -> Iterator[ElasticsearchSettings]:
    """A thousand hostile posts, a day of ordinary ones, and alerts."""
    pytest.importorskip("noida_db", reason="the embedded index is not installed")
    with embedded_index() as elasticsearch:
        events = [*hostile_events(now), *ordinary_events(now, 400)]
        fill(elasticsearch, events, hostile_alerts(now))
        yield elasticsearch


@pytest.fixture(scope="session")
def served(
    index: ElasticsearchSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedTower]:
    """The tower over the index; nobody feeds its live posts."""
    folder: Path = tmp_path_factory.mktemp("tower")
    tower = ServedTower(index, folder, hostile_brands(), max_streams_per_person=200)
    tower.start()
    try:
        yield tower
    finally:
        tower.stop()
