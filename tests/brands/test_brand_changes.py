"""Changes of a brands file: applied to the published brands, they give the brands of the file."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from brands.brand_changes import Changes, FieldChange, changes_of
from schemas.brand import AlertPolicy, Brand, Example
from tests.make import brand

WORDS = st.sampled_from(["velmora", "corvane", "panne", "box"])
BRANDS = st.builds(
    Brand,
    id=st.sampled_from(["a", "b", "c", "d"]),
    name=WORDS,
    names=st.lists(WORDS, max_size=2),
    handles=st.lists(WORDS, max_size=2),
    query=st.none() | WORDS,
    examples=st.lists(st.builds(Example, text=WORDS, about=st.booleans()), max_size=2),
    minimum_confidence=st.sampled_from([0.3, 0.5]),
    alerts=st.builds(
        AlertPolicy,
        sensitivity=st.sampled_from([1.0, 2.0]),
        channels=st.dictionaries(st.sampled_from(["1", "5"]), st.lists(WORDS, max_size=1)),
        mute_until=st.none() | st.datetimes(timezones=st.just(UTC)),
    ),
)
FILES = st.lists(BRANDS, max_size=4, unique_by=lambda each: each.id)


def applied(published: Mapping[str, Brand], changes: Changes) -> dict[str, Brand]:
    """The published brands after the changes."""
    brands: dict[str, Any] = {name: msgspec.to_builtins(each) for name, each in published.items()}
    for change in changes.changed:
        for field, _, after in change.fields:
            *path, last = field.split(".")
            place = brands[change.id]
            for step in path:
                place = place.setdefault(step, {})
            place[last] = after
    for name in changes.removed:
        del brands[name]
    brands |= {each.id: msgspec.to_builtins(each) for each in changes.added}
    return {name: msgspec.convert(raw, Brand) for name, raw in brands.items()}


@given(FILES, FILES)
def test_the_published_brands_with_the_changes_are_the_file(
    before: list[Brand], after: list[Brand]
) -> None:
    published = {each.id: each for each in before}
    changes = changes_of(published, after)
    assert applied(published, changes) == {each.id: each for each in after}
    touched = len(changes.added) + len(changes.changed)
    assert changes.unchanged == len(after) - touched
    assert bool(changes) is (published != {each.id: each for each in after})


@given(FILES, FILES)
def test_others_can_be_kept(before: list[Brand], after: list[Brand]) -> None:
    published = {each.id: each for each in before}
    changes = changes_of(published, after, keep_others=True)
    assert not changes.removed
    assert applied(published, changes) == published | {each.id: each for each in after}


def test_a_change_names_the_field_and_the_entries() -> None:
    before = brand("a", names=["Velmora", "Velmora SA"])
    after = brand("a", names=["Velmora", "Velmora Mobile"], alerts=AlertPolicy(sensitivity=2))
    (change,) = changes_of({"a": before}, [after]).changed
    names, sensitivity = change.fields
    assert (names.field, names.added(), names.removed()) == (
        "names",
        ["Velmora Mobile"],
        ["Velmora SA"],
    )
    assert sensitivity == FieldChange("alerts.sensitivity", 1.0, 2.0)


def test_an_unreadable_brand_is_replaced() -> None:
    changes = changes_of({"a": None, "b": None}, [brand("a")])
    assert [change.fields for change in changes.changed] == [()]
    assert changes.removed == ["b"]
