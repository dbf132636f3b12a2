"""The classes say of each letter what the properties of Unicode say that tokens are made of."""

import random

import pytest
import regex
from hypothesis import given

from tests.strategies import ANY_TEXT
from text import character_classes
from text.character_classes import classes, is_within_word
from text.tokens import tokenize
from text.words.token_grammar import OF_CLASSES

CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
CLUSTERED = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
INDIAN = (
    r"\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}"
    r"\p{Malayalam}\p{Sinhala}"
)
UNSEEN = r"\u00AD\u061C\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u206F\uFEFF"
VOICE = r"\u3099\u309A\uFF9E\uFF9F"
LONG_VOWEL = r"\u30FC\uFF70"
FORMS = r"\uFE00-\uFE0F\U000E0100-\U000E01EF"
MARKS = r"©®™℠℗"
L = rf"[[\p{{L}}\p{{N}}]--[{LONG_VOWEL}{VOICE}]]"
DIGITS = rf"[\p{{Nd}}--[{CLUSTERED}]]"
PROPERTIES = {
    character_classes.MARK: rf"[\p{{M}}--[{CLUSTERED}{VOICE}{FORMS}{CJK}]]",
    character_classes.SELECTOR: f"[{FORMS}]",
    character_classes.BASE: f"[{L}&&[{CLUSTERED}]]",
    character_classes.BASE_MARK: rf"[\p{{M}}&&[{CLUSTERED}]]",
    character_classes.SIGN: f"[[{CJK}]--[\\p{{L}}\\p{{N}}{VOICE}]]",
    character_classes.CHARACTER: f"[[{L}&&[{CJK}]]{LONG_VOWEL}]",
    character_classes.EMOJI: (
        rf"[\p{{Extended_Pictographic}}--[\p{{L}}\p{{N}}{MARKS}Ⓜ\p{{EMod}}{CJK}]]"
    ),
    character_classes.EMOJI_LETTER: rf"[[[{L}&&\p{{Extended_Pictographic}}]--[{MARKS}{CJK}]]Ⓜ]",
    character_classes.TONE: r"\p{EMod}",
    character_classes.JOINER: r"\u200D",
    character_classes.NON_JOINER: r"\u200C",
    character_classes.INVISIBLE: f"[{UNSEEN}]",
    character_classes.VOICED: f"[{VOICE}]",
    character_classes.REGIONAL: r"\p{RI}",
    character_classes.ARABIC: rf"[[{L}&&[\p{{Arabic}}\u0640]]--{DIGITS}]",
    character_classes.HANGUL: rf"[{L}&&\p{{Hangul}}]",
    character_classes.HEBREW: rf"[{L}&&\p{{Hebrew}}]",
    character_classes.INDIC: rf"[[{L}&&[{INDIAN}]]--{DIGITS}]",
}
SPACE = r"[ [\s--[\x00-\x7F]]]"
LETTERS = rf"[[[\p{{L}}\p{{N}}_]--[{CJK}{CLUSTERED}{INDIAN}{LONG_VOWEL}{VOICE}]]--[\p{{Arabic}}\u0640\p{{Hangul}}\p{{Hebrew}}\p{{Extended_Pictographic}}]]"  # noqa: E501
WORD = rf"[{LETTERS}{DIGITS}[[{character_classes.CIRCLED}]--Ⓜ]]"


def by_properties() -> regex.Pattern[str]:
    """The pattern of tokens, with what each class stands for written out."""
    pattern = OF_CLASSES.pattern
    written = [
        (r"\w", WORD), ("[ ]", SPACE), ("[^ ", f"[^{SPACE}"), ("@", "[@＠]"), (r"\#", "[#＃]"),
        (r"\.", "[.．]"), ("].\\-]", "][.．]\\-]"), ("[.+", "[[.．][+＋]"),
        (".)\\]!", "[.．])\\]!"), (r"\+", "[+＋]"), ("+])", "[+＋]])"), ("&", "[&＆]"),
    ]  # fmt: skip
    pattern = pattern.replace("&", "\0").replace("@", "\1")
    for class_, of_properties in PROPERTIES.items():
        pattern = pattern.replace(class_, of_properties.replace("&", "\2"))
    for sign, of_properties in written:
        sign = sign.replace("&", "\0").replace("@", "\1")
        pattern = pattern.replace(sign, of_properties.replace("&", "\2").replace("@", "\3"))
    pattern = pattern.replace("\2", "&").replace("\3", "@")
    return regex.compile(pattern, regex.VERBOSE | regex.VERSION1)


BY_PROPERTIES = by_properties()
PIECES = [
    *"@#$_-.' /a1éhttps:w<>＠＃日ス👩🇫🏽กัक🅰ℹ㍿⺀ーຯម្©ßİ&+＆＋．가أﾞ",
    *("http://", "www.", "\x1c", "\x85", "\u00a0", "\u3000", "\u200d", "\ufe0f", "\u0301", "ि"),
    *("\ud800", "\u200c", "\U000e0067", "\u00ad", ".com", "\u3099"),
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
        ("LG가는", {1, 3}),
        ("vel\u00adm", {1, 2, 3, 4}),
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
