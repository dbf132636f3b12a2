"""Normalisation: what comes out, where it was published, and that nothing can break it."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.strategies import ANY_TEXT
from text.normalise import MAX_TEXT, normalise

PIECES = st.lists(
    st.sampled_from(
        ["bon", "soooo", " ", "  ", "\n", "@ana_b", "@", "#JeSuisFan", "#sncf", "&amp;", "&lt;",
         "https://a.b/c?d=e", "😀", "👍🏽", "👩🏽‍💻", "e\u0301", "ﬁn", "\u200b", "...", "!!!!",
         "１２",
         "\ud800", "\x00", "नमस्ते", "سلام", "ﷺ", "été"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fish &amp; chips", "fish & chips"),
        ("see https://a.b/c?x=1 now", "see http now"),
        ("@bob.bsky.social thanks", "@user thanks"),
        ("write to a@b.com", "write to a@b.com"),
        ("Sooooo goooood!!!!!", "Soo good!!"),
        ("10000 euros", "10000 euros"),
        ("  a \n\t b  ", "a b"),
        ("#JeSuisFan de #sncf #SNCF #iPhone", "# Je Suis Fan de #sncf #SNCF #iPhone"),
        ("#TéléRéalité", "# Télé Réalité"),
        ("ok 👍🏽 ❤️", "ok 👍 ❤"),
        ("👩🏽‍💻 x", "👩‍💻 x"),
        ("𝐎𝐫𝐚𝐧𝐠𝐞 ﬁn", "Orange fin"),
        ("e\u0301te\u0301", "été"),
        ("a\u200bb\x00c\ud800d", "abcd"),
        ("NOTHING WORKS AT ALL!", "nothing works at all!"),
        ("@Bob NOTHING WORKS https://a.b/Cd", "@user nothing works http"),
        ("ÇA NE MARCHE PLUS, ẞ, İ", "ça ne marche plus, ß, İ"),
        ("la SNCF et la RATP", "la SNCF et la RATP"),
        ("INCROYABLE", "INCROYABLE"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_what_comes_out(text: str, expected: str) -> None:
    assert normalise(text).text == expected


@pytest.mark.parametrize(
    ("text", "word", "published"),
    [
        ("a &lt; b sooooo late", "soo", "sooooo"),
        ("👩🏽‍💻  @bob the staff", "staff", "staff"),
        ("see https://a.b/c for e\u0301te\u0301!", "été", "e\u0301te\u0301"),
        ("oh #PanneOrange again", "Orange", "Orange"),
        ("hi @bob_c you", "@user", "@bob_c"),
        ("LE TRAIN DE @Bob İ EST TARD", "est", "EST"),
    ],
)
def test_the_way_back(text: str, word: str, published: str) -> None:
    normalised = normalise(text)
    offset = normalised.text.index(word)
    start, end = normalised.span(offset, offset + len(word))
    assert text[start:end] == published


@settings(max_examples=300, deadline=None)
@given(PIECES | ANY_TEXT)
@example("\u200d" * 3)
@example("a" + "\u0301" * 50)
def test_offsets_are_sound(text: str) -> None:
    normalised = normalise(text)
    starts, ends = list(normalised.starts), list(normalised.ends)
    assert len(starts) == len(ends) == len(normalised.text)
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    assert all(0 <= start <= end <= len(text) for start, end in zip(starts, ends, strict=True))
    assert normalised.text == normalised.text.strip()
    normalised.text.encode("utf-8")


WORDS = st.lists(
    st.sampled_from(["late", "sooooo", "&amp;", "été", "ﬁn", "😀", "train", "10000", "👍🏽"]),
    min_size=1,
    max_size=8,
).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(WORDS, st.data())
def test_a_slice_of_what_was_published_normalises_to_it(text: str, data: st.DataObject) -> None:
    normalised = normalise(text)
    first = data.draw(st.integers(0, len(normalised.text) - 1))
    last = data.draw(st.integers(first, len(normalised.text) - 1))
    start, end = normalised.span(first, last + 1)
    assert normalised.text[first : last + 1].strip() in normalise(text[start:end]).text


@pytest.mark.parametrize(
    "text",
    ["\ud800" * 5_000, "\x00" * 5_000, "😀" * 1_000_000, "👩🏽‍💻" * 100_000, "ﷺ" * 5_000,
     "@" * 5_000,
     "#" * 5_000, "&" * 5_000, "&#xFFFFFFFF;" * 500, "a\u0301" + "\u0323\u0301" * 5_000,
     "#Aa" * 9_999,
     "www." * 9_999, " " * 1_000_000],
)  # fmt: skip
def test_hostile_text(text: str) -> None:
    normalised = normalise(text)
    assert len(normalised.text) <= MAX_TEXT
    assert len(normalised.starts) == len(normalised.ends) == len(normalised.text)
    assert all(end <= MAX_TEXT for end in normalised.ends)


def test_the_limit_is_in_code_points() -> None:
    assert normalise("é" * 50 + " x", limit=10).text == "éé"
    assert normalise("abcdef", limit=3).text == "abc"
