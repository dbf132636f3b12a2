"""Terms say what a post is about, in every script."""

import pytest
from hypothesis import given

from processors.enrichment.activity_terms import is_term, terms_of_post, unspaced_terms
from tests import make
from tests.strategies import ANY_TEXT
from text.tokens import folded_form


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("टार्वेल का रिफंड तीन हफ्ते से अटका है", {"रिफंड", "हफ्ते", "अटका"}),
        ("টারভেল রিফান্ড দেয়নি", {"রিফান্ড"}),
        ("타르벨 환불 지연 또 고장", {"환불", "지연", "고장"}),
        ("تارفيل لم تعد الأموال والخدمة متوقفة", {"والخدمة", "متوقفة"}),
        ("塔尔维尔退款太慢，客服不理人", {"退款", "客服"}),
        ("タルベルのアプリが落ちて返金されない", {"アプリ", "タルベル"}),
        ("tarvel เน็ตล่ม อีกแล้ว", {"เน็ตล่ม", "อีกแล้ว"}),
        ("the iPhone15 has no 5G since the A320 update", {"iphone15", "5g", "a320"}),
        ("удержали деньги дважды", {"удержали", "деньги", "дважды"}),
    ],
)  # fmt: skip
def test_a_post_has_terms_in_its_script(text: str, wanted: set[str]) -> None:
    found = set(terms_of_post(make.mention(text)))
    assert set(map(folded_form, wanted)) <= found


@pytest.mark.parametrize("token", ["है", "का", "은", "8h", "30min", "2026", "the", "👍", "₹", "é"])
def test_small_words_amounts_and_signs_are_no_terms(token: str) -> None:
    assert not is_term(token)


def test_pairs_of_function_signs_are_no_terms() -> None:
    assert list(unspaced_terms("我的就是你的")) == []


def test_a_sentence_of_thai_is_no_term() -> None:
    assert list(unspaced_terms("เน็ตล่มตั้งแต่เมื่อคืนยังไม่กลับมาเลย")) == []


@given(ANY_TEXT)
def test_any_text_has_terms_with_letters(text: str) -> None:
    for term in terms_of_post(make.mention(make.post(text))):
        assert term.startswith("#") or any(map(str.isalnum, term))
