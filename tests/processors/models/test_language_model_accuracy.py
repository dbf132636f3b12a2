"""The language identifier on real posts that its model was not trained on."""

import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from processors.models.language_model import LanguageIdentifier
from training.train_language import TWEETLID, Held, macro, read_held_out

DATA = Path(
    os.environ.get("TOCSIN_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data")
)
POSTS = ("umsab_val", "twitterlid5", "tweetlid14")

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not here")


@pytest.fixture(scope="module")
def held() -> Held:
    return read_held_out(DATA)[1]


@pytest.mark.parametrize(
    ("name", "chosen", "floor"),
    [
        ("umsab_val", lambda code: True, 94.0),
        ("umsab_val", lambda code: code != "hi", 98.0),
        ("twitterlid5", lambda code: True, 94.0),
        ("tweetlid14", lambda code: code in TWEETLID[:4], 91.0),
        ("sentences", lambda code: code != "nb", 94.0),
        ("wordpairs", lambda code: code != "nb", 72.0),
    ],
)
def test_floor(held: Held, name: str, chosen: Callable[[str], bool], floor: float) -> None:
    rows = [row for row in held[name] if chosen(row[1])]
    answers = LanguageIdentifier().identify([text for text, _ in rows])
    assert macro([code for code, _ in answers], [code for _, code in rows]) >= floor


def test_a_confidence_is_how_often_the_answer_is_right(held: Held) -> None:
    everything = LanguageIdentifier(threshold=0.0)
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for name in POSTS:
        # A quarter of what UMSAB calls Hindi is plain English.
        rows = [row for row in held[name] if name != "umsab_val" or row[1] != "hi"]
        answers = everything.identify([text for text, _ in rows])
        for (code, confidence), (_, truth) in zip(answers, rows, strict=True):
            bins[min(4, int(confidence * 5))].append((confidence, code == truth))
    shares = []
    for _, pairs in sorted(bins.items()):
        confidence = sum(confidence for confidence, _ in pairs) / len(pairs)
        shares.append(sum(right for _, right in pairs) / len(pairs))
        assert abs(confidence - shares[-1]) < 0.2
    assert shares == sorted(shares)
    assert shares[-1] > 0.97
