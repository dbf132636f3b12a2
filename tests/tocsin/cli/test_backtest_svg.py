"""The picture of a back-test: a document that any reader of SVG takes, whatever is drawn."""

from datetime import datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from processors.detector.backtest import BacktestAlert
from tests.processors.detector.storms import START, record, said
from tests.strategies import HOSTILE_TEXT
from tocsin.cli.backtest_svg import chart_svg

SVG = "{http://www.w3.org/2000/svg}"
TIMES = st.integers(0, 400 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


def episode(name: str, opened: datetime, minutes: int | None, severity: int) -> BacktestAlert:
    closed = None if minutes is None else opened + timedelta(minutes=minutes)
    return BacktestAlert(name, "velmora", opened, opened, severity, closed)


EPISODES = st.builds(
    episode, HOSTILE_TEXT, TIMES, st.none() | st.integers(0, 5_000), st.integers(1, 5)
)


@given(HOSTILE_TEXT, st.lists(TIMES, min_size=1, max_size=40), st.lists(EPISODES, max_size=30))
def test_whatever_is_drawn_is_well_formed_and_within_the_picture(
    brand: str, times: list[datetime], alerts: list[BacktestAlert]
) -> None:
    records = [record(number, at, **said("negative")) for number, at in enumerate(times)]
    drawn = ElementTree.fromstring(chart_svg(brand, records, alerts))
    # As wide as the page: the size is that of the view alone.
    assert drawn.get("width") is None
    width, height = map(float, drawn.get("viewBox", "").split()[2:])
    for element in drawn.iter(f"{SVG}rect"):
        left, top, wide, tall = (float(element.get(n, 0)) for n in ("x", "y", "width", "height"))
        assert left >= 0 and top >= 0 and wide > 0
        assert left + wide <= width + 2 and top + tall <= height
    tags = {element.tag.removeprefix(SVG) for element in drawn.iter()}
    assert tags <= {"svg", "rect", "path", "text", "title", "g", "a"}


def test_many_alerts_are_all_there_and_their_labels_do_not_overlap() -> None:
    records = [record(n, START + timedelta(hours=n), **said("neutral")) for n in range(24)]
    alerts = [episode(f"a{n}", START + timedelta(hours=n / 4), 10, 3) for n in range(80)]
    drawn = ElementTree.fromstring(chart_svg("velmora", records, alerts))
    # Each one in the plot and below it.
    assert len(list(drawn.iter(f"{SVG}g"))) == 160
    labels = [element for element in drawn.iter(f"{SVG}text") if "· a" in (element.text or "")]
    by_line: dict[str | None, list[float]] = {}
    for element in labels:
        by_line.setdefault(element.get("y"), []).append(float(element.get("x", 0)))
    assert len(by_line) == 3
    for positions in by_line.values():
        assert all(b - a > 40 for a, b in pairwise(positions))
