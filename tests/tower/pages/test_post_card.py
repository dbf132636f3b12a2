"""Whatever a stranger writes is shown bounded, escaped, and with every letter that can be seen."""

import html
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.mention import (
    Aspect,
    BrandMatch,
    Emotion,
    Entity,
    Influence,
    Language,
    Match,
    Mention,
    Sentiment,
)
from schemas.post import Author, Media
from tests import make
from tests.strategies import ANY_TEXT, HOSTILE_POSTS, VALID, posts
from tower.pages.post_card import (
    MAX_CHIPS,
    MAX_NAME,
    MAX_TEXT,
    card,
    card_key,
    clean,
    language_tag,
    marked,
    spans_of,
    web_link,
)
from tower.pages.renderer import Renderer
from tower.pages.vocabulary import Words

RENDERER = Renderer("0")
ODD = st.text(
    alphabet=st.sampled_from(
        list("ab<>&\"' \n\t\x00\x1b\x7f\x85\u2028\u202e\u200b\u0301\u0e47é日🍊")
    ),
    max_size=60,
)


def seen(markup: str) -> str:
    """The text that a browser shows of it."""
    return html.unescape(re.sub(r"</?mark>", "", markup))


@example("a" + "\u0301" * 50, [])
@example("\ud800x", [(0, 2)])
@example("a" + "\u0e47" * 20 + "b", [(3, 9)])
@given(ANY_TEXT | ODD, st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=6))
def test_marks_neither_lose_nor_add_visible_text(text: str, places: list[tuple[int, int]]) -> None:
    spans = spans_of(_mention_with(text, places))
    marks = marked(text, spans)
    assert seen(marks) == clean(text, MAX_TEXT)
    assert str(marks).count("<mark>") == str(marks).count("</mark>")
    assert not re.search(r"<(?!/?mark>)", str(marks)), "everything else is escaped"


def _mention_with(text: str, places: list[tuple[int, int]]) -> Mention:
    matches = [Match(text="x", start=start, end=end) for start, end in places]
    return make.mention(make.post(text), brands=[BrandMatch(id="velmora", matches=matches)])


def test_the_places_of_brands_are_marked_once_and_in_order() -> None:
    marks = marked("Velmora & Corvane", spans_of(_mention_with("", [(10, 17), (0, 7), (0, 3)])))
    assert str(marks) in (
        "<mark>Velmora</mark> &amp; <mark>Corvane</mark>",
        "<mark>Vel</mark>mora &amp; <mark>Corvane</mark>",
    )


@pytest.mark.parametrize("places", [[(5, 999)], [(999, 1_000)], [(3, 3)], [(7, 2)]])
def test_a_place_outside_the_text_marks_nothing(places: list[tuple[int, int]]) -> None:
    assert str(marked("Velmora", spans_of(_mention_with("Velmora", places)))) == "Velmora"


def test_a_place_in_a_title_or_a_handle_is_not_of_the_text() -> None:
    matches = [Match(text="x", field=name, start=0, end=3) for name in ("title", "mentions")]
    mention = make.mention(brands=[BrandMatch(id="velmora", matches=matches)])
    assert spans_of(mention) == []


@given(ANY_TEXT | ODD, st.integers(1, 80))
def test_a_text_that_is_shown_is_bounded_and_clean(text: str, most: int) -> None:
    shown = clean(text, most)
    assert len(shown) <= most
    kinds = [unicodedata.category(sign) for sign in shown if sign not in "\n\t"]
    assert "Cc" not in kinds and "Zl" not in kinds and "Zp" not in kinds
    assert not re.search("[\u0301\u0e47]{5}", shown), "a tower of marks covers other lines"
    assert clean(shown, most) == shown


def test_a_lone_surrogate_does_not_stop_a_page() -> None:
    shown = clean("a\ud800b", 10)
    shown.encode("utf-8")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JAVASCRIPT:alert(1)", "java\nscript:alert(1)", " javascript:x",
        "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://a.example", "//a.example",
        "/live", "", None, "http://", "https:///x", "http://[", "https:a.example", "blob:x",
        "http://a.example/" + "x" * 3_000, "\x01javascript:x", "about:blank",
    ],
)  # fmt: skip
def test_a_link_that_is_not_of_the_web_is_none(url: str | None) -> None:
    assert web_link(url) is None


@pytest.mark.parametrize(
    "url", ["http://a.example", "https://a.example:8/x?y=1#z", "HTTPS://é.fr/"]
)
def test_a_link_of_the_web_is_as_it_was(url: str) -> None:
    assert web_link(url) == url


def test_a_key_of_a_card_cannot_name_an_element() -> None:
    for id_ in ("x:1", "__proto__", "<img>", "日本", "\ud800", "x" * 512):
        assert re.fullmatch(r"[0-9a-f]{24}", card_key(id_))
    assert card_key("x:1") != card_key("x:2")


def tone(label: str, share: float = 0.8) -> Sentiment:
    rest = (1 - share) / 2
    shares = {
        name: share if name == label else rest for name in ("negative", "neutral", "positive")
    }
    return Sentiment(label=label, score=0, **shares)  # type: ignore[arg-type]


def test_the_tone_is_towards_the_brand_that_is_asked_for() -> None:
    mention = make.mention(
        sentiment=tone("neutral"),
        brands=[
            BrandMatch(id="velmora"),
            BrandMatch(id="corvane", sentiment=tone("positive", 0.6)),
            BrandMatch(id="air-volta", sentiment=tone("negative")),
        ],
    )
    shown = {
        brand: (card(mention, 1, brand).tone, card(mention, 1, brand).tone_share)
        for brand in ("air-volta", "corvane", "velmora", None)
    }
    assert shown == {
        "air-volta": ("negative", 0.8),
        "corvane": ("positive", 0.6),
        "velmora": ("neutral", 0.8),
        None: ("positive", 0.6),
    }
    assert card(make.mention(), 1).tone == "none"


def test_chips_are_few_once_each_and_make_clauses() -> None:
    mention = make.mention(
        make.post(
            "x", hashtags=["Panne", "Panne", 'a"b', "", "\x00"] + [f"t{n}" for n in range(9)]
        ),
        intents=["complaint", "question"],
        emotion=Emotion(label="anger", confidence=1),
        aspects=[Aspect(label=name, text="x", start=0, end=1) for name in ("price", "other")],
        entities=[Entity(text="AF", name="Air France", label="ORG", start=0, end=1)] * 3,
    )
    chips = card(mention, 1).chips
    assert len(chips) <= MAX_CHIPS
    assert [(one.kind, one.text, one.clause) for one in chips][:5] == [
        ("intent", "complaint", "intent:complaint"),
        ("intent", "question", "intent:question"),
        ("emotion", "anger", "emotion:anger"),
        ("aspect", "price", "aspect:price"),
        ("entity", "Air France", 'entity:"Air France"'),
    ]
    assert len({(one.kind, one.text) for one in chips}) == len(chips)
    assert {one.clause for one in chips if one.text == 'a"b'} == {None}


@pytest.mark.parametrize(
    ("code", "tag"),
    [("fr", "fr"), ("und", ""), ('fr" onload="x', ""), ("FR", ""), ("", ""), ("fr-FR", "")],
)
def test_a_language_is_a_tag_only_if_it_is_one(code: str, tag: str) -> None:
    assert language_tag(make.mention(language=code)) == tag


def test_a_long_post_is_cut_and_says_so() -> None:
    long = card(make.mention(make.post("é" * 5_000, author=Author(id="1", name="n" * 900))), 1)
    assert long.cut and len(seen(str(long.text))) == MAX_TEXT
    assert len(long.name) == MAX_NAME
    assert not card(make.mention(make.post("é" * MAX_TEXT)), 1).cut


MENTIONS = st.builds(
    lambda post, language, brands, entities, reach: (
        make.mention(
            post,
            brands=brands,
            entities=entities,
            influence=Influence(reach=reach),
            sentiment=tone("negative"),
        )
        if language is None
        else Mention(post=post, language=Language(code=language, confidence=1), brands=brands)
    ),
    HOSTILE_POSTS | posts(),
    st.none() | st.text(max_size=8),
    st.lists(VALID.of(BrandMatch), max_size=3),
    st.lists(VALID.of(Entity), max_size=3),
    st.integers(0, 2**53),
)


@settings(max_examples=40)
@given(MENTIONS, st.sampled_from(["en", "fr"]))
def test_any_post_is_a_card_without_an_element_of_its_own(mention: Mention, language: str) -> None:
    text = RENDERER.post(mention, 1, Words(language))  # type: ignore[arg-type]
    text.encode("utf-8")
    names = set(re.findall(r"<([a-zA-Z][^\s/>]*)", text))
    assert names <= {"article", "header", "span", "b", "bdi", "time", "a", "p", "mark", "footer"}
    assert not re.search(r"<[^>]*\s(?:on[a-z]+|style|id|srcdoc)=", _without_values(text))
    for address in re.findall(r'href="([^"]*)"', text):
        assert address.startswith(("http://", "https://", "/live?", "HTTP"))
    assert text.count("<article") == text.count("</article>") == 1


def _without_values(text: str) -> str:
    return re.sub(r'"[^"]*"', '""', text)


def test_the_description_of_a_picture_is_shown_and_its_picture_is_not() -> None:
    media = [Media(type="photo", url="https://evil.example/p.png", alt="<b>a cat</b>")] * 9
    text = RENDERER.post(make.mention(make.post("x", media=media)), 1, Words("en"))
    assert text.count("&lt;b&gt;a cat&lt;/b&gt;") == 4
    assert "<img" not in text and "evil.example" not in text
