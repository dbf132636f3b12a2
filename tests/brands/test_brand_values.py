"""A value of a brand matches what its author means, or is refused with a sentence."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from brands.brand_values import handle_of, normalised
from brands.disambiguation import example_post
from schemas.brand import Brand
from schemas.errors import ConfigurationError
from tests import make

FILE = Path("brands.yaml")


def whole(**fields: Any) -> Brand:
    return normalised(make.brand("tarvel", name="Tarvel", **fields), FILE)


@pytest.mark.parametrize(
    ("languages", "codes"),
    [
        (["IT"], ["it"]),
        (["italiano", "ita", "it-IT"], ["it"]),
        (["nb", "sv"], ["no", "sv"]),
        (["zh-Hans"], ["zh"]),
    ],
)
def test_languages_are_the_codes_that_posts_have(languages: list[str], codes: list[str]) -> None:
    assert whole(languages=languages).languages == codes


@pytest.mark.parametrize(
    ("written", "handle"),
    [
        ("tarvel", "tarvel"),
        ("@tarvel", "tarvel"),
        ("@@tarvel.", "tarvel"),
        ("https://x.com/tarvel", "tarvel"),
        ("https://x.com/tarvel/status/17?s=20", "tarvel"),
        ("instagram.com/tarvel/", "tarvel"),
        ("https://bsky.app/profile/tarvel.example", "tarvel.example"),
        ("https://www.tiktok.com/@tarvel", "tarvel"),
        ("www.linkedin.com/company/tarvel", "tarvel"),
    ],
)
def test_a_handle_is_the_name_of_the_account(written: str, handle: str) -> None:
    brand = whole(handles=[written])
    assert brand.handles == [handle]
    assert BrandMatcher([brand]).match(example_post(f"merci @{handle} !"))


def test_an_account_of_the_fediverse_has_its_host() -> None:
    brand = whole(handles=["@tarvel@social.example"])
    assert brand.handles == ["tarvel@social.example"]
    post = replace(example_post("merci"), mentions=["tarvel@social.example"])
    assert BrandMatcher([brand]).match(post)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"languages": ["klingon"]}, "has the language 'klingon', which no post has"),
        ({"languages": ["frensh"]}, "did you mean fr?"),
        ({"languages": ["GB"]}, "did you mean en?"),
        ({"languages": ["fr,en"]}, "write each as one of the list: [fr, en]"),
        ({"languages": ["Deutsch / Italiano"]}, "write each as one of the list: [de, it]"),
        ({"languages": ["all"]}, "leave languages out"),
        ({"languages": ["*"]}, "leave languages out"),
        ({"languages": ["suisse"]}, "did you mean de or fr or it?"),
        ({"names": ["tarvel*"]}, "which is a query"),
        ({"names": ["tarvel OR tvl"]}, "which is a query"),
        ({"names": ["tarvel NOT train"]}, "which is a query"),
        ({"handles": ["tarvel fr"]}, "which no post can mention"),
        ({"handles": ["https://x.com/"]}, "which no post can mention"),
        ({"handles": ["https://x[/tarvel"]}, "which no post can mention"),
        ({"handles": ["tarvel@"]}, "which no post can mention"),
        ({"handles": ["tarvel@a b"]}, "which no post can mention"),
        ({"exclude": ["tarvel"]}, "which then matches nothing"),
        ({"names": ["Tarvel", "Tarvel Box"], "exclude": ["TARVEL"]}, "its name 'Tarvel'"),
        ({"handles": ["tarvel"], "exclude": ["tarvel"]}, "its name 'Tarvel'"),
    ],
)
def test_what_can_never_match_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        whole(**fields)
    assert says in str(caught.value)
    assert "brand tarvel" in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"names": ["M*A*S*H", "C&A", "Yahoo!", "To Be Or Not", "NOT"]},
        {"exclude": ["tarvel valley"]},
        {"names": ["Tarvel Box"], "exclude": ["tarvel box office"]},
        {"query": "tarvel AND train", "exclude": ["tarvel"]},
    ],
)
def test_what_can_match_is_taken(fields: dict[str, Any]) -> None:
    whole(**fields)


def test_accounts_are_without_a_sign() -> None:
    assert whole(owned=["x: @tarvel", "bluesky:did:plc:a"]).owned == [
        "x:tarvel",
        "bluesky:did:plc:a",
    ]


@given(st.text(max_size=60))
def test_any_text_is_a_handle_that_matches_or_a_sentence(text: str) -> None:
    handle_of(text)
    try:
        (handle,) = whole(handles=[text]).handles
    except ConfigurationError:
        return
    brand = make.brand("tarvel", name="Tarvel", handles=[handle])
    named = replace(example_post(f"x @{handle} y"), mentions=[handle])
    assert BrandMatcher([brand]).match(named)
