"""The sentiment model: valid probabilities, the same answer in any batch, never raising."""

import gzip
import json
import math
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.models.sentiment_model import ARTIFACT, LABELS, MAX_TEXT, SentimentModel, normalise
from schemas.errors import ArtifactMissing
from tests.strategies import ANY_TEXT

DATA = Path(
    os.environ.get("TOCSIN_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data")
)
MODEL = SentimentModel.load()

POSTS = [
    ("negative", "worst service ever, I am so angry and disappointed"),
    ("negative", "this update is terrible, everything is broken and I hate it"),
    ("negative", "so sad and tired of these delays 😡"),
    ("positive", "I love this place, thank you for an amazing evening!"),
    ("positive", "great job, happy with the new phone, best one so far :)"),
    ("positive", "what a beautiful day, so excited for tomorrow ❤"),
    ("neutral", "The meeting is on Monday at 10 in the town hall"),
    ("negative", "service client nul, c'est une honte, je suis très déçu"),
    ("negative", "encore une panne, j'en ai marre de cette entreprise"),
    ("positive", "merci beaucoup, super accueil, j'adore cet endroit"),
    ("positive", "bravo à toute l'équipe, c'est magnifique, trop contente !"),
    ("negative", "qué asco de servicio, estoy muy triste y enfadada"),
    ("positive", "muchas gracias, qué bonito, me encanta, feliz día"),
    ("positive", "vielen Dank, das war super, ich freue mich sehr :)"),
    ("positive", "grazie mille, che bello, sono felicissima"),
    ("positive", "muito obrigado, adorei, que dia lindo"),
]


def label_of(score: tuple[float, float, float]) -> str:
    return LABELS[score.index(max(score))]


def test_most_plain_posts_are_understood() -> None:
    scores = MODEL.score([text for _, text in POSTS])
    right = sum(label_of(s) == label for s, (label, _) in zip(scores, POSTS, strict=True))
    assert right >= len(POSTS) - 3


def test_normalisation() -> None:
    assert normalise("Sooooo GOOD!!!!! @bob https://a.b/c") == "soo good !! usertoken urltoken"
    assert normalise("fish &amp; chips\r\n\tnow") == "fish & chips now"
    assert normalise("ok👍🏽👍🏽👍🏽") == "ok 👍 👍"
    assert normalise("ﻃﻔــل") == "طفل"


def test_text_after_the_limit_and_the_names_in_links_and_handles_do_not_count() -> None:
    long = "good " * (MAX_TEXT // 5)
    assert MODEL.score([long]) == MODEL.score([long + "terrible " * 10_000])
    one, other = MODEL.score(["@a thanks https://x.org/1", "@b_c thanks http://y.com/?q=hate"])
    assert one == other


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00", "\ud800", "a\udfffb", "😀" * 1_000_000, "a" * 1_000_000, "\n" * 9_999,
     "&#xFFFFFFFF;", "&" * 5_000, "\ufdfa" * 5_000, "\u202e\u200d\ufe0f"],
)  # fmt: skip
def test_hostile_text(text: str) -> None:
    (score,) = MODEL.score([text])
    assert math.isclose(sum(score), 1)


@settings(max_examples=200, deadline=None)
@given(st.lists(ANY_TEXT, max_size=8))
def test_the_answer_does_not_depend_on_the_batch(texts: list[str]) -> None:
    batch = MODEL.score(texts)
    assert batch == [MODEL.score([text])[0] for text in texts]
    assert all(math.isclose(sum(score), 1) and min(score) >= 0 for score in batch)


def test_a_batch_of_many_chunks_is_the_same_too() -> None:
    texts = [text * 12 for _, text in POSTS] * 60
    assert MODEL.score(texts) == MODEL.score(texts[: len(POSTS)]) * 60


def test_an_altered_artifact_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / ARTIFACT.name
    payload = bytearray(ARTIFACT.read_bytes())
    payload[len(payload) // 2] ^= 1
    copy.write_bytes(payload)
    with pytest.raises(ArtifactMissing):
        SentimentModel.load(copy)
    copy.with_suffix(".json").write_bytes(ARTIFACT.with_suffix(".json").read_bytes())
    with pytest.raises(ArtifactMissing, match="checksum"):
        SentimentModel.load(copy)
    assert ARTIFACT.stat().st_size <= 3_000_000


OF_UMSAB = {"ar": 61, "de": 61, "en": 62, "es": 53, "fr": 60, "it": 56, "pt": 56}
FLOORS = [("umsab_val", *floor) for floor in OF_UMSAB.items()]
FLOORS.append(("tweeteval_sentiment_val", "en", 60))


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not here")
def test_floor_on_real_posts() -> None:
    rows = []
    for name in ("umsab_val", "tweeteval_sentiment_val"):
        with gzip.open(DATA / "sentiment" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows += [json.loads(line) | {"set": name} for line in lines]
    scores = MODEL.score([row["text"] for row in rows])
    for name, language, floor in FLOORS:
        chosen = [
            (row["label"], label_of(score))
            for row, score in zip(rows, scores, strict=True)
            if (row["set"], row["lang"]) == (name, language)
        ]
        right = Counter(truth for truth, guess in chosen if truth == guess)
        either = Counter(label for pair in chosen for label in pair)
        f1 = [2 * right[label] / either[label] for label in LABELS]
        assert 100 * sum(f1) / len(f1) >= floor, (name, language)
