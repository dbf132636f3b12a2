"""Crashes and wrong offsets are noticed."""

from collections.abc import Sequence

import pytest

from benchmarks.accuracy.tiers import TierReader
from processors.enrichment.enricher import Enricher
from schemas.mention import Entity, Language, Mention, Target


class Guess:
    """Labels every post as English and its first word as a place, with a shift of the offsets."""

    name = "language"
    version = "1"
    heavy = False
    whole = False

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
    rome, oslo = own.read(["Rome is far", "Oslo"])
    assert rome and rome.language and rome.language.code == "en"
    assert oslo and oslo.entities[0].text == "Oslo"
    assert (own.posts, own.crashed, own.offsets, own.wrong_offsets) == (2, 0, 2, [])


def test_a_wrong_offset_is_reported() -> None:
    own = reader(Guess(shift=1))
    own.read(["Rome is far"])
    assert own.wrong_offsets == ["'Rome' at 1:5 is 'ome '"]


def test_a_post_that_makes_it_raise_costs_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    own = reader(Guess())
    mentions = own.read(["Rome", "boom", "Oslo"])
    assert [mention is None for mention in mentions] == [False, True, False]
    assert (own.posts, own.crashed) == (3, 1)
    assert "boom" in capsys.readouterr().out


def test_a_language_can_be_given_and_annotators_chosen() -> None:
    own = reader(Guess())
    (given,) = own.read(["Rome"], language="it")
    assert given and given.language == Language(code="it", confidence=1) and not given.entities
    (mention,) = own.read(["Rome"], ["entities"])
    assert mention and mention.language is None


def test_each_text_has_its_target() -> None:
    texts = [f"text {n}" for n in range(1_001)]
    mentions = reader(Guess()).read(texts, targets=[[text[5:]] for text in texts])
    assert [m and m.targets for m in mentions] == [[Target(text=t[5:])] for t in texts]
