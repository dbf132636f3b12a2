"""Invented posts: each text expands, answers stand in it, and none is in a held-out set."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from benchmarks.accuracy.everyday import everyday_posts
from benchmarks.scorecard.word_storms import storms
from schemas.types import SentimentLabel
from training.invented_posts import LANGUAGES, invent

POSTS = 500
RUN = 5
"""Words of a run that no held-out post may share."""
_WORD = re.compile(r"[\w\u0900-\u097f]+")


def runs(text: str) -> Iterator[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return (tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_expands_and_its_answers_stand_in_it(language: str) -> None:
    labels: tuple[SentimentLabel, ...] = ("negative", "neutral", "positive")
    for post in invent(language, POSTS):
        assert not re.search(r"<\w{2,}>|[\[\]{}|]", post.text), post.text
        assert post.text == post.text.strip() != ""
        assert post.tone in labels
        assert post.towards, "each is about a brand"
        for start, end, label in post.towards:
            assert post.text[start:end].strip() and label in labels
        for start, end, label in post.names:
            assert post.text[start:end].strip() and label in ("ORG", "LOC", "PERSON")
        spans = sorted(post.names)
        assert all(one[1] <= other[0] for one, other in pairwise(spans))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_same_kinds(language: str) -> None:
    def told(code: str) -> set[tuple[str, str]]:
        return {(post.kind, post.tone) for post in invent(code, POSTS)}

    assert told(language) == told("en")


def test_the_same_seed_gives_the_same_posts_and_names_change() -> None:
    assert invent("fr", 40, 3) == invent("fr", 40, 3) != invent("fr", 40, 4)
    names = {
        post.text[start:end].lower() for post in invent("fr", POSTS) for start, end, _ in post.names
    }
    assert len(names) > POSTS / 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_held_out_post_is_among_them(language: str) -> None:
    taught = {run for post in invent(language, 2 * POSTS, 9) for run in runs(post.text)}
    held = [post.text for post in everyday_posts() if post.lang == language]
    held += [text for by_language in storms().values() for text in by_language[language]]
    assert [text for text in held if not taught.isdisjoint(runs(text))] == []
