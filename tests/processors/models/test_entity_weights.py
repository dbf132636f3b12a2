"""Our recognisers: saved, loaded onto the base that they fit, and refused if changed."""

import json
from pathlib import Path

import pytest
from spacy.language import Language

from processors.models.artifact_files import ARTIFACTS
from processors.models.entity_model import PACKAGES, EntityRecognizer
from processors.models.entity_weights import (
    OURS,
    fine_tuned,
    first_installed,
    identity,
    load_base,
    recogniser_for,
    save,
)
from schemas.errors import ArtifactMissing

PACKAGE = first_installed(PACKAGES["fr"])
TEXT = "Emmanuel Macron était à Marseille avec les dirigeants de Renault."

pytestmark = pytest.mark.skipif(PACKAGE is None, reason="no French pipeline")


@pytest.fixture(scope="module")
def base() -> Language:
    assert PACKAGE is not None
    return load_base(PACKAGE)


@pytest.fixture
def kept(base: Language, tmp_path: Path) -> Path:
    return save(recogniser_for(base), base, tmp_path, {"note": "of no use: random weights"})


def test_a_saved_recogniser_is_loaded_and_reads_lower_case(base: Language, kept: Path) -> None:
    first, second = fine_tuned(base, kept.parent), fine_tuned(base, kept.parent)
    assert first is not None and second is not None
    one, other = (pipeline.get_pipe("ner") for pipeline in (first, second))
    assert set(one.labels) == set(OURS)  # type: ignore[attr-defined]
    weights = [pipe.to_bytes(exclude=["vocab"]) for pipe in (one, other)]  # type: ignore[attr-defined]
    assert weights[0] == weights[1]
    assert [str(e) for e in first(TEXT).ents] == [str(e) for e in second(TEXT).ents]
    assert EntityRecognizer(artifacts=kept.parent).reads_lower_case("fr")
    assert not EntityRecognizer(artifacts=None).reads_lower_case("fr")
    assert not EntityRecognizer().reads_lower_case("xx")


def test_another_base_is_unchanged(base: Language, kept: Path) -> None:
    described = kept.with_suffix(".json")
    description = json.loads(described.read_text("utf-8"))
    described.write_text(json.dumps({**description, "base": "fr_another-1.0"}), "utf-8")
    assert fine_tuned(base, kept.parent) is None
    recogniser = EntityRecognizer(artifacts=kept.parent)
    assert recogniser.recognise([TEXT], ["fr"])[0]
    assert not recogniser.reads_lower_case("fr")
    described.unlink()
    assert fine_tuned(base, kept.parent) is None


def test_changed_and_absent_weights_are_refused(base: Language, kept: Path) -> None:
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    with pytest.raises(ArtifactMissing, match="checksum"):
        fine_tuned(base, kept.parent)
    kept.unlink()
    with pytest.raises(ArtifactMissing, match="cannot be read"):
        fine_tuned(base, kept.parent)


@pytest.mark.parametrize("path", sorted(ARTIFACTS.glob("entities-*.json")), ids=lambda p: p.stem)
def test_the_artifacts_are_small_and_described(path: Path) -> None:
    description = json.loads(path.read_text("utf-8"))
    assert path.with_suffix(".bin").stat().st_size == description["bytes"] < 6_000_000
    assert description["base"].startswith(path.stem.removeprefix("entities-") + "_")


def test_the_artifacts_of_installed_bases_load() -> None:
    for language in ("en", "fr"):
        package = first_installed(PACKAGES[language])
        if package is not None:
            ours = fine_tuned(load_base(package))
            described = ARTIFACTS / f"entities-{language}.json"
            fits = described.is_file() and identity(load_base(package)) in described.read_text()
            assert (ours is not None) == fits
