"""Storms made of words: enough posts of each, and a storm is as severe as its words are read."""

import pytest

from benchmarks.scorecard.word_storms import CRISES, WAKES, severity, storms
from schemas.mention import Sentiment
from schemas.types import SentimentLabel
from tests import make


def test_each_storm_has_posts_in_each_language() -> None:
    found = storms()
    assert set(found) == {*CRISES, "joy"}
    assert {len(by_language) for by_language in found.values()} == {8}
    lists = [some for by_language in found.values() for some in by_language.values()]
    texts = [text for some in lists for text in some]
    assert len(set(texts)) == len(texts) == 192


@pytest.mark.parametrize(("label", "wakes"), [("negative", True), ("positive", False)])
def test_a_storm_wakes_by_its_tone(label: SentimentLabel, wakes: bool) -> None:
    mention = make.mention("velmora")
    shares = {"negative": 0.05, "neutral": 0.05, "positive": 0.05, label: 0.9}
    mention.sentiment = Sentiment(label=label, score=0, **shares)
    assert (severity([mention], "seed") >= WAKES) is wakes
    assert severity([None], "seed") < WAKES, "what was not read is no storm"
