"""The title on the wire: logs and other programs read it, so it never changes."""

import pytest

from schemas.alert import Headline
from text.alert_title import WIRE, blind_title, crisis_title


@pytest.mark.parametrize(
    ("headline", "facts"),
    [
        (
            Headline(name="V", minutes=30, mentions=1_540, authors=210, times=8.83),
            "1540 mentions in 30 minutes, 8.8 times the usual, 210 authors",
        ),
        (
            Headline(name="V", minutes=30, mentions=1, authors=1, times=8, negative_share=0.815),
            "1 mentions in 30 minutes, 8.0 times the usual, 82 % negative, 1 authors",
        ),
        # 23 and 115 of 200: the half goes to the even number, however the share is held.
        (Headline(name="V", negative_share=23 / 200), "0 mentions in 0 minutes, 12 % negative, 0 "
         "authors"),
        (Headline(name="V", negative_share=115 / 200), "0 mentions in 0 minutes, 58 % negative, 0 "
         "authors"),
    ],
)  # fmt: skip
def test_numbers_are_plain_english(headline: Headline, facts: str) -> None:
    assert crisis_title(headline, "open", WIRE) == f"V: {facts}"


def test_an_end_has_no_numbers() -> None:
    headline = Headline(name="V {}", mentions=7)
    assert crisis_title(headline, "close", WIRE) == "V {}: back to the usual"


def test_a_silent_source_is_told_with_its_last_record() -> None:
    assert blind_title("x", "open", "09:05 UTC", WIRE) == (
        "x: blind since 09:05 UTC, quiet may not be calm"
    )
    assert blind_title("x", "close", "", WIRE) == "x: speaks again"
