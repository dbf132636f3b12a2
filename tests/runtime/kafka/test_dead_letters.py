"""Dead letters are always built, fit and lose nothing; the brake stops on too many."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runtime.kafka.dead_letters import (
    FIRST_AT_HEADER,
    MAX_DETAIL,
    MAX_KEY_BYTES,
    MAX_PAYLOAD_BYTES,
    REPLAYS_HEADER,
    Brake,
    encode_dead_letter,
    first_at_of,
    letter_key,
    replays_of,
)
from schemas.codec import DEAD_LETTER
from schemas.dead_letter import DeadLetter
from schemas.errors import BrakeTripped
from schemas.topic_registry import topics
from tests.make import AT
from tests.strategies import ANY_TEXT


def sent(detail: str = "no", payload: bytes = b"", **fields: Any) -> tuple[int, DeadLetter]:
    """A letter as it is read again, and the size of its bytes."""
    fields |= {"service": "process", "reason": "too_large", "at": AT}
    data = encode_dead_letter(DeadLetter(detail=detail, payload=payload, **fields))
    return len(data), DEAD_LETTER.decode(data)


@given(
    detail=ANY_TEXT,
    payload=st.binary(max_size=200),
    key=st.none() | st.binary(max_size=20),
    source=st.none() | ANY_TEXT,
    replays=st.integers(0, 1_000_000),
)
def test_any_failure_becomes_a_complete_letter(
    detail: str, payload: bytes, key: bytes | None, source: str | None, replays: int
) -> None:
    place = {"topic": "tocsin.posts", "partition": 3, "offset": 17}
    _, letter = sent(detail, payload, key=key, source=source, replays=replays, **place)
    assert (letter.payload, letter.key, letter.replays) == (payload, key, replays)
    assert (letter.topic, letter.partition, letter.offset) == ("tocsin.posts", 3, 17)
    assert (letter.service, letter.reason, letter.at) == ("process", "too_large", AT)
    assert (letter.source is None) == (source is None)
    assert len(letter.detail) <= MAX_DETAIL


def test_a_long_detail_is_cut_with_an_ellipsis_and_a_cut_payload_states_its_length() -> None:
    assert sent("x" * MAX_DETAIL)[1].detail == "x" * MAX_DETAIL
    assert sent("x" * (MAX_DETAIL + 1))[1].detail == "x" * (MAX_DETAIL - 1) + "…"
    assert sent("no", b"x" * 3_000_000)[1].detail == "no (payload cut from 3000000 bytes)"


@pytest.mark.parametrize("size", [MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES + 1, 9_000_000])
def test_the_largest_payload_fits_into_the_topic(size: int) -> None:
    encoded, letter = sent("🍊" * 1_000, b"\xff" * size, key=b"k" * 1_000, source="s" * 100)
    assert encoded < topics()["dead-letters"].max_message_bytes - 4_096
    assert len(letter.payload) == min(size, MAX_PAYLOAD_BYTES)


@given(
    detail=st.integers(0, 3_000_000),
    payload=st.integers(0, 6_000_000),
    key=st.none() | st.integers(0, 5_000_000),
    source=st.none() | st.integers(0, 3_000_000),
    letter=st.sampled_from(["x", "\x00", "🍊", "\ud800", "é"]),
)
@example(3_000_000, 6_000_000, 5_000_000, 3_000_000, "\x00")
@example(500, MAX_PAYLOAD_BYTES, 2_000_000, None, "\ud800")
@settings(max_examples=30, deadline=None)
def test_a_letter_of_any_sizes_fits_its_topic_and_says_what_was_cut(
    detail: int, payload: int, key: int | None, source: int | None, letter: str
) -> None:
    own = None if key is None else b"k" * key
    encoded, read = sent(
        letter * detail,
        b"\xff" * payload,
        key=own,
        source=None if source is None else letter * source,
        topic="t" * 249,
    )
    total = encoded + len(letter_key(own) or b"")
    assert total < topics()["dead-letters"].max_message_bytes - 4_096
    assert len(read.detail) <= MAX_DETAIL
    assert (f"payload cut from {payload} bytes" in read.detail) == (payload > MAX_PAYLOAD_BYTES)
    assert (f"key cut from {key} bytes" in read.detail) == ((key or 0) > MAX_KEY_BYTES)


def test_the_key_of_a_letter_is_that_of_its_record_or_its_hash() -> None:
    assert [letter_key(key) for key in (None, b"", b"x:1")] == [None, b"", b"x:1"]
    assert letter_key(b"k" * MAX_KEY_BYTES) == b"k" * MAX_KEY_BYTES
    hashed = letter_key(b"k" * 2_000_000) or b""
    assert hashed.startswith(b"sha256:") and len(hashed) == 71
    assert hashed != letter_key(b"k" * 2_000_001)


@pytest.mark.parametrize(
    ("written", "first_at"),
    [
        (b"1772452800000000", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        (b"0", datetime(1970, 1, 1, tzinfo=UTC)),
        (b"9" * 16, datetime(2026, 3, 3, tzinfo=UTC)),
        (b"9" * 1_000_000, datetime(2026, 3, 3, tzinfo=UTC)),
        (b"-1", None),
        (b"\xff", None),
    ],
)
def test_the_first_time_is_read_from_any_header_and_is_never_in_the_future(
    written: bytes, first_at: datetime | None
) -> None:
    headers = [("other", b"7"), (FIRST_AT_HEADER, written)]
    assert first_at_of(headers, datetime(2026, 3, 3, tzinfo=UTC)) == first_at


@pytest.mark.parametrize(
    ("headers", "replays"),
    [
        (None, 0),
        ([], 0),
        ([("other", b"7"), (REPLAYS_HEADER, b"2")], 2),
        (((REPLAYS_HEADER, b"12"),), 12),
        ([(REPLAYS_HEADER, b"")], 0),
        ([(REPLAYS_HEADER, b"-1")], 0),
        ([(REPLAYS_HEADER, b"many")], 0),
        ([(REPLAYS_HEADER, None)], 0),
        ([(REPLAYS_HEADER, "٢".encode())], 0),
        ([(REPLAYS_HEADER, b"9" * 10_000)], 999_999),
        ({REPLAYS_HEADER: b"4"}, 4),
    ],
)
def test_replays_are_read_from_any_headers(headers: object, replays: int) -> None:
    assert replays_of(headers) == replays


def first_stop(
    batches: list[tuple[int, int]], share: float, window: int, consecutive: int
) -> int | None:
    """By the definition: the first batch after which the brake has to stop, or None."""
    seen: list[bool] = []
    for number, (good, bad) in enumerate(batches):
        seen += [False] * good + [True] * bad
        recent = seen[-window:]
        if len(recent) == window and sum(recent) / window > share:
            return number
        run = 0
        while run < len(seen) and seen[-1 - run]:
            run += 1
        if run > consecutive:
            return number
    return None


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=30),
    st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]),
    st.integers(1, 40),
    st.integers(1, 60),
)
@example([(1_000, 0)] * 100 + [(0, 0)], 0.0, 10, 1)
@example([(1, 1)] * 500 + [(0, 1)], 0.5, 100, 1_000)
@example([(0, 2), (1, 0)] * 20 + [(0, 4)], 1.0, 10, 3)
@settings(max_examples=300)
def test_the_brake_stops_where_its_definition_says(
    batches: list[tuple[int, int]], share: float, window: int, consecutive: int
) -> None:
    brake, stopped = Brake(share, window, consecutive), None
    for number, (good, bad) in enumerate(batches):
        try:
            brake.record(good, bad)
        except BrakeTripped:
            stopped = number
            break
    assert stopped == first_stop(batches, share, window, consecutive)


@pytest.mark.parametrize(
    ("brake", "batches", "count"),
    [
        (Brake(1.0, 1_000, 50), [(0, 50), (0, 1)], "51 messages in a row"),
        (Brake(0.5, 100, 1_000), [(1, 2)] * 33 + [(1, 0)], "66 of the last 100 messages"),
    ],
)
def test_the_brake_says_why_and_what_to_do(
    brake: Brake, batches: list[tuple[int, int]], count: str
) -> None:
    for good, bad in batches[:-1]:
        brake.record(good, bad)
    with pytest.raises(
        BrakeTripped, match=f"stopped: {count} .* 'tocsin dead-letters list'"
    ) as why:
        brake.record(*batches[-1])
    assert why.value.exit_status == 4
