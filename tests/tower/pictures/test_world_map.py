"""The map: a bubble a country, where it is, by volume and tone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.countries import country_code
from tests.tower.pictures.svg import of_class, read
from tower.pictures.world_map import (
    HEIGHT,
    MAX_RADIUS,
    MIN_RADIUS,
    WIDTH,
    Bubble,
    country_places,
    equal_earth,
    lean_class,
    world_map,
)

CODES = st.sampled_from(sorted(country_places())) | st.text("AZ<&", min_size=2, max_size=2)
BUBBLES = st.lists(
    st.builds(
        Bubble,
        CODES,
        st.integers(1, 2**53),
        st.none() | st.floats(-1, 1),
        st.text('ab<&" é', max_size=9),
        st.none() | st.text('/?=&"<', max_size=9),
    ),
    max_size=12,
)


@given(BUBBLES)
def test_any_countries_are_a_map(bubbles: list[Bubble]) -> None:
    """A country is among them only if it has a mention."""
    root = read(world_map(bubbles, "world"))
    known = [bubble for bubble in bubbles if bubble.country in country_places()]
    circles = of_class(root, "bubble")
    assert len(circles) == len(known)
    radii = [float(circle.attrib["r"]) for circle in circles]
    assert radii == sorted(radii, reverse=True), "small ones stay on top"
    assert all(MIN_RADIUS <= radius <= MAX_RADIUS for radius in radii)


def test_an_area_is_a_count() -> None:
    bubbles = [Bubble("FR", 400, None, "x"), Bubble("US", 100, None, "y")]
    first, second = of_class(read(world_map(bubbles, "world")), "bubble")
    assert float(first.attrib["r"]) == pytest.approx(2 * float(second.attrib["r"]))


@given(st.floats(-180, 180), st.floats(-56, 84))
def test_every_place_is_on_the_picture(longitude: float, latitude: float) -> None:
    x, y = equal_earth(longitude, latitude)
    assert math.isfinite(x) and math.isfinite(y)
    assert -0.5 <= x <= WIDTH + 0.5 and -0.5 <= y <= HEIGHT + 0.5


def test_places_are_of_countries_and_where_they_are() -> None:
    places = country_places()
    assert len(places) > 200
    assert all(country_code(code) == code for code in places)
    assert all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in places.values())
    assert places["FR"] == pytest.approx((2.5, 46.7), abs=2)
    assert places["AU"] == pytest.approx((134, -24), abs=4)


def test_a_tone_is_told_only_where_it_leans() -> None:
    assert [lean_class(lean) for lean in (None, -1.0, -0.1, 0.0, 0.1, 1.0)] == [
        "unknown", "negative", "mixed", "mixed", "mixed", "positive",
    ]  # fmt: skip
