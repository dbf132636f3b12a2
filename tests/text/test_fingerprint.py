"""Copies of a text share a fingerprint, light edits share keys, and other texts do neither."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import ANY_TEXT
from text.fingerprint import duplicate_group, duplicate_keys, same_text

SHORT = "Velmora is down again in Nantes"
LONG = (
    "The app of Velmora has not worked since this morning and nobody at the desk in Nantes could "
    "tell me why, so I am going home without a ticket"
)
VOCABULARY = [f"{first}{second}" for first in "bdfgklmprstv" for second in ("ao", "en", "iru")]
"""Without "nao", which is no light edit."""
WORDS = st.lists(st.sampled_from(VOCABULARY), min_size=4, max_size=40)


def keys(text: str) -> list[str]:
    (keys_of_text,) = duplicate_keys([text])
    return keys_of_text


def alike(text: str, other: str) -> bool:
    return same_text(keys(text), keys(other))


@pytest.mark.parametrize("text", [SHORT, LONG])
@pytest.mark.parametrize(
    "copy",
    [
        lambda text: text.upper(),
        lambda text: f"{text} 🔥🔥 👍🏽",
        lambda text: text.replace("a", "а").replace("o", "о"),  # Cyrillic
        lambda text: text.replace("ow", "o\u200bw").replace("in", "i\u00adn"),
        lambda text: f"{text} QX81ZK07",
        lambda text: text.replace(" ", ", ") + "!!!",
        lambda text: f"@friend @other {text}",
        lambda text: f"{text} https://t.example/abc",
        lambda text: f"www.other.example/x {text}",
        lambda text: text.replace("i", "í").replace("a", "à"),
        lambda text: f"  {text}\n".replace(" ", "\t"),
        lambda text: text.replace("Velmora", "𝐕𝐞𝐥𝐦𝐨𝐫𝐚"),
        lambda text: f"RT @somebody: {text}",
        lambda text: f"rt @somebody {text} https://t.example/abc",
        lambda text: f"RT: {text}",
        lambda text: f"RT @one: RT @two: {text}",
    ],
)
def test_a_copy_has_the_same_group_and_keys(text: str, copy: Callable[[str], str]) -> None:
    assert keys(copy(text)) == keys(text)
    assert duplicate_group(copy(text)) == duplicate_group(text)


@pytest.mark.parametrize(
    "other",
    [
        "Velmora is up again in Nantes",
        "again down is Velmora in Nantes",
        "Velmora is down again in Nantes today",
        "Velmora is down again in Nantes #fail",
        "Velmora isdown again in Nantes",
    ],
)
def test_another_text_is_not(other: str) -> None:
    assert duplicate_group(other) not in (None, duplicate_group(SHORT))


@pytest.mark.parametrize(
    "text",
    ["", "thank you", "🍊", "@a @b @c @d", "https://a.example https://b.example www.c.example"],
)
def test_a_text_that_says_too_little_is_no_copy_of_anything(text: str) -> None:
    assert duplicate_group(text) is None


@given(ANY_TEXT)
def test_any_text_has_one_or_none(text: str) -> None:
    group = duplicate_group(text)
    assert group is None or (len(group) == 16 and int(group, 16) >= 0)
    assert group == duplicate_group(f"@someone {text}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "the ferry to Corsica was cancelled without any notice",
            "the ferry to Sardinia was cancelled without proper notice",
        ),
        (
            "nobody at Corvane picks up the phone since Monday morning",
            "since Monday morning nobody at Corvane picks up the phone, folks",
        ),
        (
            "Corvane stops sales of its scooters after two fires in Graz, its board says today",
            "Corvane stops sales of its scooters after two fires in Graz…",
        ),
        (
            "这家公司的新手机用了三天就坏了客服一直没有人接电话",
            "这家公司的新手机用了两天就坏了客服一直没有人接电话",
        ),
        (LONG, LONG.replace("Nantes", "Rennes") + " #fail"),
        (LONG, LONG[: -len(" without a ticket")]),
    ],
)
def test_a_light_edit_shares_enough(one: str, other: str) -> None:
    assert alike(one, other)
    assert alike(other, one)
    assert duplicate_group(one) != duplicate_group(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SHORT, "Velmora is up and running in Nantes"),
        (SHORT, SHORT.replace("again ", "")),
        (SHORT, SHORT.replace("Nantes", "Rennes")),
        ("the Corvane app is slow", "the Corvane app is fast"),
        ("we adore the new Corvane scooter here", "we detest the new Corvane scooter here"),
        (
            "Corvane shares are down 3 % at noon in Vienna today",
            "Corvane shares are down 30 % at noon in Vienna today",
        ),
        (
            "this is the best bank that I have had in years",
            "this is the worst bank that I have had in years",
        ),
        ("不好意思我的手机坏了", "不好意思你的手机坏了"),
        ("thank you so much", "thank you for nothing"),
        ("so sorry", "so sorry"),  # too short to say anything
        ("where is my flight", "where is my luggage, again"),
        ("love this phone", "love this airline"),
        (LONG, LONG.replace("the desk", "Corvane").replace("Velmora", "Corvane")[:60]),
    ],
)
def test_another_text_does_not(one: str, other: str) -> None:
    assert not alike(one, other)


def test_keys_never_change() -> None:
    # Stored, and compared with those of other processes, platforms and releases.
    assert duplicate_group("one two three") == "64f5901153c23b37"
    assert keys("one two three") == ["sNKxVwFW"]
    assert keys("one two three four five six seven eight")[:2] == ["wbVMYTcD", "mK4bY7rC"]
    assert keys(LONG)[:3] == ["wfZ5axfO", "nfT53RzJ", "aEB4bK"]


def test_keys_are_few_and_short() -> None:
    for count in range(60):
        of_words = keys(" ".join(f"word{number}" for number in range(count)))
        assert len(of_words) == len(set(of_words)) <= 30
        assert (of_words == []) == (count < 3)
        assert all(len(key) <= 8 and key.isascii() for key in of_words)


@given(st.lists(ANY_TEXT, max_size=6), st.integers(0, 6))
def test_keys_of_any_texts_do_not_depend_on_the_batch(texts: list[str], cut: int) -> None:
    whole = duplicate_keys(texts)
    assert whole == duplicate_keys(texts[:cut]) + duplicate_keys(texts[cut:])
    assert whole == [keys(text) for text in texts]
    assert [not of_text for of_text in whole] == [duplicate_group(text) is None for text in texts]


@given(WORDS, st.data())
def test_two_changed_words_of_a_text_of_some_length_are_always_found(
    words: list[str], data: st.DataObject
) -> None:
    words = list(dict.fromkeys(words))[:14]
    changed = list(words)
    for other in ("another", "word"):
        changed[data.draw(st.integers(0, len(words) - 1))] = other
    assert alike(" ".join(words), " ".join(changed)) == (len(words) >= 8 or words == changed)


def test_arabic_spellings_of_one_text_are_copies() -> None:
    assert duplicate_group("إلى أين تأخذنا شركة كورفان اليوم") == duplicate_group(
        "الي اين تاخذنا شركه كورفان اليوم"
    )


def test_recall_and_precision_over_many_texts() -> None:
    random = Random(7)
    vocabulary = [f"{first}{second}" for first in VOCABULARY for second in VOCABULARY]
    # As in a language, a few words make up half of every text.
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    texts = [
        " ".join(random.choices(vocabulary, weights, k=random.randint(10, 30)))
        for _ in range(2_000)
    ]
    edits = []
    for text in texts:
        words = text.split()
        words[random.randrange(len(words))] = random.choice(vocabulary)
        edits.append(" ".join(words))
    before, after = duplicate_keys(texts), duplicate_keys(edits)
    pairs = sum(same_text(*pair) for pair in zip(before, after, strict=True))
    assert pairs >= 0.99 * len(texts)
    others = before[1:] + before[:1]
    assert sum(same_text(*pair) for pair in zip(before, others, strict=True)) == 0
