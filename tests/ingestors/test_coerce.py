"""Any message of any source ends as an event or a letter, and costs little.

``TOCSIN_TEST_FUZZ`` sets how many fuzzed messages of each source are read.
"""

import os
import time
from collections.abc import Callable
from functools import partial

import pytest

from ingestors.bluesky.posts import read_message
from ingestors.coerce import MAX_LISTED, MAX_VALUES, as_list, parse
from ingestors.files.cells import NotAPost
from ingestors.files.loose_json import json_object
from ingestors.files.mapping import MappingFile
from ingestors.files.post_line import read_post_line
from ingestors.files.records import TableRecords, TableShape
from ingestors.files.row_mapping import RowMapping
from ingestors.source import Unreadable
from ingestors.x.posts import ends_the_stream, read_line
from schemas.codec import POST_EVENT
from schemas.post import PostEvent
from tests.ingestors.hostile_inputs import NOW, fuzzed, worst_cases

Read = Callable[[bytes], PostEvent | str | None]
"""The event of a message, or why it is a letter; None: neither is wanted."""
MAX_SECONDS = 0.25
"""Processor time of one message: five times the bound, as a test machine may be slow."""
FUZZED = int(os.environ.get("TOCSIN_TEST_FUZZ", "300"))
MAPPED = MappingFile(
    source="test",
    fields={
        "id": "id",
        "text": "text",
        "created_at": "created_at",
        "author.id": "author.id",
        "metrics.likes": "likes",
        "mentions": "mentions",
        "reply_to": "reply_to",
        "country": "country",
        "title": "title",
    },
    labels=["zz"],
)


def of_bluesky(payload: bytes) -> PostEvent | str | None:
    message = read_message(payload, NOW)
    return message.fault or message.event


def of_x(payload: bytes) -> PostEvent | str | None:
    ends_the_stream(payload)
    read = read_line(payload, NOW)
    return read.detail if isinstance(read, Unreadable) else read


def of_file(payload: bytes) -> PostEvent | str | None:
    try:
        return read_post_line(payload, NOW, "file")
    except NotAPost as problem:
        return str(problem)


def of_mapping(payload: bytes, mapping: RowMapping) -> PostEvent | str | None:
    try:
        return mapping.event(json_object(payload), NOW)
    except NotAPost as problem:
        return str(problem)


READERS: dict[str, tuple[str, Read]] = {
    "bluesky": ("bluesky", of_bluesky),
    "x": ("x", of_x),
    "file": ("file", of_file),
    "mapping": ("file", partial(of_mapping, mapping=RowMapping(MAPPED))),
}


def seconds_of(read: Read, payload: bytes) -> float:
    """The processor time of the better of two readings; the result can be sent."""
    best = float("inf")
    for _ in range(2):
        began = time.process_time()
        result = read(payload)
        best = min(best, time.process_time() - began)
        if best < MAX_SECONDS:
            break
    if result is not None and not isinstance(result, str):
        POST_EVENT.encode(result)
    return best


@pytest.mark.parametrize("name", READERS)
def test_the_worst_messages_are_cheap(name: str) -> None:
    source, read = READERS[name]
    cases = 0
    for case, payload in worst_cases(source):
        cases += 1
        assert seconds_of(read, payload) < MAX_SECONDS, case
    assert cases > 100


@pytest.mark.parametrize("name", READERS)
def test_fuzzed_messages_end_as_an_event_or_a_letter(name: str) -> None:
    source, read = READERS[name]
    events = letters = 0
    for payload in fuzzed(source, 1, FUZZED):
        began = time.process_time()
        result = read(payload)
        assert time.process_time() - began < MAX_SECONDS, payload
        if isinstance(result, str):
            letters += 1
        elif result is not None:
            POST_EVENT.encode(result)
            events += 1
    assert events > FUZZED / 10
    assert letters > FUZZED / 20


ROW = b'",2026-01-01T00:00:00Z,a\n'
LONG = 1_000_000


@pytest.mark.parametrize(
    "lines",
    [
        [b'1,"a\n', *[b'x"",\n'] * 9_000, ROW],
        [b'1,"a\n', *[b'x"",2026-01-01T00:00:00Z,""\n'] * 9_000, ROW],
        [b'1,"a\n', *[b"1,a,2026-01-01T00:00:00Z,x\n"] * 9_000, ROW],
        [b'1,"a\n', *[b"x\n"] * 9_000, ROW],
        [b"1" + b"," * LONG + b"\n"],
        [b'1,"' + b"&lt;" * (LONG // 4 - 50) + ROW],
        [b'1,"' + b'""' * (LONG // 2 - 50) + ROW],
        [b"1,a," + b"1" * (LONG - 50) + b",a\n"],
        [b"1" * (LONG - 50) + b",a,2026-01-01T00:00:00Z,a\n"],
    ],
)
def test_the_worst_record_of_a_table_is_cheap(lines: list[bytes]) -> None:
    """A quoted field may go on over any number of lines, and is parsed whole."""
    file = MappingFile(source="t", fields={"id": "id", "text": "text", "created_at": "at"})
    records = TableRecords(RowMapping(file, dotted=False), TableShape(), "a file")
    records.feed(b"id,text,at,mentions\n", NOW)
    ends = 0
    began = time.process_time()
    for line in lines:
        try:
            ends += records.feed(line, NOW) is not None
        except NotAPost:
            ends += 1
    assert time.process_time() - began < 2 * MAX_SECONDS
    assert ends >= 1


def test_values_are_counted_outside_of_strings() -> None:
    text = r"\",[{,\\" * MAX_VALUES
    assert parse(b'{"text":"%b"}' % text.encode()) == {"text": '",[{,\\' * MAX_VALUES}
    assert parse(b"[" + b"1," * (MAX_VALUES - 2) + b"1]")
    with pytest.raises(ValueError, match="values"):
        parse(b"[" + b"1," * MAX_VALUES + b"1]")


def test_no_list_of_strangers_is_read_to_its_end() -> None:
    assert len(as_list([0] * (MAX_LISTED + 1))) == MAX_LISTED
