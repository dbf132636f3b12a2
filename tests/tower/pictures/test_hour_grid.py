"""The hours of the week: a cell an hour, darker where more was said."""

from hypothesis import given
from hypothesis import strategies as st

from tests.tower.pictures.svg import of_class, read, texts
from tower.pictures.hour_grid import DEPTHS, depth, hour_grid

DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "<Sun>"]
CELLS = st.lists(st.lists(st.integers(0, 2**53), min_size=24, max_size=24), min_size=7, max_size=7)


@given(CELLS)
def test_any_week_is_a_grid(cells: list[list[int]]) -> None:
    root = read(hour_grid(cells, DAYS, "hours"))
    shades = [of_class(root, f"heat-{number}") for number in range(DEPTHS)]
    assert sum(map(len, shades)) == 7 * 24
    assert len(shades[0]) == sum(count == 0 for row in cells for count in row)
    assert len(texts(root, "title")) == 7 * 24


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**9))
def test_more_is_never_lighter(few: int, more: int, most: int) -> None:
    few, more = sorted((few, more))
    assert 0 <= depth(few, most) <= depth(more, most) < DEPTHS
    assert (depth(few, most) == 0) == (few == 0)
    assert depth(most, most) == DEPTHS - 1
