"""What is committed is what the types say."""

import json

import pytest
from jsonschema import Draft202012Validator

from schemas import generate
from schemas.topic_registry import CODECS

TOPICS = generate.FOLDER / "topics"


@pytest.mark.parametrize("topic", CODECS)
def test_the_committed_schema_is_the_generated_one_and_valid_and_described(topic: str) -> None:
    committed = (TOPICS / f"{topic}.schema.json").read_bytes()
    assert committed == generate.render(topic), "run 'make generate' and commit what it writes"
    schema = json.loads(committed)
    Draft202012Validator.check_schema(schema)
    for name, definition in schema["$defs"].items():
        assert definition["type"] == "object"
        assert definition["description"], f"{name} has no docstring"


def test_every_schema_file_belongs_to_a_topic() -> None:
    names = {path.name.removesuffix(".schema.json") for path in TOPICS.glob("*.schema.json")}
    assert names == set(CODECS)
