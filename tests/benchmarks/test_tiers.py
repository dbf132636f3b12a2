"""What must never happen is noticed when it does."""

from collections.abc import Sequence

import pytest

from benchmarks.accuracy.tiers import TierReader
from processors.enrichment.enricher import Enricher
from schemas.mention import Entity, Language, Mention, Target


class Guess:
    """Says that everything is English, and that the first word is a place; it may be wrong."""

    name = "language"
    version = "1"
    heavy = False

    def __init__(self, shift: int = 0) -> None:
        self.shift = shift

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            text = mention.post.text
            if "boom" in text:
                raise RuntimeError("boom")
            mention.language = Language(code="en", confidence=1)
            word = text.split()[0]
            place = Entity(text=word, label="LOC", start=self.shift, end=self.shift + len(word))
            mention.entities = [place]


def reader(*annotators: Guess) -> TierReader:
    return TierReader("fast", Enricher(annotators, keep_unmatched=True, prefilter=False))


def test_right_offsets_are_counted() -> None:
    own = reader(Guess())
    (one, two) = own.read(["Rome is far", "Oslo"])
    assert one and one.language and one.language.code == "en"
    assert two and two.entities[0].text == "Oslo"
    assert (own.posts, own.crashed, own.offsets, own.wrong_offsets) == (2, 0, 2, [])


def test_a_wrong_offset_is_told() -> None:
    own = reader(Guess(shift=1))
    own.read(["Rome is far"])
    assert own.wrong_offsets == ["'Rome' at 1:5 is 'ome '"]


def test_a_post_that_makes_it_raise_costs_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    own = reader(Guess())
    found = own.read(["Rome", "boom", "Oslo"])
    assert [mention is None for mention in found] == [False, True, False]
    assert (own.posts, own.crashed) == (3, 1)
    assert "boom" in capsys.readouterr().out


def test_a_language_can_be_told_and_annotators_chosen() -> None:
    own = reader(Guess())
    (told,) = own.read(["Rome"], language="it")
    assert told and told.language == Language(code="it", confidence=1) and not told.entities
    (nothing,) = own.read(["Rome"], ["entities"])
    assert nothing and nothing.language is None


def test_each_text_has_its_target() -> None:
    texts = [f"text {n}" for n in range(1_001)]
    found = reader(Guess()).read(texts, targets=[[text[5:]] for text in texts])
    assert [one and one.targets for one in found] == [[Target(text=t[5:])] for t in texts]
