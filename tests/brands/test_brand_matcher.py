"""Brands are found by their queries: their own, or those of names, hashtags and handles."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from brands.brand_matcher import MAX_HITS, BrandMatcher
from queries.language.errors import QueryError
from schemas.brand import Brand
from schemas.mention import BrandMatch, Match
from schemas.post import Author
from tests.make import mention, post
from tests.strategies import ANY_TEXT, BRANDS
from text.tokens import tokenize


def matches(brand: Brand, text: str, **fields: Any) -> list[Match]:
    brands = BrandMatcher([brand]).match(post(text, **fields))
    assert [match.id for match in brands] in ([], [brand.id])
    return brands[0].matches if brands else []


def texts(brand: Brand, text: str, **fields: Any) -> list[str]:
    return [match.text for match in matches(brand, text, **fields)]


ORANGE = Brand(id="orange", name="Orange", handles=["Orange", "@orange-care.example"])
VOLTA = Brand(id="air-volta", name="Air Volta", names=["Air Volta", "Volta Café"])
MIRABELLE = Brand(
    id="mirabelle", name="Mirabelle", exclude=["mirabelle plum", "tarte à la mirabelle"]
)
PLUM = Brand(id="b", name="b", names=["plum", "plum tart"], exclude=["a plum tart", "tart plum"])
JUICE = Brand(id="b", name="Orange", exclude=["juice of an orange", "of an"])


def named(name: str) -> Brand:
    return Brand(id="b", name=name)


@pytest.mark.parametrize(
    ("brand", "text", "expected"),
    [
        # A name is a whole word.
        (ORANGE, "Orange", ["Orange"]),
        (ORANGE, "l'orange d’Orange", ["orange", "Orange"]),
        (ORANGE, "𝐎𝐫𝐚𝐧𝐠𝐞 again", ["𝐎𝐫𝐚𝐧𝐠𝐞"]),
        (ORANGE, "Orangé", ["Orangé"]),
        (ORANGE, "Orangeade", []),
        (ORANGE, "Oranges", []),
        (ORANGE, "orange_fr", []),
        (ORANGE, "https://orange.example/orange", []),
        # A handle matches where it is mentioned.
        (ORANGE, "@Orange help", ["@Orange"]),
        (ORANGE, "hey @ORANGE!", ["@ORANGE"]),
        (ORANGE, "@orange-care.example.", ["@orange-care.example"]),
        (ORANGE, "＠orange", ["＠orange"]),
        (ORANGE, "@OrangeBank", []),
        (ORANGE, "me@orange.example, jean.b@orange.example", []),
        (ORANGE, "orange.example is down, Orange® too", ["orange", "Orange"]),
        (ORANGE, "@orange.Toujours rien", ["@orange"]),
        (Brand(id="b", name="V", handles=["v-care"]), "@v-care help", ["@v-care"]),
        (Brand(id="b", name="V", handles=["vlm"]), "vlm is down, @vlm", ["@vlm"]),
        # A name of several words is a phrase and a hashtag.
        (VOLTA, "Air Volta", ["Air Volta"]),
        (VOLTA, "air-volta", ["air-volta"]),
        (VOLTA, "Air, Volta", ["Air, Volta"]),
        (VOLTA, "#AirVolta", ["#AirVolta"]),
        (VOLTA, "＃airvolta", ["＃airvolta"]),
        (VOLTA, "#VoltaCafe", ["#VoltaCafe"]),
        (VOLTA, "Air Volta Café", ["Air Volta", "Volta Café"]),
        (VOLTA, "Air France Volta", []),
        (VOLTA, "Volta Air", []),
        (VOLTA, "AirVolta", []),
        (VOLTA, "#AirVoltaDown", ["#AirVoltaDown"]),
        (VOLTA, "#VoltaAir #Voltage #volta", []),
        # A hashtag may hold the name beside other words.
        (
            named("Velmora"),
            "#VelmoraDown, #BoycottVelmora #velmoragate ＃boycottvelmora #VELMORA_ko #velmoraleaks",
            [
                "#VelmoraDown",
                "#BoycottVelmora",
                "#velmoragate",
                "＃boycottvelmora",
                "#VELMORA_ko",
                "#velmoraleaks",
            ],
        ),
        (named("Velmora"), "#CarvelMorado #novelmorale #vel_mora", []),
        (named("Ørsted"), "#StopOrsted #ØrstedNow", ["#StopOrsted", "#ØrstedNow"]),
        (named("Intel"), "#ArtificialIntelligence #intelligence #intel_2 #FCBayern", ["#intel_2"]),
        (named("Intel"), "#IntelDown #boycottintel", ["#IntelDown", "#boycottintel"]),
        (ORANGE, "#OrangeJuice #BoycottOrange", []),
        (named("C&A"), "#CAdown #BoycottCA", []),
        (VOLTA, "@AirVolta", []),
        # A phrase in `exclude` removes the name within it.
        (MIRABELLE, "a mirabelle plum", []),
        (MIRABELLE, "Tarte a la Mirabelle !", []),
        (MIRABELLE, "Mirabelle sells mirabelle plum jam", ["Mirabelle"]),
        (MIRABELLE, "mirabelle plums", ["mirabelle"]),
        (MIRABELLE, "plum mirabelle", ["mirabelle"]),
        (MIRABELLE, "#mirabelle", ["#mirabelle"]),
        # Excluded phrases that overlap take away what each holds.
        (PLUM, "a plum tart plum, plum", ["plum"]),
        (PLUM, "plum tart", ["plum", "plum tart"]),
        (JUICE, "juice of an orange, orange", ["orange"]),
        # Names of every script.
        (named("無印良品"), "昨日無印良品で買った", ["無印良品"]),
        (named("東京"), "東 京", ["東 京"]),
        (named("東京"), "京東", []),
        (named("無印良品"), "#無印良品", ["#無印良品"]),
        (named("🍊"), "I love 🍊🍊", ["🍊", "🍊"]),
        (named("$ORA"), "buy $ora now", ["$ora"]),
        (named("#orangeday"), "#OrangeDay!", ["#OrangeDay"]),
        (named("ソニー"), "ソニーA7, ソニー2024", ["ソニー", "ソニー"]),
        (named("LG"), "LG가 LG전자", ["LG", "LG"]),
        # A name that signs make keeps them, in its usual spellings.
        (named("C&A"), "C&A, C & A, C&amp;A, c＆a", ["C&A", "C & A", "C&amp;A", "c＆a"]),
        (named("C&A"), "Vitamine C à prendre, C'a, #CA, C A", []),
        (named("AT&T"), "look at t-shirts", []),
        (named("H&M"), "#HM à 20h M", []),
        (named("E.ON"), "lettre e on, eon", []),
        (named("E.ON"), "E.ON", ["E.ON"]),
        (named(".NET"), "revenu NET, .NET", [".NET"]),
        (named("C++"), "vitamin C, C#", []),
        (named("C#"), "C# C", ["C#"]),
        (named("Canal+"), "le canal, Canal+", ["Canal+"]),
        (named("amazon.de"), "Amazon de Noël, amazon.de", ["amazon.de"]),
        (named("M&Ms"), "M&Ms, M&M's, m&m’s", ["M&Ms", "M&M's", "m&m’s"]),
        (named("McDonald's"), "McDonald’s McDonalds mcdonald", ["McDonald’s", "McDonalds"]),
        (named("McDonalds"), "McDonald's", ["McDonald's"]),
        # The genitive of a long name, and what is written together in Korean and Arabic.
        (named("Velmora"), "Velmoras Netz, Velmorable", ["Velmoras"]),
        (named("삼성"), "삼성은 삼성에서 삼성전자", ["삼성은", "삼성에서"]),
        (named("أورنج"), "لأورنج والأورنج", ["لأورنج", "والأورنج"]),
        # One fold for all.
        (named("Ørsted"), "Orsted ØRSTED", ["Orsted", "ØRSTED"]),
        (named("Yapı Kredi"), "YAPI KREDİ yapi kredi", ["YAPI KREDİ", "yapi kredi"]),
        (named("أورنج"), "شركة اورنج", ["اورنج"]),
    ],
)
def test_the_places_of_a_brand(brand: Brand, text: str, expected: list[str]) -> None:
    assert texts(brand, text) == expected


def test_a_match_says_where_it_is() -> None:
    text = "😡 l'Été Orange"
    (match,) = matches(ORANGE, text)
    assert match == Match(text="Orange", field="text", start=8, end=14)
    assert text[8:14] == "Orange"


def test_the_title_is_read_too() -> None:
    both = matches(ORANGE, "Orange", title="A bad day at Orange")
    assert [(match.field, match.start) for match in both] == [("text", 0), ("title", 13)]


def test_a_handle_in_the_list_of_mentions_is_enough_and_repeats_nothing() -> None:
    listed = matches(ORANGE, "are you there?", mentions=["someone", "ORANGE", "orange"])
    assert listed == [Match(text="ORANGE", field="mentions")]
    assert texts(ORANGE, "@Orange?", mentions=["Orange"]) == ["@Orange"]


def test_a_brand_has_so_many_matches_in_a_field_and_no_more() -> None:
    brand = Brand(id="ee", name="EE", handles=["EE"])
    kept = matches(brand, "ee #ee @ee " * 8_000, title="ee " * 200)
    assert [match.field for match in kept] == ["text"] * MAX_HITS + ["title"] * MAX_HITS
    assert [match.start for match in kept[:4]] == [0, 3, 7, 11]
    # Excluded places do not count.
    text = "mirabelle plum " * 600
    assert texts(MIRABELLE, text) == []
    (match,) = matches(MIRABELLE, text + "mirabelle")
    assert match.start == len(text)


@pytest.mark.parametrize(
    ("brands", "text", "ids"),
    [
        # In the order of their ids; one name may belong to two brands.
        ([VOLTA, ORANGE, Brand(id="aaa", name="Velmora")], "Orange, Velmora and Air Volta",
         ["aaa", "air-volta", "orange"]),
        ([Brand(id="a", name="Atlas"), Brand(id="b", name="B", names=["ATLAS"])], "atlas",
         ["a", "b"]),
        # A phrase of one brand excludes nothing of another.
        ([MIRABELLE, Brand(id="plum", name="Mirabelle Plum")], "a mirabelle plum", ["plum"]),
        ([], "Orange", []),
    ],
)  # fmt: skip
def test_several_brands(brands: list[Brand], text: str, ids: list[str]) -> None:
    matcher = BrandMatcher(brands)
    assert len(matcher) == len(brands)
    assert [match.id for match in matcher.match(post(text))] == ids


@pytest.mark.parametrize(
    "brand",
    [
        Brand(id="b", name="b", names=["Orange", "ORANGE", "orangé"]),
        Brand(id="b", name="b", names=["orange"], handles=["orange", "@Orange"]),
        Brand(id="b", name="b", names=["orange", "@orange"], handles=["orange"]),
        Brand(id="b", name="b", names=["o range", "orange", "or ange"], handles=["orange"]),
    ],
)
def test_a_place_matches_once_however_the_name_is_written(brand: Brand) -> None:
    assert texts(brand, "orange").count("orange") == 1
    assert texts(brand, "#orange").count("#orange") == 1
    assert texts(brand, "@orange").count("@orange") <= 1


def test_names_without_a_word_are_refused() -> None:
    with pytest.raises(QueryError, match="no word"):
        BrandMatcher([Brand(id="b", name="b", names=["...", "  "], exclude=["!"])])


ORDER = Brand(
    id="order",
    name="Corvane",
    query='(corvane OR "ma box") NEAR/5 panne AND NOT lang:en AND followers:>10',
    exclude=["la box de Corvane"],
)


@pytest.mark.parametrize(
    ("text", "language", "followers", "found"),
    [
        ("Corvane est en panne", "fr", 11, ["Corvane", "panne"]),
        ("Corvane est en panne", "fr", 10, []),
        ("Corvane est en panne", "en", 11, []),
        ("Corvane, et puis plus tard encore une bonne panne", "fr", 11, []),
        ("panne de ma box", None, 11, ["panne", "ma box"]),
    ],
)
def test_a_brand_with_a_query_is_what_the_query_says(
    text: str, language: str | None, followers: int, found: list[str]
) -> None:
    author = Author(id="1", followers=followers)
    read = mention(post(text, author=author), language=language)
    (brands,) = BrandMatcher([ORDER]).match_batch([read])
    assert [match.text for brand in brands for match in brand.matches] == found


def test_a_query_that_names_no_word_finds_the_brand_and_no_place() -> None:
    brand = Brand(id="fr", name="All French", query="lang:fr")
    found = BrandMatcher([brand]).match_batch([mention("bonjour", language="fr")])
    assert found == [[BrandMatch(id="fr")]]


@pytest.mark.parametrize("query", ["orange OR", "sentiment:negative AND a", "a AND brand:b",
                                   "a AND towards:negative", "a AND aspect:price=negative",
                                   "a NOT intent:praise", "a AND emotion:anger",
                                   'query:"other"'])  # fmt: skip
def test_a_query_that_cannot_be_asked_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        BrandMatcher([Brand(id="b", name="B", query=query)])


def _has_words(brand: Brand) -> bool:
    return any(len(tokenize(name)) for name in brand.names or [brand.name])


NAMED = BRANDS.map(lambda brand: replace(brand, query=None)).filter(_has_words)


@given(ANY_TEXT, ANY_TEXT, st.lists(NAMED, max_size=4, unique_by=lambda brand: brand.id))
def test_matches_are_at_their_places_in_any_text(
    before: str, after: str, brands: list[Brand]
) -> None:
    named = [name for brand in brands for name in (brand.names or [brand.name])]
    text = " ".join([before, *named, after])
    for of_brand in BrandMatcher(brands).match(post(text, title=text)):
        assert of_brand.matches
        for match in of_brand.matches:
            assert match.field in ("text", "title")
            assert text[match.start : match.end] == match.text


@given(
    st.lists(NAMED, min_size=2, max_size=5, unique_by=lambda brand: brand.id),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_brands_does_not_matter(brands: list[Brand], rng: random.Random) -> None:
    text = " ".join(name for brand in brands for name in [brand.name, *brand.names])
    shuffled = list(brands)
    rng.shuffle(shuffled)
    assert BrandMatcher(shuffled).match(post(text)) == BrandMatcher(brands).match(post(text))
