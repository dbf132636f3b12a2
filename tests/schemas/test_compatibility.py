"""Today's messages and those of every release can read each other; what would break is told."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from schemas import generate
from schemas.topic_registry import CODECS
from tests.schemas.compatibility import incompatibilities

RELEASES = sorted((generate.FOLDER / "released").iterdir())
Schema = dict[str, Any]


def _released(release: Path, topic: str) -> Schema | None:
    path = release / f"{topic}.schema.json"
    return json.loads(path.read_bytes()) if path.exists() else None


@pytest.mark.parametrize("topic", CODECS)
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_nothing_breaks_a_release(release: Path, topic: str) -> None:
    released = _released(release, topic)
    if released is None:
        pytest.skip(f"{topic} is newer than {release.name}")
    assert incompatibilities(released, generate.json_schema(topic)) == []


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


def _changed(**properties: Schema | None) -> tuple[Schema, Schema]:
    """A copy with these properties set, or taken away where None; and its Thing."""
    schema = copy.deepcopy(BASE)
    thing = schema["$defs"]["Thing"]
    for name, value in properties.items():
        if value is None:
            del thing["properties"][name]
        else:
            thing["properties"][name] = value
    return schema, thing


def test_no_change_is_fine() -> None:
    assert incompatibilities(BASE, copy.deepcopy(BASE)) == []


def test_a_new_field_with_a_default_is_fine() -> None:
    schema, _ = _changed(colour={"type": "string", "default": "red"})
    assert incompatibilities(BASE, schema) == []


def test_a_new_field_without_a_default_is_told_what_to_do() -> None:
    schema, thing = _changed(colour={"type": "string"})
    thing["required"].append("colour")
    assert incompatibilities(BASE, schema) == [
        "Thing.colour was added without a default: old messages lack it; give it one"
    ]


def test_a_field_that_became_required_is_told() -> None:
    schema, thing = _changed()
    thing["required"].append("size")
    assert incompatibilities(BASE, schema) == [
        "Thing.size became required: old messages may lack it; give it a default"
    ]


def test_a_removed_field_is_told_what_to_do() -> None:
    schema, _ = _changed(size=None)
    (sentence,) = incompatibilities(BASE, schema)
    assert sentence.startswith("Thing.size was removed")
    assert "leave it with its default" in sentence


def test_a_type_that_is_gone_is_told_what_to_do() -> None:
    schema, _ = _changed()
    del schema["$defs"]["Part"]
    (sentence,) = incompatibilities(BASE, schema)
    assert sentence.startswith("Part is gone: keep the type")


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
    (sentence,) = incompatibilities(BASE, _changed(**{field: schema})[0])
    assert sentence.startswith(f"Thing.{field} no longer takes ")
    assert lost in sentence
    assert sentence.endswith("add a new field instead")


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        ("kind", {"enum": ["a", "b", "c"]}),
        ("id", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("id", {}),
        ("id", {"type": "string", "description": "Now described."}),
    ],
)
def test_a_field_that_takes_more_is_fine(field: str, schema: Schema) -> None:
    assert incompatibilities(BASE, _changed(**{field: schema})[0]) == []


@pytest.mark.parametrize("topic", CODECS)
def test_taking_any_field_from_a_real_schema_is_noticed(topic: str) -> None:
    released = generate.json_schema(topic)
    for name, definition in released["$defs"].items():
        for field in definition["properties"]:
            current = copy.deepcopy(released)
            del current["$defs"][name]["properties"][field]
            sentences = incompatibilities(released, current)
            assert any(sentence.startswith(f"{name}.{field} ") for sentence in sentences)
