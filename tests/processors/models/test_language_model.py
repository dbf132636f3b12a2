"""The language identifier: right on plain posts, silent on noise, never raising."""

import hashlib
import json
import math
import random
import shutil
from pathlib import Path
from string import ascii_lowercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.models.language_model import ARTIFACT, LanguageBlend, LanguageIdentifier
from schemas.errors import ArtifactMissing
from tests.strategies import ANY_TEXT
from text.prose import prose

IDENTIFIER = LanguageIdentifier()
EVERYTHING = LanguageIdentifier(threshold=0.0)

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
    ("ca", "Avui hem anat a la platja amb els nens i després hem sopat molt bé"),
    ("eu", "Gaur goizean autobusa berandu etorri da eta inork ez du ezer esan"),
    ("gl", "Hoxe non podo ir contigo porque teño moito traballo na casa"),
    ("ar", "انتظرت أكثر من ساعة ولم يصل الطلب حتى الآن"),
    ("hi", "मेरा ऑर्डर अभी तक नहीं आया है और कोई जवाब नहीं देता"),
    ("hi", "yaar mera order abhi tak nahi aaya, koi jawab bhi nahi deta hai"),
    ("hi", "bhai kya mast movie thi, sabko dekhni chahiye"),
    ("hi", "aaj bahut thand hai ghar se bahar mat nikalna"),
    ("ja", "新しいカメラがやっと届きました"),
    ("zh", "快递已经三天没有更新了"),
    ("ko", "배송이 너무 늦어서 정말 실망했어요"),
    ("ru", "Третий день не работает приложение, поддержка молчит"),
    ("uk", "Третій день не працює застосунок, підтримка мовчить"),
    ("tr", "Siparişim hâlâ gelmedi ve kimse telefona cevap vermiyor"),
    ("pl", "Paczka nadal nie dotarła i nikt nie odbiera telefonu"),
    ("sv", "Paketet har fortfarande inte kommit och ingen svarar i telefonen"),
    ("el", "Η παραγγελία μου δεν έχει έρθει ακόμα"),
    ("he", "ההזמנה שלי עדיין לא הגיעה"),
    ("th", "สินค้ายังไม่มาส่งเลย"),
    ("vi", "Đơn hàng của tôi vẫn chưa đến nơi"),
]

SHORT = [
    ("en", "can't believe it"),
    ("fr", "trop bien ce film"),
    ("es", "qué buena noticia"),
    ("de", "das ist ja toll"),
    ("it", "che bella giornata"),
    ("pt", "muito obrigado gente"),
    ("nl", "wat een mooie dag"),
    ("ca", "bon dia a tothom"),
    ("hi", "kya baat hai"),
]


def code_of(text: str, hint: str | None = None) -> str:
    return IDENTIFIER.identify([text], [hint])[0][0]


@pytest.mark.parametrize(("language", "text"), POSTS)
def test_names_the_language_of_a_plain_post_whatever_the_hint(language: str, text: str) -> None:
    ((code, confidence),) = IDENTIFIER.identify([text])
    assert code == language
    assert 0.3 <= confidence <= 1
    for wrong in ("en", "fr", "tlh", "nonsense-tag", ""):
        assert code_of(text, wrong) == language, wrong


@pytest.mark.parametrize(
    "text",
    ["", "   ", "🔥🔥🔥 !!!", "😂❤️👍🏽", "https://example.org/a/b", "@someone @other",
     "12:30 - 45 %", "🔥 https://example.org/the/best/news 🔥 www.example.org", "&amp; &gt;",
     "http pic.twitter.com/abc"],
)  # fmt: skip
def test_a_post_without_words_has_no_language(text: str) -> None:
    for hint in (None, "en", "fr"):
        assert IDENTIFIER.identify([text], [hint]) == [("und", 0.0)]


def test_noise_has_no_language_and_a_word_of_none_or_of_many_is_doubtful() -> None:
    assert {code_of(text) for text in ("zzzz", "hahahahaha", "jajajajaja", "mmmmm")} == {"und"}
    words = ["xqzvk", "adashbfafvaoyfasyfvab", "sushi", "hotel", "radio"]
    assert max(confidence for _, confidence in IDENTIFIER.identify(words)) < 0.7


def test_letters_that_are_no_words_are_doubtful_on_average() -> None:
    pick = random.Random(5)
    strings = ["".join(pick.choices(ascii_lowercase, k=pick.randint(4, 16))) for _ in range(400)]
    confidences = [confidence for _, confidence in EVERYTHING.identify(strings)]
    assert sum(confidences) / len(confidences) < 0.45
    assert sum(confidence > 0.7 for confidence in confidences) < 0.15 * len(strings)


def test_links_handles_and_case_do_not_count() -> None:
    bare = "Toujours aucune réponse du service client depuis trois semaines"
    noisy = f"RT @The_Customer_Service {bare.upper()}!!\n\nhttps://example.org/the/customer 🔥"
    assert IDENTIFIER.identify([noisy]) == IDENTIFIER.identify([bare])
    assert prose(noisy) == bare.lower()


def test_a_mixed_post_gets_the_language_of_most_of_it() -> None:
    french = "Franchement je suis très déçue du service, trois semaines d'attente pour rien"
    assert code_of(f"{french} so sad") == "fr"
    assert code_of("so sad that nobody answers me, three weeks and not a word, merci bien") == "en"


@pytest.mark.parametrize(
    ("text", "hints"),
    [("no problema", "es it"), ("bela festa", "it pt"), ("la casa", "es it")],
)
def test_a_hint_decides_near_ties(text: str, hints: str) -> None:
    ((_, alone),) = EVERYTHING.identify([text])
    answers = {hint: EVERYTHING.identify([text], [hint])[0] for hint in hints.split()}
    assert any(code == hint for hint, (code, _) in answers.items())
    assert max(confidence for _, confidence in answers.values()) > alone


def test_a_hint_adds_nothing_where_it_does_not_fit_and_never_lowers_its_language() -> None:
    assert EVERYTHING.identify(["gracias"], ["ko"]) == EVERYTHING.identify(["gracias"])
    for language, text in SHORT:
        assert code_of(text) == language
        ((_, without),) = EVERYTHING.identify([text])
        ((code, agreed),) = EVERYTHING.identify([text], [language])
        assert code == language
        assert agreed >= without


def test_hints_are_read_as_platforms_write_them() -> None:
    def confidences(hints: list[str | None]) -> list[float]:
        text = "muito obrigado"
        return [IDENTIFIER.identify([text], [hint])[0][1] for hint in hints]

    assert len(set(confidences(["pt", "pt-BR", "PT", "pt_PT"]))) == 1
    assert len(set(confidences([None, "", "und", "zxx"]))) == 1
    assert code_of("東京大学", "ja") == "ja"
    assert code_of("東京大学") == "zh"


def test_more_words_give_more_confidence() -> None:
    text = "je ne sais pas pourquoi le colis est encore en retard aujourd'hui"
    confidences = [IDENTIFIER.identify([text[:end]])[0][1] for end in (5, 23, len(text))]
    assert confidences == sorted(confidences)
    assert confidences[-1] > 0.95
    assert LanguageIdentifier(threshold=1.01).identify(["Good morning everyone"])[0][0] == "und"


@pytest.mark.parametrize(
    "text",
    ["\x00", "a\x00b", "\ud800", "mot\udfff\ud800", "😀" * 1_000_000, "a" * 1_000_000, "\n" * 9_999,
     "\u202e\u200d\ufe0f", "__label__fr", "</s>", "ab" * 500_000, "@" * 1_000_000, "&" * 99_999],
)  # fmt: skip
def test_hostile_text(text: str) -> None:
    ((language, confidence),) = IDENTIFIER.identify([text], [text])
    assert len(language) in (2, 3)
    assert 0 <= confidence <= 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(ANY_TEXT, st.none() | ANY_TEXT), max_size=8))
def test_the_answer_does_not_depend_on_the_batch(posts: list[tuple[str, str | None]]) -> None:
    batch = IDENTIFIER.identify([text for text, _ in posts], [hint for _, hint in posts])
    assert batch == [IDENTIFIER.identify([text], [hint])[0] for text, hint in posts]
    assert all(len(code) == 2 or code == "und" for code, _ in batch)
    assert all(0 <= confidence <= 1 for _, confidence in batch)
    with pytest.raises(ValueError, match="zip"):
        IDENTIFIER.identify([*(text for text, _ in posts), "b"], [hint for _, hint in posts])


def test_the_artifact_matches_its_description() -> None:
    described = json.loads(ARTIFACT.with_suffix(".json").read_text("utf-8"))
    assert hashlib.sha256(ARTIFACT.read_bytes()).hexdigest() == described["sha256"]
    assert ARTIFACT.stat().st_size == described["bytes"] <= 3_000_000
    assert described["blend"] == LanguageBlend()._asdict()
    slope, *rest = described["calibration"]
    assert slope > 0
    assert all(map(math.isfinite, rest))


def test_an_altered_or_absent_artifact_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "language.ftz"
    with pytest.raises(ArtifactMissing, match="cannot be read"):
        LanguageIdentifier(artifact=copy)
    shutil.copy(ARTIFACT.with_suffix(".json"), copy.with_suffix(".json"))
    copy.write_bytes(ARTIFACT.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ArtifactMissing, match="checksum"):
        LanguageIdentifier(artifact=copy)
    copy.with_suffix(".json").write_text("[]", "utf-8")
    with pytest.raises(ArtifactMissing, match="cannot be read"):
        LanguageIdentifier(artifact=copy)
