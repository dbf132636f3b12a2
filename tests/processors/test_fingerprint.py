"""Copies of a text share a fingerprint, and other texts do not."""

import pytest
from hypothesis import given

from processors.fingerprint import duplicate_group
from tests.strategies import ANY_TEXT

TEXT = "Velmora is down again in Nantes"


@pytest.mark.parametrize(
    "copy",
    [
        "VELMORA is DOWN again in nantes",
        "velmora is down again, in Nantes!!!",
        "@friend @other Velmora is down again in Nantes",
        "Velmora is down again in Nantes https://t.example/abc",
        "www.other.example/x Velmora is down again in Nantes",
        "Vélmora ís down again in Nàntes",
        "  Velmora\nis down\tagain in Nantes ",
        "𝐕𝐞𝐥𝐦𝐨𝐫𝐚 is down again in Nantes",
    ],
)
def test_a_copy_is_known(copy: str) -> None:
    assert duplicate_group(copy) == duplicate_group(TEXT)


@pytest.mark.parametrize(
    "other",
    [
        "Velmora is up again in Nantes",
        "again down is Velmora in Nantes",
        "Velmora is down again in Nantes today",
        "Velmora is down again in Nantes #fail",
        "Velmora isdown again in Nantes",
    ],
)
def test_another_text_is_not(other: str) -> None:
    assert duplicate_group(other) not in (None, duplicate_group(TEXT))


@pytest.mark.parametrize(
    "text",
    ["", "thank you", "🍊", "@a @b @c @d", "https://a.example https://b.example www.c.example"],
)
def test_a_text_that_says_too_little_is_no_copy_of_anything(text: str) -> None:
    assert duplicate_group(text) is None


def test_a_fingerprint_never_changes() -> None:
    assert duplicate_group("one two three") == "64f5901153c23b37"


@given(ANY_TEXT)
def test_any_text_has_one_or_none(text: str) -> None:
    found = duplicate_group(text)
    assert found is None or (len(found) == 16 and int(found, 16) >= 0)
    assert found == duplicate_group(f"@someone {text}")
