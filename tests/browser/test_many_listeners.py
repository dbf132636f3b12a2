"""A hundred screens on one page: the index is asked once, and the process still ends at once."""

import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from tests.browser.served_tower import ServedTower
from tests.browser.stream_readers import read_streams
from tests.browser.tower_command import running_tower
from tower.pages.page_table import PAGES

pytestmark = pytest.mark.browser
SCREENS = 100
ENDS_S = 2.0
PUSHED = [panel for panel in PAGES["live"].panels if panel.pushed]


def asked() -> dict[str, float]:
    """Searches so far, by question."""
    names = {panel.question.name for panel in PUSHED}
    metric = "tocsin_tower_questions_total"
    return {name: REGISTRY.get_sample_value(metric, {"question": name}) or 0.0 for name in names}


def test_a_hundred_screens_ask_each_question_once_a_tick(served: ServedTower) -> None:
    before = asked()

    def filled(counts: list[Counter[str]]) -> bool:
        return all(count["panel"] >= len(PUSHED) for count in counts)

    # A window that no other test has.
    path = "/events?page=live&last=23h"
    read_streams(served.link(), path, SCREENS, filled, 60.0)
    searched = {name: count - before[name] for name, count in asked().items()}
    # Panels that ask the same are one question.
    asks = {(panel.question.name, str(sorted(panel.params.items()))) for panel in PUSHED}
    wanted = Counter(name for name, _ in asks)
    ticks = 2  # the panels come with the first; the streams may be open over the next
    assert all(0 < searched[name] <= ticks * wanted[name] for name in wanted), searched


def test_the_command_ends_at_once_with_a_hundred_open_streams(tmp_path: Path) -> None:
    environment = {
        "TOCSIN_TOWER_MAX_STREAMS_PER_PERSON": str(SCREENS),
        # Nothing listens there: the tower serves all the same.
        "TOCSIN_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "TOCSIN_ELASTICSEARCH_URL": "http://127.0.0.1:9",
    }
    stopped: list[float] = []
    with running_tower(tmp_path, environment) as tower:

        def open_everywhere(counts: list[Counter[str]]) -> bool:
            if all(count["state"] for count in counts) and not stopped:
                stopped.append(time.monotonic())
                tower.process.send_signal(signal.SIGTERM)
            return all(count["ended"] for count in counts)

        counts = read_streams(tower.link(), "/events?page=live", SCREENS, open_everywhere, 60.0)
        assert all(count["ended"] and not count["refused"] for count in counts)
        assert tower.process.wait(30) == 0
        assert time.monotonic() - stopped[0] < ENDS_S
