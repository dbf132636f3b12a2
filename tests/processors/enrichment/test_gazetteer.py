"""The gazetteer: one entry for all variants of a name, and no false names."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.gazetteer import BUILT_IN, MAX_ENTITIES, Gazetteer, built_in
from schemas.errors import ConfigurationError
from tests.strategies import ANY_TEXT

KNOWN_WORDS = st.sampled_from(
    ["SNCF", "@SNCF", "air", "France", "l'Orange", "#LaPoste", "new york", "société", "\u0301", "@"]
)


def names(text: str) -> list[tuple[str, str, str | None]]:
    return [(e.text, e.label, e.name) for e in built_in().apply(text, [])]


def test_the_ways_to_write_a_name_are_one() -> None:
    text = "@SNCF, la SNCF, #sncf et la Societe Nationale des chemins de fer"
    entities = built_in().apply(text, [])
    assert {(e.name, e.id, e.label) for e in entities} == {("SNCF", "Q13646", "ORG")}
    long = "Societe Nationale des chemins de fer"
    assert [e.text for e in entities] == ["@SNCF", "SNCF", "#sncf", long]
    linked = built_in().apply("Société Nationale des Chemins de Fer !", [(0, 36, "LOC")])
    assert [(e.name, e.label) for e in linked] == [("SNCF", "ORG")]


def test_an_article_is_no_part_of_a_name_but_of_its_hashtag() -> None:
    for text in ("l'Orange", "L’ORANGE", "Orange", "orange's", "#Orange", "@orange"):
        entry = built_in().link(text, "ORG")
        assert entry is not None and entry.name == "Orange", text
    tags = names("#LaPoste #poste #AirFrance")
    assert tags == [("#LaPoste", "ORG", "La Poste"), ("#AirFrance", "ORG", "Air France")]


def test_a_word_with_another_meaning_is_linked_and_never_found() -> None:
    assert names("an orange is free in nice, the target is an apple; la meta") == []
    entry = built_in().link("Nice", "LOC")
    assert entry is not None and entry.id == "Q33959"
    assert built_in().link("Nice", "ORG") is None
    assert built_in().link("Orange", "LOC") is None


def test_the_label_chooses_between_two_of_a_name() -> None:
    club, city = (built_in().link("Liverpool", label) for label in ("ORG", "LOC"))
    assert club is not None and city is not None
    assert (club.name, city.name) == ("Liverpool FC", "Liverpool")


def test_the_longer_of_a_known_name_and_a_recognised_one_wins() -> None:
    text = "la Société nationale des chemins de fer est en grève"
    (entity,) = built_in().apply(text, [(3, 10, "ORG"), (24, 31, "LOC")])
    assert (entity.text, entity.name) == ("Société nationale des chemins de fer", "SNCF")
    text = "Gare SNCF de Pontivy"
    (entity,) = built_in().apply(text, [(0, 20, "LOC")])
    assert (entity.text, entity.label, entity.name) == (text, "LOC", None)


def test_a_name_does_not_run_across_a_sentence_or_a_line() -> None:
    assert names("too much hot air. France won") == names("air\nfrance") == []
    assert names("vol air-france") == [("air-france", "ORG", "Air France")]


def test_unknown_handles_and_the_end_of_a_long_text_are_not_found() -> None:
    assert names("@someone_else and RT @airfrance: hi") == [("@airfrance", "ORG", "Air France")]
    assert built_in().apply("x " * 50 + "SNCF", [], limit=100) == []


def test_a_post_keeps_its_first_entities() -> None:
    text = "SNCF " * 1_000
    entities = built_in().apply(text, [(start, start + 4, "ORG") for start in range(0, 500, 10)])
    assert [entity.start for entity in entities] == [5 * n for n in range(MAX_ENTITIES)]


def test_a_file_of_ones_own_comes_first(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "ORG:\n- {name: Chemins de fer, id: acme-7, aliases: [SNCF], handles: [sncf], sure: true}\n"
        "LOC:\n- {name: Val-Inventé}\n",
        "utf-8",
    )
    gazetteer = Gazetteer(mine)
    assert {e.id for e in gazetteer.apply("SNCF @SNCF", [])} == {"acme-7"}
    entities = gazetteer.apply("a val invente, microsoft", [])
    assert [e.name for e in entities] == ["Val-Inventé", "Microsoft"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("ORG: [{id: Q1}]", "name"),
        ("ORG: [{name: A, alias: [b]}]", "alias"),
        ("TEAM: [{name: A}]", "TEAM"),
        ("ORG: [{name: '!!'}]", "without a word"),
        ("ORG: [{name: A, handles: ['a b']}]", "not a handle"),
        ("ORG: [", "YAML"),
    ],
)
def test_a_fault_in_the_file_is_an_error(tmp_path: Path, content: str, fault: str) -> None:
    path = tmp_path / "names.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=fault):
        Gazetteer(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Gazetteer(tmp_path / "absent.yaml")


def test_ids_are_given_once() -> None:
    ids = re.findall(r", id: (\w+)", BUILT_IN.read_text("utf-8"))
    assert len(ids) == len(set(ids)) > 150
    assert all(i[0] == "Q" and i[1:].isdigit() for i in ids)


@given(st.one_of(ANY_TEXT, st.lists(KNOWN_WORDS).map(" ".join)))
def test_any_text_gives_spans_of_itself_in_order(text: str) -> None:
    done = 0
    for entity in built_in().apply(text, []):
        assert done <= entity.start < entity.end
        assert text[entity.start : entity.end] == entity.text
        done = entity.end
