"""Errors of files in plain words: no word of msgspec's or of YAML's is left, whatever is wrong."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.files.mapping import MappingFile
from runtime.configuration.files import read_yaml
from runtime.configuration.validation import PATTERNS, field_error, unknown_field
from schemas.brand import Brand
from schemas.errors import ConfigurationError
from sinks.alerts.channels.channels_file import Entry


class Inner(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(min_length=1)]
    when: datetime | None = None


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    items: Annotated[list[Inner], msgspec.Meta(max_length=2)] = []
    counts: dict[str, int] = {}
    word: Annotated[str, msgspec.Meta(min_length=2, max_length=3)] = "ab"
    share: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    format: Literal["csv", "jsonl"] = "csv"
    on: bool = False


def fault(raw: object, type_: Any = Outer) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(raw, type_)
    return field_error(caught.value, type_, "the file")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ([], "the file must be a map of names to values, and is a list"),
        ({"items": [{"text": ""}]}, "entry 1 of items: text must not be empty"),
        ({"items": [{"text": "a"}, {}]}, "entry 2 of items: text is missing"),
        ({"items": ["a"]}, "entry 1 of items must be a map of names to values, and is text"),
        ({"items": "a"}, "items must be a list, and is text; write it as [one, two]"),
        ({"items": [{"text": "a"}] * 3}, "items must have at most 2 entries"),
        ({"items": [{"text": True}]}, "entry 1 of items: text must be text, and is true or false; "
         "put it in quotes"),
        ({"items": [{"text": "a", "when": "noon"}]}, "entry 1 of items: when must be a time with "
         "its zone, such as 2026-03-01T12:00:00Z"),
        ({"counts": {"a": "b"}}, "a value of counts must be a whole number, and is text"),
        ({"counts": {"a": 1.5}}, "a value of counts must be a whole number"),
        ({"counts": {1: 1}}, "a key of counts must be text, and is a whole number; put it in "
         "quotes"),
        ({"word": "a"}, "word must have at least 2 characters"),
        ({"word": "abcd"}, "word must have at most 3 characters"),
        ({"share": 0}, "share must be above 0"),
        ({"share": 1}, "share must be below 1"),
        ({"format": "tsv"}, "format cannot be 'tsv'; choose from csv, jsonl"),
        ({"on": "yes"}, "on must be true or false, and is text"),
        ({"wrod": "ab"}, "there is no field wrod; did you mean word?"),
    ],
)  # fmt: skip
def test_an_error_names_the_field_and_what_it_must_be(raw: object, says: str) -> None:
    assert fault(raw) == says


@pytest.mark.parametrize(
    ("raw", "type_", "says"),
    [
        ({"name": "a", "url": "b"}, Entry, "kind is missing"),
        ({"kind": "webhok"}, Entry, "kind cannot be 'webhok'; choose from alertmanager, email, "
         "slack, webhook"),
        ({"kind": "email", "name": "a", "host": "h", "from": "me", "to": []}, Entry,
         "from must be a mail address, such as desk@example.org"),
        ({"kind": "slack", "name": "a", "url_evn": "b"}, Entry, "did you mean url_env?"),
        ({"source": "a", "fields": {}, "format": "xml"}, MappingFile, "choose from csv, jsonl"),
        ({"id": "Ä", "name": "A"}, Brand, "id must have at most 64 lower-case letters, digits, - "
         "and _, and begin with a letter or a digit"),
        ({"id": "a"}, Brand, "name is missing"),
    ],
)  # fmt: skip
def test_files_of_people_have_the_same_sentences(raw: object, type_: Any, says: str) -> None:
    assert says in fault(raw, type_)


NAMES = st.sampled_from(
    ["id", "name", "names", "alerts", "examples", "text", "about", "sensitivity", "channels",
     "kind", "url", "host", "from", "to", "fields", "source", "delete", "times", "mute_until",
     "slack", "email", "1", "query", "peers"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, JSON), st.sampled_from([Brand, Entry, MappingFile, Outer]))
def test_no_word_of_a_library_is_left(raw: dict[str, Any], type_: Any) -> None:
    try:
        msgspec.convert(raw, type_)
    except msgspec.ValidationError as error:
        said = field_error(error, type_)
        assert not re.search(r"[`$]|Expected|Invalid|RFC3339|regex|\b(str|int|array|null)\b", said)


def test_every_pattern_of_a_file_has_a_rule_for_people() -> None:
    top = Path(__file__).parents[3]
    for name in ("schemas/brand.py", "sinks/alerts/channels/channels_file.py"):
        for pattern in re.findall(r'pattern=r"(.*)"\)', (top / name).read_text("utf-8")):
            assert pattern in PATTERNS, name


def test_a_misspelt_name_is_found_at_any_level() -> None:
    assert unknown_field({"id": "a", "alerts": {"sensitivity": 1}}, Brand) is None
    found = unknown_field({"id": "a", "examples": [{"text": "b", "abuot": True}]}, Brand)
    assert found == ("examples.abuot", "did you mean about?")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "at its end: a value is missing, or a bracket is not closed"),
        ("a: b: c", "at line 1, column 5: a colon stands inside a value; put the value in quotes"),
        ("a:\n  - id: b\n   name: c", "at line 3, column 4: it is not indented as the list"),
        ("a: 1\n\tb: 2", "at line 2, column 1: indent with spaces, not with tabs"),
        ("a: \x00", "at line 1, column 4: there is a control character"),
        (b"a: 1\nb: \xff", "at line 2, column 4: the text is not in UTF-8"),
        ("a: 2026-13-45", "month must be in 1..12"),
        ("a: *x", "a value that begins with * must be in quotes"),
        ("a: !x y", "a value that begins with ! must be in quotes"),
        ("a: 'x", "a quote is not closed"),
        ("a: [b, c", "a comma or ] is missing"),
        ("a: {b: c", "a comma or } is missing"),
        ("---\na: 1\n---\na: 2", "a file is one document"),
        ("a: 1\nb: 2\na: 3", "line 3 has a a second time in one map"),
        ("a: [{b: 1, c: {d: 1, d: 2}}]", "line 1 has d a second time"),
        ("[" * 5_000, "is not valid YAML"),
    ],
)
def test_an_error_of_yaml_is_one_sentence_with_its_place(
    tmp_path: Path, text: str | bytes, says: str
) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigurationError) as caught:
        read_yaml(path, dict[str, Any], "hint")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value) and "byte string" not in str(caught.value)


def test_anchors_and_merges_still_work(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(
        "base: &b {x: 1, y: 2}\nother: {<<: *b, y: 3}\nagain: {<<: *b}\nloop: &l [*l]\n"
    )
    content = read_yaml(path, dict[str, Any], "")
    assert content["other"] == {"x": 1, "y": 3}
    assert content["again"] == {"x": 1, "y": 2}
