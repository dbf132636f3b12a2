"""Today's messages and those of every release can read each other; what would break is told."""

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from schemas import generate
from schemas.topic_registry import CODECS
from tests.schemas.compatibility import incompatibilities

RELEASES = sorted((generate.FOLDER / "released").iterdir())
Schema = dict[str, Any]
RETIRED = {
    "Evidence.posts": "shown",
    "Evidence.terms": "lifted",
    "Evidence.entities": "lifted_entities",
    "Evidence.authors": "carriers",
}
"""Removed fields, and the field that has more than theirs. Each was optional, so a reader of
release 0.1.0 finds an empty list, and had read the id, the number and the title of the alert."""


@pytest.mark.parametrize("topic", CODECS)
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_nothing_breaks_a_release(release: Path, topic: str) -> None:
    path = release / f"{topic}.schema.json"
    if not path.exists():
        pytest.skip(f"{topic} is newer than {release.name}")
    broken = incompatibilities(json.loads(path.read_bytes()), generate.json_schema(topic))
    retired = tuple(f"{field} was removed:" for field in RETIRED)
    assert [one for one in broken if not one.startswith(retired)] == []


def test_what_replaces_a_retired_field_is_there() -> None:
    types = generate.json_schema("alerts")["$defs"]
    for field, replacement in RETIRED.items():
        name, _, retired = field.partition(".")
        assert replacement in types[name]["properties"]
        assert retired not in types[name]["properties"]


def test_there_is_a_release_to_compare_with() -> None:
    assert RELEASES


BASE: Schema = {
    "$defs": {
        "Thing": {
            "type": "object",
            "required": ["id", "kind"],
            "properties": {
                "id": {"type": "string"},
                "kind": {"enum": ["a", "b"]},
                "size": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
                "part": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Part"}], "default": None},
                "names": {"type": "array", "items": {"type": "string"}, "default": []},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "free": {"type": "object", "additionalProperties": {}},
            },
        },
        "Part": {"type": "object", "required": [], "properties": {}},
    }
}


def _changed(required: Sequence[str] = (), **properties: Schema | None) -> Schema:
    """A copy with these properties set, or taken away where None; and more of them required."""
    schema = copy.deepcopy(BASE)
    thing = schema["$defs"]["Thing"]
    thing["required"] += required
    thing["properties"] |= properties
    for name in [name for name, value in properties.items() if value is None]:
        del thing["properties"][name]
    return schema


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        (
            _changed(["colour"], colour={"type": "string"}),
            "Thing.colour was added without a default: old messages lack it; give it one",
        ),
        (
            _changed(["size"]),
            "Thing.size became required: old messages may lack it; give it a default",
        ),
        (
            _changed(size=None),
            "Thing.size was removed: old readers may need it; leave it with its default and stop "
            "filling it",
        ),
        (
            {"$defs": {"Thing": BASE["$defs"]["Thing"]}},
            "Part is gone: keep the type until nothing that was written with it is kept, or bring "
            "the topic to a new name",
        ),
    ],
)
def test_a_change_that_breaks_is_told_what_to_do(schema: Schema, sentence: str) -> None:
    assert incompatibilities(BASE, schema) == [sentence]


@pytest.mark.parametrize(
    ("field", "schema", "lost"),
    [
        ("kind", {"enum": ["a"]}, "value 'b'"),
        ("size", {"type": "integer"}, "null"),
        ("id", {"type": "integer"}, "string"),
        ("part", {"type": "null"}, "Part"),
        ("names", {"type": "array", "items": {"$ref": "#/$defs/Part"}}, "array of string"),
        ("labels", {"type": "object", "additionalProperties": {"type": "integer"}}, "of string"),
        ("free", {"type": "object", "additionalProperties": {"type": "string"}}, "of anything"),
    ],
)
def test_a_field_that_takes_less_is_told_what_to_do(field: str, schema: Schema, lost: str) -> None:
    (sentence,) = incompatibilities(BASE, _changed(**{field: schema}))
    assert sentence.startswith(f"Thing.{field} no longer takes ")
    assert lost in sentence
    assert sentence.endswith("add a new field instead")


@pytest.mark.parametrize(
    "schema",
    [
        BASE,
        _changed(colour={"type": "string", "default": "red"}),
        _changed(kind={"enum": ["a", "b", "c"]}),
        _changed(id={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        _changed(id={}),
        _changed(id={"type": "string", "description": "Now described."}),
    ],
)
def test_what_takes_as_much_or_more_is_fine(schema: Schema) -> None:
    assert incompatibilities(BASE, schema) == []


@pytest.mark.parametrize("topic", CODECS)
def test_taking_any_field_from_a_real_schema_is_noticed(topic: str) -> None:
    released = generate.json_schema(topic)
    for name, definition in released["$defs"].items():
        for field in definition["properties"]:
            current = copy.deepcopy(released)
            del current["$defs"][name]["properties"][field]
            sentences = incompatibilities(released, current)
            assert any(sentence.startswith(f"{name}.{field} ") for sentence in sentences)
