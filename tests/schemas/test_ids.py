"""Post ids, author hashes and the times in ids, against values that the platforms published."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import (
    EPOCH,
    MAX_ID_BYTES,
    X_EPOCH_MS,
    author_hash,
    microseconds,
    post_id,
    snowflake_time,
    tid_microseconds,
    tid_time,
    time_of,
)
from tests.strategies import ANY_TEXT

ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"


def test_a_snowflake_holds_its_time() -> None:
    # The worked example of Wikipedia's "Snowflake ID", and the first one, of November 2010.
    expected = datetime(2022, 6, 28, 16, 7, 40, 105_000, tzinfo=UTC)
    assert snowflake_time("1541815603606036480") == expected
    assert snowflake_time(str(1 << 22).zfill(15)) == EPOCH + timedelta(milliseconds=X_EPOCH_MS + 1)


# "29700859247" is older than snowflakes: a plain count.
@pytest.mark.parametrize(
    "native", ["", "12", "29700859247", "-1541815603606036480", "15418156036060364８0", "١" * 19]
)
def test_other_ids_hold_no_snowflake_time(native: str) -> None:
    assert snowflake_time(native) is None


def test_a_tid_holds_its_time() -> None:
    # The post of the Jetstream README: createdAt and time_us stand beside the record key.
    made = tid_time("3l3qo2vuowo2b")
    assert made is not None
    assert abs(made - datetime(2024, 9, 9, 19, 46, 2, 102_000, tzinfo=UTC)) < timedelta(seconds=1)
    revision = tid_microseconds("3l3qo2vutsw2b")
    assert revision is not None
    assert 0 <= 1_725_911_162_329_308 - revision < 1_000_000


VALID = ["3jzfcijpj2z2a", "7777777777777", "3zzzzzzzzzzzz", "2222222222222"]
INVALID = [
    "3jzfcijpj2z21", "0000000000000", "3jzfcijpj2z2aa", "3jzfcijpj2z2", "3jzf-cij-pj2z-2a",
    "zzzzzzzzzzzzz", "kjzfcijpj2z2a", "", "self", "3JZFCIJPJ2Z2A",
]  # fmt: skip


@pytest.mark.parametrize("tid", VALID + INVALID)
def test_the_tids_of_the_specification_are_valid_or_not(tid: str) -> None:
    assert (tid_time(tid) is not None) == (tid in VALID)


@given(st.integers(0, 2**53 - 1), st.integers(0, 1023))
def test_a_tid_is_its_microseconds_and_a_clock_number(micros: int, clock: int) -> None:
    value, letters = micros << 10 | clock, ""
    for _ in range(13):
        letters, value = ALPHABET[value & 31] + letters, value >> 5
    assert tid_microseconds(letters) == micros
    assert tid_time(letters) == EPOCH + timedelta(microseconds=micros)


def test_the_time_of_a_post_is_read_from_its_id() -> None:
    assert time_of("x:1541815603606036480") == snowflake_time("1541815603606036480")
    did = "did:plc:invented0000000000000000"
    uri = f"bluesky:at://{did}/app.bsky.feed.post/3l3qo2vuowo2b"
    assert time_of(uri) == time_of(f"bluesky:{did}/3l3qo2vuowo2b") == tid_time("3l3qo2vuowo2b")


@pytest.mark.parametrize("id_", ["file:1541815603606036480", "x:abc", "bluesky:self", "x", "", ":"])
def test_other_ids_tell_no_time(id_: str) -> None:
    assert time_of(id_) is None


@given(st.sampled_from(["x", "bluesky", "file"]), ANY_TEXT)
def test_any_id_is_read_without_harm(source: str, native: str) -> None:
    when = time_of(post_id(source, native))
    assert when is None or when.tzinfo is UTC


@given(st.sampled_from(["x", "file"]), ANY_TEXT)
def test_a_short_id_is_readable(source: str, native: str) -> None:
    assert post_id(source, native) == f"{source}:{native}"


@pytest.mark.parametrize("native", ["n" * 5_000, "é" * 255, "🍊" * 200, "\ud800" * 600])
def test_a_long_id_is_bounded_and_still_one(native: str) -> None:
    id_ = post_id("feed", native)
    assert id_.startswith("feed:b2-")
    assert len(id_.encode()) <= MAX_ID_BYTES
    assert id_ == post_id("feed", native)
    assert id_ != post_id("feed", native + "x")


def test_the_bound_counts_bytes() -> None:
    native = "n" * (MAX_ID_BYTES - len("feed:"))
    assert post_id("feed", native) == f"feed:{native}"
    assert post_id("feed", native + "n").startswith("feed:b2-")


def test_an_author_hash_never_changes() -> None:
    # Kept in topics and compared over time: a change would count every author twice.
    assert author_hash("x", "88231") == "1d4c267e87ab0a39"
    assert author_hash("bluesky", "did:plc:invented0000000000000000") == "75dbe0389ad56cee"
    assert author_hash("x", "88231") != author_hash("bluesky", "88231")
    assert len(author_hash("x", "\ud800")) == 16


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact(when: datetime) -> None:
    assert EPOCH + timedelta(microseconds=microseconds(when)) == when
