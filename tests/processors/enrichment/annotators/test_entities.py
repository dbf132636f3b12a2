"""The entity annotator: the name model and the gazetteer together."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.annotators.entities import EntityAnnotator
from schemas.mention import Mention
from tests.processors.enrichment.fakes import mention
from tests.strategies import ANY_TEXT

ANNOTATOR = EntityAnnotator()
ALONE = EntityAnnotator()
"""Reads each post in a batch of its own."""


def annotated(
    posts: Sequence[tuple[str, str]], annotator: EntityAnnotator = ANNOTATOR
) -> Sequence[Mention]:
    mentions = [mention(text, language) for text, language in posts]
    annotator.annotate(mentions)
    return mentions


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


def test_a_language_that_no_model_knows_has_well_known_names() -> None:
    (post,) = annotated([("@SNCF xx Jean Dupont", "xx")])
    assert [(entity.text, entity.name) for entity in post.entities] == [("@SNCF", "SNCF")]


def test_an_unknown_language_is_read_as_english() -> None:
    text = "Angela Merkel in London"
    unsure, unknown, english = mention(text, "nl", 0.3), mention(text, "und"), mention(text, "en")
    ANNOTATOR.annotate([unsure, unknown, english])
    assert unsure.entities == unknown.entities == english.entities
    assert [entity.label for entity in english.entities] == ["PERSON", "LOC"]


def test_a_gazetteer_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("PRODUCT: [{name: Velmora Trois, id: v3, handles: [v3]}]", "utf-8")
    (post,) = annotated([("le velmora trois de @v3", "fr")], EntityAnnotator(path))
    assert [(e.id, e.label) for e in post.entities] == [("v3", "PRODUCT")] * 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(ANY_TEXT, st.sampled_from(["en", "fr", "de", "und"])), max_size=5))
def test_spans_are_right_whatever_the_batch(posts: list[tuple[str, str]]) -> None:
    batch = annotated(posts)
    alone = [annotated([post], ALONE)[0] for post in posts]
    assert [post.entities for post in batch] == [post.entities for post in alone]
    for post in batch:
        done = 0
        for entity in post.entities:
            assert done <= entity.start < entity.end
            assert post.post.text[entity.start : entity.end] == entity.text
            done = entity.end
