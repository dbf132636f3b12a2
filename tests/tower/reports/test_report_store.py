"""The index of reports: who writes at the same time, what is sent once, what was never set up."""

from datetime import timedelta

import pytest
from elasticsearch import NotFoundError

from schemas.errors import ConfigurationError
from tests.tower.reports.rig import NOW, Rig
from tower.reports.report_store import (
    MAX_DELIVERIES,
    Delivery,
    ReportStore,
    Result,
    StoredReport,
    StoredSection,
)

pytestmark = pytest.mark.embedded


def report(id_: str = "day-1", mentions: int = 3, whole: bool = True) -> StoredReport:
    return StoredReport(
        id=id_,
        kind="day",
        parameters={"kind": "day", "q": "brand:velmora"},
        made_by="ana",
        made_at=NOW,
        since=NOW - timedelta(days=1),
        until=NOW if whole else NOW + timedelta(hours=1),
        sections=[
            StoredSection(name="facts", question="volume", ask={}, answer={"mentions": mentions})
        ],
    )


def delivery(result: Result = "unknown", seconds: int = 0, channel: str = "press") -> Delivery:
    return Delivery(channel=channel, at=NOW + timedelta(seconds=seconds), by="ana", result=result)


@pytest.fixture
def store(rig: Rig) -> ReportStore:
    return ReportStore(rig.client, rig.names)


def counted(report: StoredReport | None) -> int:
    assert report is not None
    return int(report.sections[0].answer["mentions"])


def test_what_was_counted_first_stays(store: ReportStore) -> None:
    assert counted(store.keep(report(mentions=3))) == 3
    assert counted(store.keep(report(mentions=9))) == 3
    assert counted(store.get("day-1")) == 3


def test_a_report_of_a_time_that_is_not_over_is_replaced_and_keeps_its_deliveries(
    store: ReportStore,
) -> None:
    store.keep(report(mentions=3, whole=False))
    assert store.claim("day-1", delivery())
    replaced = store.keep(report(mentions=9))
    assert counted(replaced) == 9
    assert [one.channel for one in replaced.deliveries] == ["press"]


def test_of_two_that_send_at_once_one_does(store: ReportStore) -> None:
    store.keep(report())
    assert store.claim("day-1", delivery())
    assert not store.claim("day-1", delivery(seconds=1)), "the first may have sent it"
    assert store.claim("day-1", delivery(channel="board"))
    assert store.claim("day-1", delivery(seconds=2), again=True)


def test_the_log_tells_what_became_of_each_attempt(store: ReportStore) -> None:
    store.keep(report())
    for seconds, result in enumerate(("busy", "refused", "delivered")):
        assert store.claim("day-1", delivery(seconds=seconds))
        store.settle("day-1", delivery(result, seconds))  # type: ignore[arg-type]
    found = store.get("day-1")
    assert found is not None
    assert [one.result for one in found.deliveries] == ["busy", "refused", "delivered"]
    assert not store.claim("day-1", delivery(seconds=9))


def test_the_log_has_an_end(store: ReportStore) -> None:
    log = [delivery("delivered", seconds) for seconds in range(MAX_DELIVERIES)]
    kept = report()
    kept.deliveries = log
    store.keep(kept)
    assert store.claim("day-1", delivery(seconds=MAX_DELIVERIES), again=True)
    found = store.get("day-1")
    assert found is not None
    assert len(found.deliveries) == MAX_DELIVERIES
    assert found.deliveries[0] == log[0]


def test_the_newest_are_listed_first_without_their_answers(store: ReportStore) -> None:
    older = report("day-0")
    older.made_at = NOW - timedelta(days=3)
    store.keep(older)
    store.keep(report())
    assert [one.id for one in store.newest()] == ["day-1", "day-0"]
    assert not any(one.sections for one in store.newest())


def test_without_set_up_the_remedy_is_told(rig: Rig, store: ReportStore) -> None:
    rig.client.indices.delete(index=rig.names.reports)
    assert store.get("day-1") is None
    assert store.newest() == []
    with pytest.raises(ConfigurationError, match="tocsin index setup"):
        store.keep(report())
    with pytest.raises(NotFoundError):
        rig.client.get(index=rig.names.reports, id="day-1")
    store.delete("day-1")


def test_a_report_that_is_gone_cannot_be_sent(store: ReportStore) -> None:
    store.keep(report())
    store.delete("day-1")
    store.delete("day-1")
    with pytest.raises(Exception, match="gone"):
        store.claim("day-1", delivery())
