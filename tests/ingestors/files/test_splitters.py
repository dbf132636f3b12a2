"""Lines, and JSON values over any number of lines, in any pieces."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.files import splitters
from ingestors.files.splitters import JsonSplitter, LineSplitter, Splitter
from tests.ingestors.hostile_json import JSON


def split(splitter: Splitter, data: bytes, size: int) -> list[bytes]:
    for at in range(0, len(data), size):
        splitter.feed(data[at : at + size])
    splitter.finish()
    return list(splitter.ready)


@given(st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b""])), st.integers(1, 5))
def test_lines_in_any_pieces(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    assert b"".join(split(LineSplitter(), data, size)) == data
    assert all(b"\n" not in line[:-1] for line in split(LineSplitter(), data, size))


def test_a_lone_carriage_return_ends_a_line_of_an_old_mac() -> None:
    assert split(LineSplitter(b"\r"), b"a\rb\rc", 2) == [b"a\n", b"b\n", b"c"]


@given(
    st.lists(st.dictionaries(st.text(), JSON), max_size=5),
    st.sampled_from([None, 2]),
    st.booleans(),
    st.integers(1, 9),
)
def test_json_in_any_layout_and_any_pieces(
    values: list[dict[str, Any]], indent: int | None, as_array: bool, size: int
) -> None:
    if as_array:
        text = json.dumps(values, indent=indent)
    else:
        text = "\n".join(json.dumps(value, indent=indent) for value in values)
    found = split(JsonSplitter(), text.encode(), size)
    assert json.dumps([json.loads(item) for item in found]) == json.dumps(values)


@given(st.binary(max_size=60), st.integers(1, 9))
def test_any_bytes_give_the_same_items_in_any_pieces(data: bytes, size: int) -> None:
    assert split(JsonSplitter(), data, size) == split(JsonSplitter(), data, 100)


@pytest.mark.parametrize(
    ("made", "data"),
    [
        (LineSplitter, b"a" * 500 + b"\nb\n"),
        (JsonSplitter, b'[{"a":"' + b"a" * 500 + b'"},{"b":1}]'),
    ],
)
def test_a_record_without_end_is_cut(
    monkeypatch: pytest.MonkeyPatch, made: Callable[[], Splitter], data: bytes
) -> None:
    monkeypatch.setattr(splitters, "MAX_LINE_BYTES", 100)
    long, short = split(made(), data, 64)
    assert len(long) == 101
    assert len(short) < 10
