"""The volume over time: valid for any counts, with a place for each bucket and each mark."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import TEXT
from tests.tower.pictures.svg import of_class, read, texts
from tower.pictures.volume_chart import (
    MAX_MARKS,
    MIN_IN_BUCKET,
    Mark,
    Point,
    VolumePicture,
    volume_chart,
    wilson,
)

SINCE = datetime(2026, 3, 28, 12, tzinfo=UTC)
LABEL = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
COUNT = st.integers(0, 2**53)


@st.composite
def points(draw: st.DrawFn) -> Point:
    mentions = draw(COUNT)
    scored = draw(st.integers(0, mentions))
    parts = [draw(st.integers(0, mentions)) for _ in range(2)]
    return Point(mentions, *parts, scored, draw(st.integers(0, scored)))


MOMENTS = st.integers(-(10**6), 10**6).map(lambda s: SINCE + timedelta(seconds=s))
MARKS = st.builds(Mark, MOMENTS, MOMENTS, st.integers(0, 5), LABEL, st.none() | LABEL)


@settings(max_examples=60)
@given(
    st.lists(points(), max_size=30),
    st.lists(COUNT, max_size=30),
    st.lists(MARKS, max_size=5),
    st.integers(1, 30 * 86_400),
    st.sampled_from(["UTC", "Europe/Paris", "Asia/Kathmandu"]),
    LABEL,
    st.sampled_from([(860, 280), (360, 240)]),
)
def test_any_volume_is_a_picture(
    shown: list[Point],
    usual: list[int],
    marks: list[Mark],
    length_s: int,
    zone: str,
    label: str,
    size: tuple[int, int],
) -> None:
    until = SINCE + timedelta(seconds=length_s)
    root = read(volume_chart(VolumePicture(SINCE, until, shown, usual, marks, zone, label), *size))
    assert root.attrib["aria-label"] == label
    assert root.attrib["data-count"] == str(len(shown))
    within = [one for one in marks if max(one.since, SINCE) < min(one.until, until)]
    assert len(texts(root, "title")) == len(within)
    shares = [one for one in shown if one.scored >= MIN_IN_BUCKET]
    assert len(of_class(root, "interval")) == len(of_class(root, "share")) == len(shares)


def picture(marks: list[Mark], zone: str = "UTC") -> VolumePicture:
    shown = [Point(10, 5, 4, 10, 3)] * 24
    return VolumePicture(SINCE, SINCE + timedelta(hours=24), shown, [], marks, zone, "volume")


def test_marks_are_as_many_as_can_be_seen() -> None:
    mark = Mark(SINCE, SINCE + timedelta(hours=1), 4, "a crisis", "/alerts/1")
    root = read(volume_chart(picture([mark] * (MAX_MARKS + 50)), 860, 280))
    assert len(of_class(root, "severity-4")) == MAX_MARKS


def test_an_alert_and_a_gap_look_different() -> None:
    hour = timedelta(hours=1)
    root = read(
        volume_chart(
            picture([Mark(SINCE, SINCE + hour, 5, "x"), Mark(SINCE, SINCE + hour, 0, "y")]),
            860,
            280,
        )
    )
    assert len(of_class(root, "severity-5")) == len(of_class(root, "gap")) == 1


def test_times_are_of_the_readers_zone() -> None:
    shown = {
        zone: texts(read(volume_chart(picture([], zone), 860, 280)))
        for zone in ("UTC", "Asia/Kolkata")
    }
    assert "15:00" in shown["UTC"] and "18:00" in shown["Asia/Kolkata"]


@given(st.integers(1, 10**6), st.data())
def test_an_interval_of_a_share_holds_it(of: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, of))
    low, high = wilson(count, of)
    assert 0 <= low <= count / of + 1e-12 and count / of - 1e-12 <= high <= 1


@given(TEXT)
def test_a_title_of_a_stranger_is_text(title: str) -> None:
    mark = Mark(SINCE, SINCE + timedelta(hours=1), 3, title)
    made = str(volume_chart(picture([mark]), 860, 280))
    assert made.count("<title>") == 1
