"""Elasticsearch and Kafka stop under an open page, and come back: it says so, and recovers."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.filled_index import fill
from tests.browser.ordinary_posts import ordinary_event, ordinary_events
from tests.browser.watched_page import signed_in
from tests.engines.pipeline import BROKEN_SOCKETS, PATIENCE_S, Child, Pipeline
from tests.stack_fixtures import RunningEngines
from tower.pages.post_card import card_key

pytestmark = [pytest.mark.browser, pytest.mark.engines, BROKEN_SOCKETS]
TOLD_MS = 10_000
"""How soon a page says what is away."""
BACK_MS = 60_000
ENDS_S = 2.0


@dataclass
class RunningTower:
    """The command ``tocsin tower``, and where it listens."""

    pipeline: Pipeline
    child: Child
    origin: str
    _link: str

    def link(self, path: str = "/live") -> str:
        return self._link


@pytest.fixture
def running(engines: RunningEngines, tmp_path: Path) -> Iterator[RunningTower]:
    with closing(Pipeline(engines, tmp_path)) as pipeline:
        folder = str(tmp_path / "tower")
        settings = {"TOCSIN_TOWER_PORT": "0", "TOCSIN_TOWER_DATA_DIR": folder}
        child = pipeline.start("tower", "tower", **settings)
        deadline = time.monotonic() + PATIENCE_S
        while (found := re.search(r"(http://[^/\s]+)/sign-in\S+", child.output())) is None:
            assert child.process.poll() is None, child.output()[-2_000:]
            assert time.monotonic() < deadline, child.output()[-2_000:]
            time.sleep(0.1)
        yield RunningTower(pipeline, child, found[1], found[0])


def test_an_open_page_says_what_is_away_and_recovers_by_itself(
    browser: Browser, running: RunningTower, engines: RunningEngines
) -> None:
    now = datetime.now(UTC)
    fill(running.pipeline.elasticsearch, ordinary_events(now, 60))
    with signed_in(browser, running) as watched:
        page = watched.open("/live")
        assert page.locator(".feed .card").count() > 30
        _arrives(page, running, 50_001)

        engines.stack.kill("elasticsearch")
        try:
            problem = page.locator(".panel-volume .problem").get_by_text("The last answer")
            problem.wait_for(timeout=TOLD_MS)
            assert page.locator(".panel-volume svg.volume").count() > 0, (
                "the last good answer stays"
            )
            _arrives(page, running, 50_002)
        finally:
            engines.stack.restart("elasticsearch")
        problem.wait_for(state="detached", timeout=BACK_MS)

        engines.stack.kill("kafka")
        try:
            away = page.locator("[data-state].bad").get_by_text("Not live")
            away.wait_for(timeout=TOLD_MS)
            assert page.locator(".feed .card").count() > 30, "history stays"
        finally:
            engines.stack.restart("kafka")
        away.wait_for(state="detached", timeout=BACK_MS)
        _arrives(page, running, 50_003)

        watched.check(page)
        started = time.monotonic()
        running.child.process.send_signal(signal.SIGTERM)
        assert running.child.process.wait(30) == 0
        assert time.monotonic() - started < ENDS_S


def _arrives(page: Page, running: RunningTower, number: int) -> None:
    """A live post that is published now is shown."""
    event = ordinary_event(number, datetime.now(UTC))
    running.pipeline.send("mentions", [event])
    page.locator(f'.card[data-key="{card_key(event.id)}"]').wait_for(timeout=BACK_MS)
