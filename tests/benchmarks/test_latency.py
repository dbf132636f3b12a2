"""The deciding post of an alert, and the table of latencies."""

from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.scorecard import latency, live
from benchmarks.scorecard.latency import Crisis
from processors.detector.brand_detectors import BrandDetectors
from schemas.activity import Activity
from schemas.alert import Alert
from schemas.post import PostUpsert
from tests import make
from tests.processors.detector.storms import START, calm, storm, together

VELMORA = make.brand()
RECORDS = together(calm(7, per_minute=1), storm(6, 20, per_minute=20))


def replay(records: list[Activity]) -> tuple[BrandDetectors, list[Alert]]:
    detectors = BrandDetectors({"velmora": VELMORA})
    return detectors, [alert for record in records for alert in detectors.observe(record)]


def opened(records: list[Activity]) -> Alert:
    return next(alert for alert in replay(records)[1] if alert.status == "open")


def test_the_tipping_post_is_the_last_without_which_it_would_not_have_opened_then() -> None:
    alert = opened(RECORDS)
    tip = latency.tipping(VELMORA, RECORDS, alert.raised_at)
    assert tip is not None
    assert START + timedelta(hours=6) <= RECORDS[tip].at < alert.raised_at
    for upto, opens in ((tip + 1, True), (tip, False)):
        detectors, alerts = replay(RECORDS[:upto])
        alerts += detectors.advance(alert.raised_at)
        assert ((alert.id, "open") in {(a.id, a.status) for a in alerts}) is opens


def test_without_an_alert_nothing_tips_it() -> None:
    assert latency.tipping(VELMORA, RECORDS[:200], START + timedelta(hours=3)) is None


def test_crises_have_their_times_and_the_others_are_named() -> None:
    alert = opened(RECORDS)
    at = alert.raised_at.timestamp()
    seen = live.Seen(
        {"velmora": [(record, record.at.timestamp() + 1) for record in RECORDS]},
        {"velmora": (alert, at + 2)},
        {(alert.id, alert.version): at + 3},
    )
    (crisis,), others = latency.crises([VELMORA, make.brand("corvo")], seen)
    assert (crisis.due, crisis.decided, crisis.delivered) == (at, at + 2, at + 3)
    assert crisis.counted == crisis.ingested + 1 < at
    assert others == ["Corvo: no alert came."]


def test_the_table_shows_the_wait_separately() -> None:
    crises = [Crisis("b", 0.0, 1.0, 11.0, 12.0, 13.0 + late) for late in (0.0, 0.0, 0.0, 5.0)]
    rows = [line.split(" | ") for line in latency.lines(crises, []) if line.startswith("| ")]
    cells = {row[0].removeprefix("| "): [cell.rstrip(" |") for cell in row[1:]] for row in rows}
    assert cells["**post read → webhook called**"] == ["13.0", "18.0", "18.0"]
    assert cells["the same without the wait"] == ["3.0", "8.0", "8.0"]
    assert "No crisis" in latency.lines([], ["why"])[0]


def test_percentiles() -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    assert [latency.percentile(values, share) for share in (0.0, 0.5, 0.9)] == [1, 2, 4]


def test_storms_come_one_after_the_other_among_ordinary_posts() -> None:
    chosen = live.brands(3)
    sent = live.storms(chosen, START)
    times = [post.at for post in sent]
    assert times == sorted(times)
    first = {brand.id: min(s.at for s in sent if s.stormy and s.brand is brand) for brand in chosen}
    begun = [first[brand.id] - START for brand in chosen]
    assert begun == sorted(begun)
    assert all(each >= number * live.APART for number, each in enumerate(begun))
    assert {post.stormy for post in sent} == {True, False}
    event = live.event_of(sent[0], 1, START)
    assert isinstance(event, PostUpsert)
    assert sent[0].brand.name in event.post.text


def test_a_missing_run_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "REPORT", tmp_path / "none.md")
    assert "was not run" in latency.section(tmp_path)[2]
    (tmp_path / "some.md").write_text("# Latency\n\nMade by x\n\ntable\n")
    monkeypatch.setattr(latency, "REPORT", tmp_path / "some.md")
    assert latency.section(tmp_path)[2:] == ["Made by x", "", "table", ""]
