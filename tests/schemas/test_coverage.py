"""Records of coverage: ids that a restart repeats, and parts that name nobody."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import COVERAGE
from schemas.coverage import CoverageInterval, interval_id, part_of, source_and_part
from schemas.errors import InvalidMessage
from schemas.ids import MAX_ID_BYTES

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def interval(**fields: object) -> CoverageInterval:
    values = {
        "id": interval_id("ingest", "listening", "bluesky", "", AT),
        "version": 1,
        "source": "bluesky",
        "state": "listening",
        "why": "live",
        "told_by": "ingest",
        "told_at": AT,
        "from": AT,
    }
    return msgspec.convert({**values, **fields}, CoverageInterval)


@given(st.text(max_size=300), st.text(max_size=300))
def test_an_id_is_short_whatever_a_source_is_called_and_equal_when_it_is_made_again(
    source: str, part: str
) -> None:
    made = interval_id("detector", "blind", source, part, AT)
    assert made == interval_id("detector", "blind", source, part, AT)
    assert len(made.encode("utf-8", "replace")) <= MAX_ID_BYTES
    assert made != interval_id("detector", "blind", source + "x", part, AT)


@given(st.text(max_size=300))
def test_a_part_shows_no_name_and_can_be_found_by_it(name: str) -> None:
    part = part_of("account", name)
    assert len(part) == len("account:") + 16
    assert part == part_of("account", name)
    assert COVERAGE.decode(COVERAGE.encode(interval(part=part))).part == part


@pytest.mark.parametrize("part", ["jane", "account:jane", "partition:12345678", "feed:6f1d"])
def test_a_name_is_no_part(part: str) -> None:
    body = msgspec.json.encode({**msgspec.to_builtins(interval()), "part": part})
    with pytest.raises(InvalidMessage, match="part"):
        COVERAGE.decode(body)


def test_a_partition_keeps_its_number() -> None:
    assert interval(part="partition:3").part == "partition:3"


@pytest.mark.parametrize("kind", ["", "Feed", "a:b", "x" * 17])
def test_a_kind_of_part_is_a_short_word(kind: str) -> None:
    with pytest.raises(ValueError, match="kind"):
        part_of(kind, "name")


def test_the_file_of_a_replay_is_hashed() -> None:
    source, part = source_and_part("replay:/home/jane/posts.csv?sort=yes")
    assert source == "replay"
    assert part == part_of("input", "/home/jane/posts.csv?sort=yes")
    assert source_and_part("bluesky") == ("bluesky", "")


def test_the_ends_are_called_from_and_to() -> None:
    written = msgspec.json.decode(COVERAGE.encode(interval(to=AT)))
    assert written["from"] == written["to"] == "2026-03-02T09:30:00Z"
