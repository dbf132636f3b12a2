"""The language identifier: right on plain posts, silent on noise, never raising."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.models.language import LanguageIdentifier, prose

DATA = Path(
    os.environ.get("TOCSIN_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)
IDENTIFIER = LanguageIdentifier()
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=300)

POSTS = [
    ("en", "My parcel has been stuck in the warehouse for nine days, nobody answers the phone"),
    ("en", "Loving the new menu at the corner café, the soup is perfect for this weather"),
    ("fr", "Toujours aucune réponse du service client, cela fait trois semaines que j'attends"),
    ("fr", "Merci à toute l'équipe pour l'accueil, nous reviendrons avec plaisir cet été"),
    ("es", "Llevo media hora esperando el autobús y nadie nos dice qué está pasando"),
    ("de", "Der Zug ist schon wieder ausgefallen und die Anzeige funktioniert auch nicht"),
    ("it", "Ho provato la nuova applicazione e devo dire che funziona benissimo"),
    ("pt", "Não consigo entrar na minha conta desde ontem à noite, alguém pode ajudar?"),
    ("nl", "De bezorger heeft het pakket bij de verkeerde buren afgeleverd"),
    ("ar", "انتظرت أكثر من ساعة ولم يصل الطلب حتى الآن"),
    ("hi", "मेरा ऑर्डर अभी तक नहीं आया है और कोई जवाब नहीं देता"),
    ("ja", "新しいカメラがやっと届きました"),
    ("zh", "快递已经三天没有更新了"),
    ("ko", "배송이 너무 늦어서 정말 실망했어요"),
    ("ru", "Третий день не работает приложение, поддержка молчит"),
    ("tr", "Siparişim hâlâ gelmedi ve kimse telefona cevap vermiyor"),
]


@pytest.mark.parametrize(("language", "text"), POSTS)
def test_names_the_language_of_a_plain_post(language: str, text: str) -> None:
    ((found, confidence),) = IDENTIFIER.identify([text])
    assert found == language
    assert 0.3 <= confidence <= 1


@pytest.mark.parametrize(
    "text", ["", "   ", "🔥🔥🔥 !!!", "https://example.org/a/b", "@someone @other", "12:30 - 45 %"]
)
def test_a_post_without_words_has_no_language(text: str) -> None:
    assert IDENTIFIER.identify([text]) == [("und", 0.0)]


def test_links_handles_and_case_do_not_count() -> None:
    bare = "Toujours aucune réponse du service client depuis trois semaines"
    noisy = f"RT @The_Customer_Service {bare.upper()}\n\nhttps://example.org/the/customer/service"
    assert IDENTIFIER.identify([noisy]) == IDENTIFIER.identify([bare])
    assert prose(noisy) == bare.lower()


def test_a_low_confidence_is_not_named() -> None:
    assert LanguageIdentifier(threshold=1.01).identify(["Good morning everyone"])[0][0] == "und"


@pytest.mark.parametrize(
    "text",
    ["\x00", "a\x00b", "\ud800", "mot\udfff\ud800", "😀" * 1_000_000, "a" * 1_000_000, "\n" * 9_999,
     "\u202e\u200d\ufe0f", "__label__fr", "</s>"],
)  # fmt: skip
def test_hostile_text(text: str) -> None:
    ((language, confidence),) = IDENTIFIER.identify([text])
    assert len(language) in (2, 3)
    assert 0 <= confidence <= 1


@settings(max_examples=200, deadline=None)
@given(st.lists(ANY_TEXT, max_size=8))
def test_a_batch_says_what_its_posts_say_one_by_one(texts: list[str]) -> None:
    batch = IDENTIFIER.identify(texts)
    assert batch == [IDENTIFIER.identify([text])[0] for text in texts]
    assert all(len(code) == 2 or code == "und" for code, _ in batch)
    assert all(0 <= confidence <= 1 for _, confidence in batch)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not here")
@pytest.mark.parametrize(
    ("name", "floor"),
    [
        ("sentiment/umsab_val", 0.95),
        ("lid/twitterlid5_train", 0.89),
        ("lid/tweetlid14_train", 0.72),
    ],
)
def test_floor_on_real_posts(name: str, floor: float) -> None:
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    # The Hindi of UMSAB is in Latin letters, which this model does not know.
    rows = [row for row in rows if len(row["lang"]) == 2 and row["lang"] != "hi"]
    found = IDENTIFIER.identify([row["text"] for row in rows])
    right = sum(code == row["lang"] for (code, _), row in zip(found, rows, strict=True))
    assert right / len(rows) >= floor
