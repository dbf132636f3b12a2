"""The figures of the demo: names folded, the brand left out of its own entities."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.make import brand
from tocsin.cli.demo_summary import fold, folded_entities, own_names

VELMORA = own_names(brand(handles=["velmora_mobile", "velmora-mobile.example"]))


@pytest.mark.parametrize(
    "name", ["Velmora", "#Velmora", "velmora", "@velmora_mobile", "appli Velmora", "＃VELMORA"]
)
def test_a_brand_is_not_among_its_own_entities(name: str) -> None:
    assert folded_entities([(name, 10), ("Nantes", 1)], VELMORA) == [("Nantes", 1)]


def test_spellings_are_one_entity_under_the_most_frequent_one() -> None:
    counts = [("#VelmoraDown", 202), ("Nantes", 60), ("VelmoraDown", 56), ("NANTES", 3)]
    assert folded_entities(counts, VELMORA) == [("#VelmoraDown", 258), ("Nantes", 63)]


def test_a_brand_of_two_words_is_known_by_each_of_its_names() -> None:
    corvane = own_names(brand("corvane", name="Banque Corvane", names=["Corvane"]))
    counts = [("Banque Corvane", 5), ("corvane", 4), ("Banque de France", 3)]
    assert folded_entities(counts, corvane) == [("Banque de France", 3)]


def test_only_the_most_frequent_are_listed_and_equal_ones_by_name() -> None:
    counts = [("b", 1), ("a", 1), ("c", 2)]
    assert folded_entities(counts, frozenset(), size=2) == [("c", 2), ("a", 1)]


@given(st.lists(st.tuples(st.text(), st.integers(1, 100))))
def test_no_folded_name_is_listed_twice(counts: list[tuple[str, int]]) -> None:
    listed = folded_entities(counts, VELMORA, size=1_000)
    folded = [fold(name) for name, _ in listed]
    assert len(set(folded)) == len(folded)
    assert "velmora" not in folded
    assert sum(count for _, count in listed) <= sum(count for _, count in counts)
