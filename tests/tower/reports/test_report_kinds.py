"""What a report is asked for: its window in local days, its id, and what it asks."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.tower.reports.rig import BRANDS, NOW
from tower.questions.question import Context
from tower.questions.scope import BadParameter
from tower.reports.report_kinds import (
    COMPARISON,
    KINDS,
    PEER,
    POST_MORTEM,
    WEEK,
    ReportAsk,
    panel_of,
    plan_of,
    report_id,
    settled,
    window_of,
)

CONTEXT = Context(NOW, BRANDS)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-03-30", 24)]
)
def test_a_local_day_is_as_long_as_its_clock_says(day: str, hours: int) -> None:
    since, until = window_of(ReportAsk(kind="day", day=day, tz="Europe/Paris"))
    assert until - since == timedelta(hours=hours)
    assert since.utcoffset() == timedelta(0)


@pytest.mark.parametrize("day", ["2026-03-02", "2026-03-05", "2026-03-08"])
def test_any_day_of_a_week_names_the_same_week(day: str) -> None:
    since, until = window_of(ReportAsk(kind="week", day=day))
    assert (since, until) == (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))


def test_a_comparison_ends_with_its_day() -> None:
    since, until = window_of(ReportAsk(kind="compare", day="2026-03-02", days=7))
    assert (since, until) == (datetime(2026, 2, 24, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))


def test_without_a_day_it_is_yesterday_in_the_time_zone() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert settled(ReportAsk(kind="day"), late).day == "2026-03-01"
    assert settled(ReportAsk(kind="day", tz="Europe/Paris"), late).day == "2026-03-02"


def test_asked_again_on_the_same_day_it_is_the_same_report() -> None:
    ask = settled(ReportAsk(kind="day", q=" brand:velmora "), NOW)
    assert report_id(ask, NOW) == report_id(ask, NOW + timedelta(hours=3))
    assert report_id(ask, NOW) != report_id(ask, NOW + timedelta(days=1))
    ids = {
        report_id(settled(other, NOW), NOW)
        for other in (
            ReportAsk(kind="day", q="brand:velmora"),
            ReportAsk(kind="day", q="brand:corvane"),
            ReportAsk(kind="week", q="brand:velmora"),
            ReportAsk(kind="day", q="brand:velmora", tz="Europe/Paris"),
            ReportAsk(kind="day", q="brand:velmora", day="2026-03-01"),
            ReportAsk(kind="alert", alert="a1"),
            ReportAsk(kind="alert", alert="a2"),
        )
    }
    assert len(ids) == 7


def test_parameters_of_other_kinds_make_no_other_report() -> None:
    plain, more = ReportAsk(kind="day"), ReportAsk(kind="day", days=3, alert="a1")
    assert settled(plain, NOW) == settled(more, NOW)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-13-01", "2026-02-29"])
def test_a_day_at_the_edge_of_the_calendar_is_refused(day: str) -> None:
    for kind in ("day", "week", "compare"):
        with pytest.raises(BadParameter):
            plan_of(settled(ReportAsk(kind=kind, day=day, tz="Asia/Tokyo"), NOW), CONTEXT)


def test_a_comparison_asks_about_each_peer() -> None:
    ask = settled(ReportAsk(kind="compare", q="brand:velmora AND lang:fr"), NOW)
    plan = plan_of(ask, CONTEXT)
    peers = [one for one in plan.sections if one.name.startswith(PEER)]
    assert [one.name for one in peers] == ["peer-velmora", "peer-corvane", "peer-unheard"]
    queries = [ask.q for one, ask in zip(plan.sections, plan.asks(), strict=True) if one in peers]
    assert queries == ["brand:velmora", "brand:corvane", "brand:unheard"]


def test_every_section_is_found_by_its_name() -> None:
    for kind, table in (("week", WEEK), ("alert", POST_MORTEM), ("compare", COMPARISON)):
        assert [panel_of(kind, one.name) for one in table] == list(table)
        assert len({one.name for one in table}) == len(table)
    assert panel_of("decade", "facts") is None and panel_of("day", "hours") is None
    assert set(KINDS) == {"day", "week", "alert", "compare"}
