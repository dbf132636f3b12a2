"""Bars, grids, rows and the map: valid for any counts, and never wider than they are."""

from hypothesis import given
from hypothesis import strategies as st

from tests.tower.pictures.svg import of_class, read
from tower.pictures.share_bars import interval_bar, share_bar, single_bar

COUNT = st.integers(-5, 2**53)
SHARE = st.floats(0, 1)


@given(st.tuples(COUNT, COUNT, COUNT), COUNT, COUNT)
def test_any_counts_are_a_bar(counts: tuple[int, int, int], most: int, rest: int) -> None:
    root = read(share_bar(counts, most, rest))
    parts = of_class(root, "tone")
    assert len(parts) == sum(count > 0 for count in (*counts, rest))
    for part in parts:
        assert float(part.attrib["width"]) <= 200


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_full_bar_is_as_wide_as_its_place(negative: int, neutral: int, positive: int) -> None:
    total = negative + neutral + positive
    root = read(share_bar((negative, neutral, positive), total, label="x"))
    assert root.attrib["aria-label"] == "x" and "aria-hidden" not in root.attrib
    wide = sum(float(part.attrib["width"]) for part in of_class(root, "tone"))
    assert wide <= 200 + 2 or total == 0


def test_each_tone_has_a_pattern_of_its_own() -> None:
    parts = of_class(read(share_bar((1, 1, 1), 4, 1)), "tone")
    assert [part.attrib["class"] for part in parts] == [
        "tone negative", "tone neutral", "tone positive", "tone rest",
    ]  # fmt: skip


@given(COUNT, COUNT)
def test_one_count_is_a_bar(count: int, most: int) -> None:
    read(single_bar(count, most))


@given(SHARE, SHARE, SHARE)
def test_a_share_is_within_its_interval(one: float, two: float, three: float) -> None:
    low, middle, high = sorted((one, two, three))
    root = read(interval_bar(low, middle, high))
    (interval,) = of_class(root, "interval")
    assert float(interval.attrib["x"]) + float(interval.attrib["width"]) <= 200.11
