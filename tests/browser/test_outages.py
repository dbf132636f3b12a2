"""Elasticsearch and Kafka stop under an open page, and come back: it says so, and recovers."""

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.filled_index import fill
from tests.browser.ordinary_posts import ordinary_event, ordinary_events
from tests.browser.tower_command import TowerCommand, running_tower
from tests.browser.watched_page import signed_in
from tests.engines.pipeline import BROKEN_SOCKETS, Pipeline
from tests.stack_fixtures import RunningEngines
from tower.pages.post_card import card_key

pytestmark = [pytest.mark.browser, pytest.mark.engines, BROKEN_SOCKETS]
TOLD_MS = 10_000 + 5_000
"""How soon a page says what is away: 10 s, and what a machine that runs other tests takes."""
BACK_MS = 60_000
ENDS_S = 2.0


@pytest.fixture
def pipeline(engines: RunningEngines, tmp_path: Path) -> Iterator[Pipeline]:
    with closing(Pipeline(engines, tmp_path)) as pipeline:
        yield pipeline


@pytest.fixture
def tower(pipeline: Pipeline, tmp_path: Path) -> Iterator[TowerCommand]:
    environment = {
        "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": pipeline.kafka.bootstrap_servers,
        "TOCSIN_KAFKA_TOPIC_PREFIX": pipeline.kafka.topic_prefix,
        "TOCSIN_ELASTICSEARCH_URL": pipeline.elasticsearch.url,
        "TOCSIN_ELASTICSEARCH_INDEX_PREFIX": pipeline.elasticsearch.index_prefix,
    }
    with running_tower(tmp_path, environment) as tower:
        yield tower


def test_an_open_page_says_what_is_away_and_recovers_by_itself(
    browser: Browser, pipeline: Pipeline, tower: TowerCommand, engines: RunningEngines
) -> None:
    now = datetime.now(UTC)
    fill(pipeline.elasticsearch, ordinary_events(now, 60))
    with signed_in(browser, tower) as watched:
        page = watched.open("/live")
        assert page.locator(".feed .card").count() > 30
        _arrives(page, pipeline, 50_001)

        engines.stack.kill("elasticsearch")
        try:
            problem = page.locator(".panel-volume .problem").get_by_text("The last answer")
            problem.wait_for(timeout=TOLD_MS)
            assert page.locator(".panel-volume svg.volume").count() > 0, (
                "the last good answer stays"
            )
            _arrives(page, pipeline, 50_002)
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
        _arrives(page, pipeline, 50_003)

        watched.check(page)
        started = time.monotonic()
        tower.process.send_signal(signal.SIGTERM)
        assert tower.process.wait(30) == 0
        assert time.monotonic() - started < ENDS_S


def _arrives(page: Page, pipeline: Pipeline, number: int) -> None:
    """A live post that is published now is shown."""
    event = ordinary_event(number, datetime.now(UTC))
    pipeline.send("mentions", [event])
    page.locator(f'.card[data-key="{card_key(event.id)}"]').wait_for(timeout=BACK_MS)
