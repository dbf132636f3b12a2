"""Dead letters: always built, always fit, and nothing of the message is lost."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.kafka.dead_letters import (
    MAX_DETAIL,
    MAX_PAYLOAD_BYTES,
    REPLAYS_HEADER,
    dead_letter,
    replays_of,
)
from schemas.codec import DEAD_LETTER
from schemas.topic_registry import topics
from tests.strategies import ANY_TEXT

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@given(
    detail=ANY_TEXT,
    payload=st.binary(max_size=200),
    key=st.none() | st.binary(max_size=20),
    source=st.none() | ANY_TEXT,
    replays=st.integers(0, 1_000_000),
)
def test_whatever_failed_becomes_a_letter_with_all_of_it(
    detail: str, payload: bytes, key: bytes | None, source: str | None, replays: int
) -> None:
    letter = DEAD_LETTER.decode(
        dead_letter(
            service="process",
            reason="invalid_json",
            detail=detail,
            payload=payload,
            at=AT,
            key=key,
            topic="tocsin.posts",
            partition=3,
            offset=17,
            source=source,
            replays=replays,
        )
    )
    assert (letter.payload, letter.key, letter.replays) == (payload, key, replays)
    assert (letter.topic, letter.partition, letter.offset) == ("tocsin.posts", 3, 17)
    assert (letter.service, letter.reason, letter.at) == ("process", "invalid_json", AT)
    assert (letter.source is None) == (source is None)
    assert len(letter.detail) <= MAX_DETAIL


def test_a_long_detail_is_cut_and_says_so() -> None:
    data = dead_letter(service="s", reason="enrich_failed", detail="why " * 500, payload=b"", at=AT)
    letter = DEAD_LETTER.decode(data)
    assert len(letter.detail) == MAX_DETAIL
    assert letter.detail.endswith("…")


def test_a_detail_at_the_limit_is_whole() -> None:
    detail = "x" * MAX_DETAIL
    data = dead_letter(service="s", reason="enrich_failed", detail=detail, payload=b"", at=AT)
    assert DEAD_LETTER.decode(data).detail == detail


@pytest.mark.parametrize("size", [MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES + 1, 9_000_000])
def test_the_largest_payload_fits_into_the_topic(size: int) -> None:
    data = dead_letter(
        service="ingest",
        reason="too_large",
        detail="🍊" * 1_000,
        payload=b"\xff" * size,
        at=AT,
        key=b"k" * 2_048,
        source="s" * 100,
    )
    assert len(data) < topics()["dead-letters"].max_message_bytes - 4_096
    letter = DEAD_LETTER.decode(data)
    assert len(letter.payload) == min(size, MAX_PAYLOAD_BYTES)


def test_a_payload_that_is_cut_says_how_long_it_was() -> None:
    data = dead_letter(
        service="s", reason="too_large", detail="no", payload=b"x" * 3_000_000, at=AT
    )
    assert DEAD_LETTER.decode(data).detail == "no (payload cut from 3000000 bytes)"


@pytest.mark.parametrize(
    ("headers", "replays"),
    [
        (None, 0),
        ([], 0),
        ([("other", b"7")], 0),
        ([("other", b"7"), (REPLAYS_HEADER, b"2")], 2),
        (((REPLAYS_HEADER, b"12"),), 12),
        ([(REPLAYS_HEADER, b"")], 0),
        ([(REPLAYS_HEADER, b"-1")], 0),
        ([(REPLAYS_HEADER, b"many")], 0),
        ([(REPLAYS_HEADER, None)], 0),
        ([(REPLAYS_HEADER, "٢".encode())], 0),
        ([(REPLAYS_HEADER, b"9" * 10_000)], 999_999),
        ({REPLAYS_HEADER: b"4"}, 4),
        ({}, 0),
    ],
)
def test_replays_are_read_from_any_headers(headers: object, replays: int) -> None:
    assert replays_of(headers) == replays
