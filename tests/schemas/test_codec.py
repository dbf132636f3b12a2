"""Bytes become messages and come back; other bytes are refused with a reason."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas import generate
from schemas.checkpoint import Checkpoint
from schemas.codec import CHECKPOINT, POST_EVENT, Codec
from schemas.dead_letter import Reason
from schemas.errors import InvalidMessage
from schemas.ids import EPOCH
from schemas.post import PostEvent
from schemas.topic_registry import CODECS
from tests.strategies import JSON, MESSAGES, UPSERTS

DELETE = b'{"op":"delete","id":"x:1","source":"x","version":1,"ingested_at":"2026-01-01T00:00:00Z"'


@pytest.mark.parametrize("topic", CODECS)
@given(data=st.data())
@settings(max_examples=40)
def test_a_message_is_written_as_its_schema_says_and_comes_back_equal(
    topic: str, data: st.DataObject
) -> None:
    message = data.draw(MESSAGES[topic])
    written = CODECS[topic].encode(message)
    assert CODECS[topic].decode(written) == message
    validator = Draft202012Validator(generate.json_schema(topic))
    assert [error.message for error in validator.iter_errors(json.loads(written))] == []


def _message_or_reason(codec: Codec[msgspec.Struct], data: bytes) -> None:
    try:
        message = codec.decode(data)
    except InvalidMessage as error:
        assert error.reason in ("invalid_json", "invalid_message")
        assert error.detail == str(error) != ""
    else:
        assert isinstance(message, codec.type)


@pytest.mark.parametrize("topic", CODECS)
@given(data=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=50)
def test_any_bytes_are_a_message_or_have_a_reason(topic: str, data: bytes) -> None:
    _message_or_reason(CODECS[topic], data)


@given(UPSERTS, st.data())
def test_a_message_cut_or_damaged_anywhere_has_a_reason(
    event: PostEvent, data: st.DataObject
) -> None:
    whole = bytearray(POST_EVENT.encode(event))
    at = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(InvalidMessage) as caught:
        POST_EVENT.decode(bytes(whole[:at]))
    assert caught.value.reason == "invalid_json"
    whole[at] = data.draw(st.integers(0, 255))
    _message_or_reason(CODECS["posts"], bytes(whole))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\xff\xfe{}",
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b'{"a":' * 100_000,
        b"{'op':'delete'}",
    ],
    ids=lambda data: repr(data[:24]),
)
@pytest.mark.parametrize("topic", CODECS)
def test_other_bytes_are_invalid_json(topic: str, data: bytes) -> None:
    with pytest.raises(InvalidMessage) as caught:
        CODECS[topic].decode(data)
    assert caught.value.reason == "invalid_json"


GARBAGE = [
    DELETE + b"} {}",
    DELETE + b",}",
    DELETE.replace(b"x:1", b"x:\xed\xa0\x80") + b"}",  # a surrogate as UTF-8
    DELETE.replace(b"x:1", b"x:\xff") + b"}",
    DELETE.replace(b"x:1", b"x:\n") + b"}",
]
INVALID = [
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    DELETE.replace(b'"delete"', b'"undelete"') + b"}",
    DELETE.replace(b'"x:1"', b'"x"') + b"}",
    DELETE.replace(b'"x:1"', b'"' + b"x" * 513 + b'"') + b"}",
    DELETE.replace(b":1,", b":-1,") + b"}",
    DELETE.replace(b":1,", b":1.5,") + b"}",
    DELETE.replace(b":1,", b":9223372036854775808,") + b"}",
    DELETE.replace(b":1,", b":1e999,") + b"}",
    DELETE.replace(b":1,", b":" + b"9" * 5_000 + b",") + b"}",
    DELETE.replace(b"2026-01-01T00:00:00Z", b"2026-01-01T00:00:00") + b"}",
    DELETE.replace(b"2026-01-01T00:00:00Z", b"2026-01-01") + b"}",
    DELETE.replace(b"2026-", b"0000-") + b"}",
    DELETE.replace(b"2026-", b"12026-") + b"}",
    DELETE.replace(b"01-01T", b"02-30T") + b"}",
    DELETE.replace(b'"2026-01-01T00:00:00Z"', b"1767225600") + b"}",
    DELETE.replace(b'"delete"', b'"erase_author"') + b"}",
    DELETE.replace(b'"delete"', b'"upsert"') + b"}",
]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        *((data, "invalid_json") for data in GARBAGE),
        *((data, "invalid_message") for data in INVALID),
    ],
    ids=lambda value: repr(value[:60]),
)
def test_other_json_has_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        POST_EVENT.decode(data)
    assert caught.value.reason == reason


def test_an_upsert_is_of_the_post_that_it_carries() -> None:
    post = b'{"id":"x:2","source":"x","author":{"id":"1"},"text":"","created_at":'
    data = DELETE.replace(b'"delete"', b'"upsert"') + b',"post":' + post
    with pytest.raises(InvalidMessage, match="different ids"):
        POST_EVENT.decode(data + b'"2026-01-01T00:00:00Z"}}')


@pytest.mark.parametrize("year", ["0001", "9999"])
@pytest.mark.parametrize("offset", ["Z", "+14:00", "-12:00"])
def test_the_ends_of_the_calendar_are_times(year: str, offset: str) -> None:
    when = f"{year}-01-01T00:00:00{offset}"
    data = DELETE.replace(b"2026-01-01T00:00:00Z", when.encode()) + b"}"
    event = POST_EVENT.decode(data)
    assert event.ingested_at.year == int(year)
    assert POST_EVENT.decode(POST_EVENT.encode(event)) == event


def test_unknown_and_repeated_fields_are_read_and_defaults_are_not_written() -> None:
    event = POST_EVENT.decode(DELETE + b',"later":{"deep":[1,{"more":null}]}}')
    assert event == POST_EVENT.decode(DELETE + b"}")
    assert POST_EVENT.decode(DELETE + b',"version":7}').version == 7
    explicit = POST_EVENT.decode(DELETE + b',"created_at":null}')
    assert b"created_at" not in POST_EVENT.encode(explicit)


def _deep() -> dict[str, object]:
    position: dict[str, object] = {}
    for _ in range(100_000):
        position = {"deeper": position}
    return position


@pytest.mark.parametrize(
    "fields",
    [{"source_id": "\ud800"}, {"source_id": "a\udfffb"}, {"source_id": "a", "position": _deep()}],
    ids=["surrogate", "surrogate in text", "deep"],
)
def test_what_json_cannot_hold_cannot_be_written(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage) as caught:
        CHECKPOINT.encode(Checkpoint(saved_at=EPOCH, **fields))
    assert caught.value.reason == "invalid_message"


def test_a_reason_is_one_that_a_dead_letter_can_carry() -> None:
    for reason in get_args(Reason):
        assert InvalidMessage(reason, "why").reason == reason
    with pytest.raises(AssertionError):
        InvalidMessage("bad mood", "why")  # type: ignore[arg-type]
