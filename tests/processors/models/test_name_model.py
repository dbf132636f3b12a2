"""The name model: names in eight languages, in any batch and for any text."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.models.artifact_files import ARTIFACTS
from processors.models.name_model import DESCRIPTION, MAX_NAME, MAX_WORDS, WEIGHTS, Name, NameModel
from schemas.errors import ArtifactMissing
from tests.strategies import ANY_TEXT
from text.tokens import tokenize

MODEL = NameModel()
SENTENCES = [
    ("Der Zug nach Berlin fällt wieder aus", "Berlin", "LOC"),
    ("Ayer comí en Madrid con mi hermana", "Madrid", "LOC"),
    ("Ieri sono stato a Milano", "Milano", "LOC"),
    ("Amanhã vou a Lisboa de comboio", "Lisboa", "LOC"),
    ("J'ai vu Emmanuel Macron à la télé", "Emmanuel Macron", "PERSON"),
    ("I met Angela Merkel at the station", "Angela Merkel", "PERSON"),
    ("أعيش في باريس منذ سنة", "باريس", "LOC"),
    ("मुंबई में बारिश हो रही है", "मुंबई", "LOC"),
]
TEXTS = [text for text, _, _ in SENTENCES]


def names(*texts: str) -> list[list[Name]]:
    return MODEL.find(texts, [tokenize(text) for text in texts])


@pytest.mark.parametrize(("text", "name", "label"), SENTENCES)
def test_it_finds_names_in_eight_languages(text: str, name: str, label: str) -> None:
    found = {(text[start:end], kind) for start, end, kind in names(text)[0]}
    assert (name, label) in found


def test_a_handle_is_no_name() -> None:
    text = "Thanks @Paris and @Angela_Merkel, love from London"
    (found,) = names(text)
    assert [text[start:end] for start, end, _ in found] == ["London"]


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_TEXT | st.sampled_from(TEXTS), min_size=1, max_size=6))
def test_names_lie_within_any_text_and_do_not_depend_on_the_batch(texts: list[str]) -> None:
    for text, found in zip(texts, names(*texts), strict=True):
        bounds = [bound for name in found for bound in name[:2]]
        assert bounds == sorted(bounds)
        assert all(0 <= start < end <= len(text) for start, end, _ in found)
        assert all(end - start <= MAX_NAME for start, end, _ in found)
        assert not any(text[start] in "@＠" for start, _, _ in found)
        assert names(text) == [found]


def test_a_long_text_is_read_up_to_its_bound() -> None:
    text = "word " * MAX_WORDS + "I met Angela Merkel"
    assert names(text) == [[]]
    assert names(text[5 * 100 :]) != [[]]


def test_many_posts_are_read_in_parts() -> None:
    (once,) = names("Angela Merkel in Berlin " * 20)
    assert names(*["Angela Merkel in Berlin " * 20] * 200) == [once] * 200


def test_words_that_are_never_seen_again_change_no_answer() -> None:
    before = names(*TEXTS)
    for first in range(0, 60_000, 3_000):
        names(*(f"x{number}y z{number}" for number in range(first, first + 3_000, 2)))
    assert names(*TEXTS) == before


def test_a_model_that_is_not_the_published_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing, match=DESCRIPTION):
        NameModel(tmp_path)
    shutil.copy(ARTIFACTS / DESCRIPTION, tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"another file")
    with pytest.raises(ArtifactMissing, match="checksum"):
        NameModel(tmp_path)
