"""Sets are read as they were held out, and a missing one is noted."""

import gzip
import json
from pathlib import Path
from typing import Any

from benchmarks.accuracy.sets import DataSets


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    path = folder / f"{name}.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


def test_a_missing_file_is_noted_once(tmp_path: Path) -> None:
    sets = DataSets(tmp_path)
    assert sets.labelled("sentiment/none").texts == []
    assert sets.held_out("sentiment/none").texts == []
    assert sets.missing == ["sentiment/none"]


def test_without_data_there_is_nothing_and_all_is_noted(tmp_path: Path) -> None:
    sets = DataSets(tmp_path)
    assert not any(labelled.texts for labelled in sets.language_sets())
    assert sets.entity_sets() == []
    wanted = {"sentiment/umsab_val", "lid/lingua_sentences", "ner/btc_h", "ner/winer_fr"}
    assert wanted <= set(sets.missing)


def test_only_the_first_sixth_was_held_out(tmp_path: Path) -> None:
    rows = [{"text": f"{n}: a $T$", "aspect": f"b{n}", "label": "Positive"} for n in range(13)]
    write(tmp_path, "absa/some", rows)
    labelled = DataSets(tmp_path).held_out("absa/some")
    assert labelled.texts == ["0: a b0", "1: a b1"]
    assert labelled.targets == ["b0", "b1"]
    assert labelled.labels == ["positive", "positive"]


def test_a_limit_is_of_each_language(tmp_path: Path) -> None:
    rows = [{"text": str(n), "label": "x", "lang": "fr" if n % 2 else "en"} for n in range(9)]
    write(tmp_path, "sentiment/some", [*rows, {"text": "-", "label": "irrelevant"}])
    labelled = DataSets(tmp_path, 2).labelled("sentiment/some", without="irrelevant")
    assert labelled.texts == ["0", "1", "2", "3"]
    assert labelled.languages == ["en", "fr", "en", "fr"]


def test_languages_are_held_out_as_in_training(tmp_path: Path) -> None:
    rows = [{"text": f"tekst {n}", "lang": "nb"} for n in range(100)]
    write(tmp_path, "lid/lingua_sentences", rows)
    write(tmp_path, "sentiment/umsab_val", [{"text": "hola", "lang": "es", "label": "neutral"}])
    sets = {labelled.name: labelled for labelled in DataSets(tmp_path).language_sets()}
    assert sets["umsab_val"].labels == ["es"]
    assert len(sets["lingua_sentences"].texts) == 30
    assert set(sets["lingua_sentences"].labels) == {"no"}


def test_entities_have_the_labels_of_their_set(tmp_path: Path) -> None:
    tags = ["B-PER", "I-PER", "O", "B-LOC", "O", "B-creative-work"]
    write(
        tmp_path, "ner/btc_h", [{"tokens": ["@", "Ann", "in", "Rome", "saw", "Up"], "tags": tags}]
    )
    apart, joined = DataSets(tmp_path).entity_sets()
    assert apart.texts == ["@ Ann in Rome saw Up"]
    assert apart.gold == [{(0, 5, "PERSON"), (9, 13, "LOC")}]
    assert joined.texts == ["@Ann in Rome saw Up"]
    assert joined.gold == [{(8, 12, "LOC")}]
