"""The everyday posts: enough of each kind and language, and answers that fit their texts."""

from collections import Counter

import pytest

from benchmarks.accuracy.everyday import EverydayPost, everyday_posts, read_posts, score
from benchmarks.accuracy.tiers import TierReader
from schemas.mention import Entity, Language, Sentiment, Target
from schemas.types import Tier
from tests import make

POSTS = everyday_posts()


def test_each_language_has_each_kind() -> None:
    assert len(POSTS) >= 100
    assert len({post.lang for post in POSTS}) == 8
    kinds = Counter((post.lang, post.kind) for post in POSTS)
    assert len(kinds) == len(POSTS) == 8 * len({post.kind for post in POSTS})
    assert len({post.text for post in POSTS}) == len(POSTS)


@pytest.mark.parametrize("post", POSTS, ids=lambda post: f"{post.lang}-{post.kind}")
def test_the_answers_are_of_what_stands_there(post: EverydayPost) -> None:
    assert all(post.text.count(name) == 1 for name in post.names)
    assert post.towards.keys() <= post.names.keys()
    assert {post.names[brand] for brand in post.towards} == {"ORG"}
    if post.kind in ("comparison", "leaving"):
        assert len(set(post.towards.values())) == 2


def _sentiment(label: str) -> Sentiment:
    return Sentiment(label=label, score=0, negative=0.3, neutral=0.4, positive=0.3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tier", "least"),
    [
        ("fast", {"language": 104, "tone": 66, "towards": 68, "names": 100}),
        ("accurate", {"language": 104, "tone": 74, "towards": 80, "names": 140}),
    ],
)
def test_the_tiers_read_most_of_them(tier: Tier, least: dict[str, int]) -> None:
    found = score(POSTS, read_posts(TierReader.load(tier), POSTS))
    assert {what: found.right[what] for what in least if found.right[what] < least[what]} == {}
    assert found.wrong_names <= 50


def test_answers_are_counted_one_by_one() -> None:
    post = EverydayPost(
        lang="fr",
        kind="comparison",
        text="A mieux que B à Lyon",
        tone="positive",
        towards={"A": "positive", "B": "negative"},
        names={"A": "ORG", "Lyon": "LOC"},
    )
    mention = make.mention(
        post.text,
        sentiment=_sentiment("positive"),
        targets=[Target(text="A", sentiment=_sentiment("positive")), Target(text="B")],
        entities=[
            Entity(text="Lyon", label="LOC", start=16, end=20),
            Entity(text="mieux", label="ORG", start=2, end=7),
        ],
    )
    mention.language = Language(code="fr", confidence=1)
    found = score([post, post], [mention, None])
    assert found.share("language") == found.share("tone") == "1/2"
    # A target without a sentiment has the tone of the post.
    assert found.share("towards") == "1/4"
    assert (found.share("names"), found.wrong_names) == ("1/4", 1)
