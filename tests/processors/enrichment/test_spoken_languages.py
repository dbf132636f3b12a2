"""A post is dropped for its language only if the wanted ones are improbable together."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.spoken_languages import (
    MIN_SHARE,
    MIN_SHARE_HINTED,
    MIN_SHARE_OTHER,
    may_be_in,
    without,
)
from schemas.mention import Match

LONG = "nous attendons encore le train de ce matin sur le quai"
ONE = [Match(text="Tarvel", start=0, end=6)]


class Shares:
    """Every text has the same probability; what was asked is kept."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.asked: list[str] = []

    def __call__(self, text: str, wanted: Collection[str], hint: str | None) -> float:
        self.asked.append(text)
        return self.share


def kept(text: str, share: float, hint: str | None = None, wanted: str = "fr") -> bool:
    return may_be_in({wanted}, text, [], hint, Shares(share))


def test_a_possible_language_is_kept() -> None:
    assert kept(LONG, MIN_SHARE)
    assert not kept(LONG, MIN_SHARE * 0.9)


def test_the_platform_shifts_what_is_possible() -> None:
    assert kept(LONG, MIN_SHARE_HINTED, "fr-FR")
    assert not kept(LONG, MIN_SHARE_HINTED * 0.9, "fr-FR")
    assert kept(LONG, MIN_SHARE_OTHER, "es")
    assert not kept(LONG, MIN_SHARE_OTHER * 0.9, "es")


@pytest.mark.parametrize("text", ["mdr", "DM svp", "c nul !!", "👎👎", "https://t.co/x", "2026 ?"])
def test_few_latin_words_decide_nothing(text: str) -> None:
    assert kept(text, 0.0)
    assert kept(text, 0.0, "fr"), "the platform says that it is"
    assert kept(text, 0.0, "qme"), "a tag of a platform that is no language"
    assert not kept(text, 0.0, "es"), "the platform says that it is another one"


def test_few_words_of_another_script_decide() -> None:
    assert not kept("عطل الآن", 0.0)
    assert kept("عطل الآن", 0.9, wanted="ar")


def test_the_name_of_the_brand_is_no_word_of_a_language() -> None:
    shares = Shares(1.0)
    may_be_in({"fr"}, f"Tarvel {LONG}", ONE, None, shares)
    assert shares.asked == [f"       {LONG}"]


@given(st.text(max_size=50), st.integers(0, 60), st.integers(0, 60))
def test_places_are_cut_without_moving_others(text: str, start: int, end: int) -> None:
    start, end = sorted((min(start, len(text)), min(end, len(text))))
    left = without(text, [Match(text="", start=start, end=end), Match(text="@x", field="mentions")])
    assert len(left) == len(text)
    assert left[:start] + left[end:] == text[:start] + text[end:]
