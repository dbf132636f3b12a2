"""Every way to write a language or a country ends at the code that posts have."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text import codes
from text.codes import (
    MAX_LENGTH,
    countries,
    country_code,
    language_code,
    languages,
    near_language,
    spoken_in,
)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("de", "de"), ("DE", "de"), (" De ", "de"), ("deu", "de"), ("ger", "de"), ("German", "de"),
        ("Deutsch", "de"), ("allemand", "de"), ("de-AT", "de"), ("de_CH", "de"), ("pt-BR", "pt"),
        ("zh-Hant-TW", "zh"), ("nb", "no"), ("nn", "nn"), ("cmn", "zh"), ("iw", "he"),
        ("العربية", "ar"), ("हिन्दी", "hi"), ("ESPAÑOL", "es"), ("espanol", "es"), ("in", "id"),
        ("klingon", None), ("xx", None), ("", None), ("-fr", None), ("f", None),
    ],
)  # fmt: skip
def test_a_language_has_one_code(written: str, code: str | None) -> None:
    assert language_code(written) == code


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("it", "IT"), ("IT", "IT"), ("ITA", "IT"), ("Italia", "IT"), ("uk", "GB"), ("gb", "GB"),
        ("EL", "GR"), ("usa", "US"), ("Österreich", "AT"), ("XK", "XK"), ("xx", None), ("", None),
    ],
)  # fmt: skip
def test_a_country_has_one_code(written: str, code: str | None) -> None:
    assert country_code(written) == code


def test_every_code_is_its_own_and_no_name_has_two() -> None:
    file = codes._file()
    assert all(re.fullmatch("[a-z]{2}", code) for code in file.languages)
    assert all(language_code(code) == code for code in file.languages)
    assert all(country_code(code) == code for code in file.countries.split())
    assert set(file.country_names) <= set(file.countries.split())
    for lists in (file.languages, file.country_names):
        words = [word for line in lists.values() for word in line.split()]
        assert len(set(words)) == len(words)


def test_a_misspelt_language_has_a_nearest() -> None:
    assert near_language("frensh") == "fr"
    assert near_language("portugese") == "pt"
    assert near_language("qqqqqqqq") is None
    assert [near_language(code) for code in ("MX", "US", "KR")] == [None] * 3, "chance is no hint"


@pytest.mark.parametrize(
    ("country", "spoken"),
    [("MX", ("es",)), ("gb", ("en",)), ("Schweiz", ("de", "fr", "it")), ("JP", ("ja",)),
     ("Belgique", ("nl", "fr", "de")), ("velmora", ()), ("", ())],
)  # fmt: skip
def test_a_country_has_languages(country: str, spoken: tuple[str, ...]) -> None:
    assert spoken_in(country) == spoken


@pytest.mark.parametrize(
    ("written", "code"),
    [("United Kingdom", "GB"), ("Royaume-Uni", "GB"), ("U.S.", "US"), ("États-Unis", "US"),
     ("Côte d’Ivoire", "CI"), ("south korea", "KR"), ("United Velmora", None), ("- -", None)],
)  # fmt: skip
def test_a_country_of_several_words_has_its_code(written: str, code: str | None) -> None:
    assert country_code(written) == code


def test_the_languages_of_countries_are_codes_that_posts_have() -> None:
    for country in set(countries().values()):
        assert all(language_code(code) == code for code in spoken_in(country))


@given(st.text(max_size=200))
def test_any_text_is_a_code_or_none(text: str) -> None:
    assert language_code(text) in {None, *languages().values()}
    assert country_code(text) in {None, *countries().values()}
    assert near_language(text) in {None, *languages().values()}
    assert language_code("fr" + " " * MAX_LENGTH) is None, "a stranger's text is bounded"
