"""Values of a row: ids, times, counts, lists. None of them is changed; some are left out."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.files.cells import (
    FIELDS,
    Cell,
    CellOptions,
    NotAPost,
    Tally,
    count_of,
    native_id,
    refuse_rounded,
    time_of_text,
    unescaped,
)
from ingestors.source import SourceError

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        ("1369999999999999999", "1369999999999999999"),
        (1369999999999999999, "1369999999999999999"),
        ('="1369999999999999999"', "1369999999999999999"),
        ("'1369999999999999998", "1369999999999999998"),
        ("1369999999999999997.0", "1369999999999999997"),
        (12.0, "12"),
        (" a-1 ", "a-1"),
        ("5e10a", "5e10a"),
        ("507f1e10", "507f1e10"),
        ("https://a.example/?id=1", "https://a.example/?id=1"),
        *((absent, None) for absent in ("", "nan", "None", "NULL", None, float("nan"), True)),
    ],
)
def test_an_id_is_that_of_the_platform(written: Any, id_: str | None) -> None:
    assert native_id(written) == id_


@pytest.mark.parametrize(
    "written", ["1.37014E+18", "1,37014E+18", "1.3699999999999999e+18", "1E+18", 1.5e18, 1.5]
)
def test_a_rounded_id_is_refused(written: Any) -> None:
    with pytest.raises(NotAPost, match="was rounded"):
        native_id(written)


def test_ids_that_all_end_in_zeros_were_rounded_by_a_spreadsheet() -> None:
    with pytest.raises(SourceError, match="rounded to 15 digits"):
        refuse_rounded(["1370140000000000000", "1370140000000010000", "7"], "id", "a.csv")
    refuse_rounded(["1370140000000000000"], "id", "a.csv")  # one may be so by chance
    refuse_rounded(["1370140000000000000", "1370140000000010001"], "id", "a.csv")


@given(st.integers(0, 2**63))
def test_whole_numbers_keep_every_digit(number: int) -> None:
    assert native_id(number) == native_id(str(number)) == native_id(f'="{number}"') == str(number)


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("12,345", 12_345),
        ("1 234", 1_234),
        ("1\u202f234\u202f567", 1_234_567),
        ("1.234", 1_234),
        ("1.2K", 1_200),
        ("1,2 k", 1_200),
        ("3M", 3_000_000),
        ("1.5 Md", 1_500_000_000),
        ("12.0", 12),
        ("0", 0),
        (12.9, 12),
        *((bad, None) for bad in ("-1", "many", "1,23,4", "1e400", "nan", -1, float("nan"), True)),
    ],
)
def test_counts_as_people_and_software_write_them(written: Any, count: int | None) -> None:
    assert count_of(written) == count


@pytest.mark.parametrize(
    ("written", "pattern", "zone", "hour"),
    [
        ("2026-07-01T10:00:00", "rfc3339", UTC, 10),
        ("2026-07-01T10:00:00", "rfc3339", PARIS, 8),
        ("2026-01-01 10:00", "%Y-%m-%d %H:%M", PARIS, 9),
        ("2026-07-01T10:00:00Z", "rfc3339", PARIS, 10),
        ("2026-07-01 10:00:00 EDT", "%Y-%m-%d %H:%M:%S %Z", PARIS, 14),
        ("2026-12-01 10:00:00 EST", "%Y-%m-%d %H:%M:%S %Z", UTC, 15),
        ("2026-07-01 10:00:00 CEST", "%Y-%m-%d %H:%M:%S %Z", UTC, 8),
        ("2026-07-01 10:00 PM UTC", "%Y-%m-%d %I:%M %p %Z", UTC, 22),
        ("2026-07-01 10:00:00 CST", "%Y-%m-%d %H:%M:%S %Z", UTC, None),
        ("1612113012345", "rfc3339", UTC, None),
        ("soon", "rfc3339", UTC, None),
    ],
)
def test_times_have_the_zone_of_the_file_and_never_that_of_the_host(
    monkeypatch: pytest.MonkeyPatch, written: str, pattern: str, zone: Any, hour: int | None
) -> None:
    for host in ("America/New_York", "UTC"):
        monkeypatch.setenv("TZ", host)
        when = time_of_text(written, pattern, zone)
        assert (when and when.hour) == hour


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("D&amp;F &lt;3 it&#39;s", "D&F <3 it's"),
        ("&amp;amp;", "&amp;"),
        ("a=1&copy=2 & R&D", "a=1&copy=2 & R&D"),
        ("&nosuch; &#xD800;", "&nosuch; \ufffd"),
    ],
)
def test_entities_with_a_semicolon_are_text(text: str, plain: str) -> None:
    assert unescaped(text) == plain


def test_what_cannot_be_read_is_left_out_and_counted() -> None:
    tally = Tally()

    def read(field: str, value: object) -> object:
        return FIELDS[field](value, Cell(field, field, CellOptions(), tally))

    assert read("country", "Oz") is read("metrics.likes", "many") is None
    assert read("reply_to", 1.4e18) is read("author.id", "1.2E+17") is None
    assert read("metrics.views", "") is read("country", "nan") is None
    assert read("hashtags", "['velmora', 'panne']") == ["velmora", "panne"]
    assert read("author.verified", "oui") is True
    assert tally.counts == {"country": 1, "metrics.likes": 1, "reply_to": 1, "author.id": 1}
    assert "country of 1 post could not be read and is left out (first: 'Oz')" in tally.lines()


def test_a_time_in_words_is_no_time() -> None:
    with pytest.raises(NotAPost, match="no format listed under times"):
        FIELDS["created_at"]("yesterday", Cell("created_at", "date", CellOptions(), Tally()))
    assert FIELDS["created_at"]("NaT", Cell("created_at", "date", CellOptions(), Tally())) is None
    cell = Cell("created_at", "date", CellOptions(("epoch_ms",)), Tally())
    assert FIELDS["created_at"]("1612113012345", cell) == datetime(
        2021, 1, 31, 17, 10, 12, 345_000, UTC
    )
