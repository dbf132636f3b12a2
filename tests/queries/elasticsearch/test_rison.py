"""Rison is read back as the same value by a decoder of its grammar."""

import math
import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queries.elasticsearch.rison import in_address, rison
from tests.queries.elasticsearch.rison_reader import read_rison

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.text(alphabet="!'(),:*@$ \"\\%&#+-_.aZ09é日🍊"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert read_rison(rison(value)) == value


@given(VALUES)
def test_an_address_holds_it_in_ascii_and_gives_it_back(value: Any) -> None:
    escaped = in_address(rison(value))
    assert re.fullmatch(r"[A-Za-z0-9_.~!(),:*@$/;%-]*", escaped)
    assert unquote(escaped) == rison(value)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a": 1, "b": ["x", True, None]}, "(a:1,b:!(x,!t,!n))"),
        ({}, "()"),
        ([], "!()"),
        ("", "''"),
        ("now-15m", "now-15m"),
        ("-1", "'-1'"),
        ("1e3", "'1e3'"),
        ("can't!", "'can!'t!!'"),
        ("a b", "'a b'"),
        (1e30, "1e30"),
        (-0.5, "-0.5"),
        (math.inf, "!n"),
        ({"$state": {"store": "appState"}}, "('$state':(store:appState))"),
    ],
)
def test_the_notation_is_that_of_kibana(value: Any, written: str) -> None:
    assert rison(value) == written


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError, match="set is no JSON value"):
        rison({"a": {1, 2}})  # type: ignore[dict-item]


def test_half_of_a_surrogate_pair_does_not_break_an_address() -> None:
    assert in_address("\ud83c") == "%3F"
