"""The live view: what a person reads while `up` and `demo` run, in 80 columns."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from runtime.kafka.topic_stats import TopicLag
from tests.make import alert
from text.terminal import columns
from tocsin.cli.live_view import (
    MAX_COLUMNS,
    Picture,
    Rates,
    ServiceLine,
    bar,
    clock,
    demo_lines,
    plain_line,
    remaining_s,
    service_line,
    source_words,
    up_lines,
)
from tocsin.local.alert_stream import OpenedAlerts
from tocsin.local.service_probe import ServiceState, SourceState
from tocsin.local.supervisor import Service

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Running:
    """A process that lives."""

    def poll(self) -> None:
        return None


def service(**fields: Any) -> Service:
    return Service("process", ["process"], {}, Path("/nowhere/process.log"), **fields)


def running(**fields: Any) -> Service:
    return service(process=Running(), **fields)


def flow(posts: int = 0, lag: int = 0, mentions: int = 0, unindexed: int = 0) -> TopicLag:
    return TopicLag({"posts": posts, "mentions": mentions}, {"posts": lag, "mentions": unindexed})


def picture(**fields: Any) -> Picture:
    defaults: Mapping[str, Any] = {"elapsed_s": 65, "flow": flow(), "services": ()}
    return Picture(**{**defaults, **fields})


@pytest.mark.parametrize(
    ("of", "state", "text", "mood"),
    [
        (running(held=True), None, "loading", "waiting"),
        (running(), None, "starting", "waiting"),
        (running(), ServiceState(False, "start: loading models"), "loading models", "waiting"),
        (running(), ServiceState(False, "start: still starting"), "starting", "waiting"),
        (running(), ServiceState(False, "kafka: away; brands: none"), "kafka: away", "waiting"),
        (running(), ServiceState(True, "ready"), "ready", "good"),
        (service(status=0), None, "finished", "good"),
        (service(status=2), None, "ended (status 2): its log is empty", "bad"),
        (service(status=-9, due=103.0), None, "died (SIGKILL), restarts in 3 s", "bad"),
    ],
)
def test_the_state_of_a_service_in_words(
    of: Service, state: ServiceState | None, text: str, mood: str
) -> None:
    line = service_line(of, state, now=100.0)
    assert (line.state, line.mood) == (text, mood)


def test_a_rate_is_that_of_the_last_seconds() -> None:
    rates = Rates()
    assert rates.per_second(0) is None
    rates.add(0.0, 0, 0)
    assert rates.per_second(0) is None
    rates.add(1.0, 100, 5)
    rates.add(1.0, 999, 999)  # the same look again
    assert (rates.per_second(0), rates.per_second(1)) == (100, 5)
    for second in range(2, 60):
        rates.add(float(second), 100, 5 + second)
    assert rates.per_second(0) == 0
    assert rates.per_second(1) == pytest.approx(1)


def test_the_remaining_time_needs_rates_and_ends_with_the_lag() -> None:
    assert remaining_s(flow(posts=10), None, None) == 0
    assert remaining_s(flow(posts=10, lag=10), None, None) is None
    assert remaining_s(flow(posts=10, lag=10), 0.0, None) is None
    assert remaining_s(flow(10, 10, 8, 8), 5.0, 2.0) == 4


def test_the_demo_shows_how_far_it_is_how_fast_and_how_long() -> None:
    seen = picture(
        flow=flow(5_193, 2_000, 1_500, 100),
        read_rate=0.0,
        work_rate=812.4,
        left_s=6.0,
        services=[ServiceLine("process", "loading models", "waiting")],
    )
    lines = [line.plain for line in demo_lines(seen, 5_193)]
    assert lines == [
        f"read        {'━' * 24} 100%  5,193 of 5,193",
        f"processed   {'━' * 15}{'─' * 9}  61%  3,193 of 5,193  812 posts/s",
        "indexed     1,400 mentions",
        "process     loading models",
        "1:05 elapsed, about 0:07 left",
    ]


def test_a_demo_of_a_file_has_no_total_until_it_is_read() -> None:
    assert "12 posts  3 posts/s" in demo_lines(picture(flow=flow(12), read_rate=3.0), None)[0].plain


def test_up_shows_services_with_their_metrics_sources_and_the_newest_alerts() -> None:
    heard = SourceState(True, NOW.timestamp() - 2, 1_300)
    opened = OpenedAlerts(7, (alert(title="Velmora: 72 mentions"),))
    seen = picture(
        flow=flow(1_300, 4),
        read_rate=16.2,
        services=[
            ServiceLine("bluesky", "ready", "good", 0, 9_001, {"bluesky": heard}),
            ServiceLine("sink", "ready", "good", 2, 9_002),
            ServiceLine("process", "died (SIGKILL), restarts in 1 s", "bad", 1, 9_003),
        ],
        alerts=opened,
    )
    lines = [line.plain for line in up_lines(seen, NOW)]
    assert lines[:4] == [
        "posts       1,300 (16/s), 0 mentions indexed, 4 waiting",
        "bluesky     connected, heard 2 s ago, 1,300 events  127.0.0.1:9001/metrics",
        "sink        ready, restarted 2 times  127.0.0.1:9002/metrics",
        "process     died (SIGKILL), restarts in 1 s, restarted 1 time",
    ]
    assert lines[4] == "alerts      7 opened since the start"
    assert lines[5].endswith("Velmora: 72 mentions")
    assert lines[6] == "1:05 elapsed"


def test_figures_that_do_not_move_are_shown_with_their_age() -> None:
    assert "figures 9 s old" in up_lines(picture(old_s=9.0), NOW)[-1].plain
    assert "figures 9 s old" in plain_line(picture(flow=flow(1), old_s=9.0))
    assert "old" not in up_lines(picture(old_s=1.0), NOW)[-1].plain


@pytest.mark.parametrize(
    ("source", "text", "mood"),
    [
        (SourceState(False), "not connected, never heard yet, 0 events", "bad"),
        (SourceState(True), "connected, never heard yet, 0 events", "waiting"),
        (SourceState(None), "never heard yet, 0 events", "waiting"),
        (SourceState(True, NOW.timestamp() - 90, 5), "connected, heard 90 s ago, 5 events", "good"),
        (SourceState(True, NOW.timestamp() + 9, 5), "connected, heard 0 s ago, 5 events", "good"),
    ],
)
def test_a_source_that_is_not_connected_or_never_heard_is_told(
    source: SourceState, text: str, mood: str
) -> None:
    assert source_words(source, NOW) == (text, mood)


def test_the_line_of_a_log_changes_only_with_the_work() -> None:
    assert plain_line(picture()) == ""
    before = picture(flow=flow(5, 5), elapsed_s=5)
    assert plain_line(before) == "5 posts read, 0 mentions indexed, 5 waiting"
    assert plain_line(picture(flow=flow(5, 5), elapsed_s=10)) == plain_line(before)


texts = st.text(max_size=300)
numbers = st.integers(0, 10**12)


@given(texts, texts, numbers, numbers, st.floats(0, 1e9), texts)
def test_no_line_is_wider_than_the_screen(
    name: str, state: str, posts: int, lag: int, seconds: float, title: str
) -> None:
    seen = picture(
        elapsed_s=seconds,
        flow=flow(posts, lag, posts, lag),
        read_rate=seconds,
        work_rate=seconds,
        left_s=seconds,
        old_s=seconds,
        services=[ServiceLine(name, state, "bad", posts, 1, {name: SourceState(True, 1.0, posts)})],
        alerts=OpenedAlerts(posts, (alert(title=title or "t"),)),
    )
    console = Console(width=MAX_COLUMNS, record=True, file=None)
    for line in [*demo_lines(seen, posts), *demo_lines(seen, None), *up_lines(seen, NOW)]:
        assert columns(line.plain) <= MAX_COLUMNS
        assert len(console.render_lines(line)) == 1


@given(st.floats(-1, 2), st.integers(1, 60))
def test_a_bar_has_its_width(share: float, width: int) -> None:
    assert len(bar(share, width)) == width


def test_the_clock_counts_minutes() -> None:
    assert [clock(s) for s in (0, 59.9, 61, 3_600)] == ["0:00", "0:59", "1:01", "60:00"]
