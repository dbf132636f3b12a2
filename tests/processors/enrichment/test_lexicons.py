"""The word lists: every file loads, and has no empty list and no phrase twice."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from processors.enrichment.annotators.aspects import AspectAnnotator, aspect_label
from processors.enrichment.annotators.base import LEXICONS, read_lists
from processors.enrichment.annotators.intents import (
    NEGATORS,
    NEGATORS_AFTER,
    WEAK,
    IntentAnnotator,
    intent_cue,
)  # fmt: skip
from schemas.errors import ConfigurationError
from tests.strategies import ANY_TEXT
from text.phrases import Phrases, expand, phrases_of, spellings, split

FILES = sorted(LEXICONS.glob("*/*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_file_is_sound(path: Path) -> None:
    lists = read_lists(path)
    kind = path.parent.name
    owners: dict[tuple[tuple[str, ...], ...], str] = {}
    for label, phrases in lists.items():
        assert phrases, label
        if label in (NEGATORS, NEGATORS_AFTER):
            continue
        if kind == "aspects":
            aspect_label(label)
            group = "aspects"
        else:
            intent_cue(label, phrases[0])
            # A cue may have two labels, but not one both strong and weak.
            group = label.removesuffix(WEAK)
        for phrase in phrases:
            assert not set("()|") & set(phrase), phrase
            for parts in spellings(phrase, path.stem):
                owner = owners.setdefault((*parts, (group,)), label)
                assert owner == label, f"{phrase!r} is both {owner} and {label}"


@pytest.mark.parametrize("kind", ["crisis", "intents"])
def test_crises_and_intents_have_their_languages(kind: str) -> None:
    languages = {path.stem for path in FILES if path.parent.name == kind}
    assert languages == {"de", "en", "es", "fr", "it", "pt"}


def test_brackets() -> None:
    assert expand("cher(|s)") == ["cher", "chers"]
    assert expand("a (b|c (d|e)|) f") == ["a b f", "a c d f", "a c e f", "a f"]
    assert phrases_of("# no\na, b(|s)\n\n c") == ["a", "b", "bs", "c"]
    for wrong in ("a (b", "a) b", "a | b", "(0|1)" * 12):
        with pytest.raises(ConfigurationError):
            expand(wrong)


@pytest.mark.parametrize("text", ["a: 1", "- a", "a: [1]", "a: {b: c}", "a: 'b: (c'", ":"])
def test_a_bad_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "en.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError):
        read_lists(path)


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="prize"):
        AspectAnnotator({"en": {"prize": ["x"]}})
    with pytest.raises(ConfigurationError, match="anger"):
        IntentAnnotator({"en": {"anger": ["grr"]}}, {})


def test_folding_and_places() -> None:
    text = "L'ÉTÉ e\u0301te\u0301 #PanneOrange @panne https://panne.fr/panne 𝐩𝐚𝐧𝐧𝐞?"
    words = split(text)
    kept = [word for word in words.words if "\x01" not in word]
    assert kept == ["l", "ete", "ete", "panne", "orange", "panne", "?"]
    written = [text[slice(*words.span(at, at))] for at in (1, 2, 4)]
    assert written == ["ÉTÉ", "e\u0301te\u0301", "Orange"]


def test_gaps_elongation_and_the_longest() -> None:
    phrases = Phrases([("never ... again", 1), ("good", 2), ("cher", 3), ("good food", 4)], "en")
    assert phrases.every(split("never fly here again")) == [(0, 3, 1)]
    assert phrases.every(split("never. again")) == []
    assert [hit[2] for hit in phrases.longest(split("goooood cheeer"))] == [2, 3]
    assert phrases.longest(split("good food good")) == [(0, 1, 4), (2, 2, 2)]


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_words_are_in_the_text_in_order(text: str) -> None:
    words = split(text)
    done = 0
    for at in range(len(words.words)):
        start, end = words.span(at, at)
        assert done <= start < end <= len(text)
        done = end
