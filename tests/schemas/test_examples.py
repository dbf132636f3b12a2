"""The examples that readers of the schemas see are messages of today."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas import generate
from schemas.errors import InvalidMessage
from schemas.mention import MentionEvent, MentionUpsert
from schemas.post import PostEvent
from schemas.topic_registry import CODECS
from tests.schemas.field_paths import field_paths

FOLDER = generate.FOLDER / "examples"
EXAMPLES = sorted(FOLDER.glob("*/*.json"))


def _id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_every_topic_has_examples_and_nothing_else_does() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(CODECS)


@pytest.mark.parametrize("path", EXAMPLES, ids=_id)
def test_an_example_is_a_message_of_today(path: Path) -> None:
    codec = CODECS[path.parent.name]
    written = json.loads(path.read_bytes())
    assert [error.message for error in _schema(path.parent.name).iter_errors(written)] == []
    message = codec.decode(path.read_bytes())
    encoded = codec.encode(message)
    assert codec.decode(encoded) == message
    # None of its fields is dropped on reading.
    assert _paths(written) <= _paths(json.loads(encoded))


def _schema(topic: str) -> Draft202012Validator:
    committed = generate.FOLDER / "topics" / f"{topic}.schema.json"
    return Draft202012Validator(json.loads(committed.read_bytes()))


def _paths(value: object, path: str = "") -> set[str]:
    """The path of each member, lists looked through."""
    if isinstance(value, list):
        return set().union(*(_paths(inner, path) for inner in value))
    if isinstance(value, dict):
        return set().union(
            *({f"{path}{key}"} | _paths(inner, f"{path}{key}.") for key, inner in value.items())
        )
    return set()


@pytest.mark.parametrize("topic", ["posts", "mentions"])
def test_every_operation_has_an_example(topic: str) -> None:
    events = [CODECS[topic].decode(path.read_bytes()) for path in (FOLDER / topic).glob("*.json")]
    assert all(isinstance(event, PostEvent | MentionEvent) for event in events)
    assert {event.op for event in events} == {"upsert", "delete", "erase_author"}


def test_offsets_in_the_examples_point_at_what_they_say() -> None:
    for path in (FOLDER / "mentions").glob("*.json"):
        event = CODECS["mentions"].decode(path.read_bytes())
        if not isinstance(event, MentionUpsert):
            continue
        mention = event.mention
        text = mention.post.text
        matches = [match for brand in mention.brands for match in brand.matches]
        for match in (match for match in matches if match.field == "text"):
            assert text[match.start : match.end] == match.text
        for span in (*mention.entities, *mention.aspects):
            assert text[span.start : span.end] == span.text


@pytest.mark.parametrize("topic", ["posts", "mentions", "activity"])
def test_every_field_is_in_an_example(topic: str) -> None:
    shown = set().union(
        *(_paths(json.loads(path.read_bytes())) for path in (FOLDER / topic).glob("*.json"))
    )
    missing = field_paths(CODECS[topic].type) - shown
    # Those of a post are shown by the examples of ``posts``.
    assert {path for path in missing if not path.startswith("mention.post.")} == set()


@pytest.mark.parametrize("path", EXAMPLES, ids=_id)
def test_an_example_without_a_required_field_is_refused_by_both(path: Path) -> None:
    topic = path.parent.name
    validator = _schema(topic)
    schema = validator.schema
    operation = json.loads(path.read_bytes()).get("op")
    members = schema.get("discriminator", {}).get("mapping", {})
    reference = members.get(operation) or schema["$ref"]
    for field in schema["$defs"][reference.rpartition("/")[2]]["required"]:
        body = json.loads(path.read_bytes())
        del body[field]
        assert not validator.is_valid(body)
        with pytest.raises(InvalidMessage) as caught:
            CODECS[topic].decode(json.dumps(body).encode())
        assert field in caught.value.detail
