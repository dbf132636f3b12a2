"""Since when a brand has a past: since it was heard, not since a post that claims an old date."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from processors.detector.backtest import backtest_alerts, replay
from processors.detector.brand_detectors import BrandDetectors
from processors.detector.state.counts import minute_of
from schemas.alert import Alert
from tests.processors.detector.detector_process import BRANDS, Kafka, Process, in_a_loop
from tests.processors.detector.storms import START, VELMORA, calm, record, storm, together

CRISIS = list(storm(8, 60, per_minute=5))


def test_a_brand_whose_first_mention_is_its_crisis_is_told_if_it_was_known() -> None:
    assert replay(CRISIS, [VELMORA]) == []
    assert replay(CRISIS, [VELMORA], CRISIS[0].at - timedelta(minutes=30)) == []
    (alert,) = backtest_alerts(replay(CRISIS, [VELMORA], START))
    assert alert.opened_at - CRISIS[0].at < timedelta(minutes=10)
    assert alert.severity >= 3


@pytest.mark.parametrize("published", [START - timedelta(days=30), START + timedelta(hours=7)])
def test_live_a_brand_is_known_since_it_was_published_and_sources_were_heard(
    published: object,
) -> None:
    async def test(kafka: Kafka) -> None:
        process = Process(
            kafka,
            [0, 1],
            START,
            published={"velmora": published},  # type: ignore[dict-item]
        )
        kafka.activity[1] += [record("first", START, brand="corvo")]
        process.now += timedelta(minutes=1)
        await process.read()
        for one in CRISIS:
            kafka.activity[0].append(one)
        process.now = CRISIS[-1].at + timedelta(minutes=1)
        await process.read()
        await process.worker.stop()
        assert bool(kafka.alerts) == (published < START)  # type: ignore[operator]

    assert "velmora" in BRANDS
    in_a_loop(test)()


@pytest.mark.parametrize("days", [0.2, 1, 30, 365 * 5])
@pytest.mark.parametrize("rate", [4, 30])
def test_a_first_post_that_claims_an_old_date_is_no_past(days: float, rate: int) -> None:
    for seed in range(3):
        detectors, alerts = BrandDetectors({"velmora": VELMORA}), list[Alert]()
        old = record("old", START - timedelta(days=days), ingested_at=START)
        detectors.observe(old)
        for one in calm(11, per_minute=rate, seed=seed):
            if one.at >= START + timedelta(hours=6):
                alerts += detectors.observe(one)
        assert alerts == []


@pytest.mark.parametrize(("posts", "every_s"), [(30, 720), (60, 600), (400, 120)])
@pytest.mark.parametrize("known", [None, 5])
def test_a_chain_of_posts_that_claim_old_dates_is_no_past(
    posts: int, every_s: int, known: int | None
) -> None:
    """Up to the present, without a gap, all ingested at once: hours of hardly any mentions."""
    began = START + timedelta(hours=6)
    known = known and minute_of(START + timedelta(hours=known))
    for rate in (4, 30):
        detectors = BrandDetectors({"velmora": VELMORA}, lambda _: known)
        alerts = list[Alert]()
        for number in range(posts):
            at = began - timedelta(seconds=every_s * (posts - number))
            alerts += detectors.observe(record(f"old{number}", at, ingested_at=began))
        for one in calm(11, per_minute=rate):
            if one.at >= began:
                alerts += detectors.observe(one)
        assert alerts == []


def test_a_past_that_is_read_at_once_is_one() -> None:
    now = START + timedelta(days=4000)
    records = [
        replace(one, ingested_at=now)
        for one in together(calm(30, per_minute=2), storm(26, 40, per_minute=20))
    ]
    assert len(backtest_alerts(replay(records, [VELMORA]))) == 1
