"""The classes say of each letter what the properties of Unicode say that tokens are made of."""

import random

import pytest
import regex
from hypothesis import given

from tests.strategies import ANY_TEXT
from text.character_classes import classes, is_within_word
from text.tokens import tokenize

CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
CLUSTERED = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
WORD = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{CJK}{CLUSTERED}]]"
CLUSTER = rf"(?:[[\p{{L}}\p{{N}}]&&[{CLUSTERED}]][\p{{M}}&&[{CLUSTERED}]]*)"
EMOJI = r"\p{Extended_Pictographic}(?:\p{EMod}|\uFE0F)?"
BY_PROPERTIES = regex.compile(
    rf"""
      (?:https?://|www\.)[^\s\x1c-\x1f<>"]+
    | (?<![\p{{L}}\p{{N}}_])[@＠]{WORD}+(?:[.\-]{WORD}+)*
    | [#＃](?:{WORD}|[{CJK}]|{CLUSTER})+
    | (?<![\p{{L}}\p{{N}}_$])\$[A-Za-z]{{1,6}}(?![\p{{L}}\p{{N}}_])
    | {WORD}+
    | [{CJK}]
    | {CLUSTER}
    | [\p{{M}}&&[{CLUSTERED}]]+
    | \p{{RI}}\p{{RI}}
    | {EMOJI}(?:\u200D{EMOJI})*
    """,
    regex.VERBOSE | regex.VERSION1,
)
PIECES = [
    *"@#$_-.' /a1éhttps:w<>＠＃日ス👩🇫🏽กัक🅰ℹ㍿⺀ーຯម្©ßİ",
    *("http://", "www.", "\x1c", "\x85", "\u00a0", "\u3000", "\u200d", "\ufe0f", "\u0301", "ि"),
    *("\ud800", "\u200c", "\U000e0067"),
]


def assert_as_by_properties(text: str) -> None:
    tokens = tokenize(text)
    spans = list(zip(tokens.starts, tokens.ends, strict=True))
    assert spans == [match.span() for match in BY_PROPERTIES.finditer(text)], ascii(text)
    assert tokens.exact == [text[start:end] for start, end in spans]


@pytest.mark.parametrize("plane", range(17))
def test_every_letter_is_in_the_tokens_that_its_properties_say(plane: int) -> None:
    letters = map(chr, range(plane << 16, (plane + 1) << 16))
    # Beside a letter, a mark, a sign and alone.
    assert_as_by_properties(
        "".join(f"é{one}a {one}\u0e31 #{one} @{one} $A{one} " for one in letters)
    )


def test_letters_beside_each_other_are_tokens_as_by_their_properties() -> None:
    dice = random.Random(1)
    for _ in range(20_000):
        assert_as_by_properties("".join(dice.choices(PIECES, k=dice.randint(1, 14))))


def test_a_class_stands_at_the_place_of_its_letter() -> None:
    assert classes("né @b＃c") == "n0 @b#c"
    assert len(classes("".join(PIECES))) == len("".join(PIECES))


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("ab c", {1}),
        ("l'été", {3, 4}),
        ("कस्टमर", {1, 2, 3, 4, 5}),
        ("फ्लिप है", {1, 2, 3, 4, 7}),
        ("e\u0301t", {1, 2}),
        ("รู้", {1, 2}),
        ("เน็ต", {2}),
        ("返金", set()),
        ("a返", set()),
        ("5G!", {1}),
        ("", set()),
    ],
)
def test_a_place_within_a_word_is_no_border(text: str, within: set[int]) -> None:
    assert {place for place in range(len(text) + 1) if is_within_word(text, place)} == within


@given(ANY_TEXT)
def test_any_text_has_borders_at_both_ends(text: str) -> None:
    assert not is_within_word(text, 0)
    assert not is_within_word(text, len(text))
    for place in range(1, len(text)):
        is_within_word(text, place)
