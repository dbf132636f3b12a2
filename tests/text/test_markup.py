"""Handles, hashtags and links of a text; what is read out of a hostile one is bounded."""

import pytest

from schemas.bounds import MAX_SHORT
from text import markup as module
from text.markup import markup_of


@pytest.mark.parametrize(
    ("text", "mentions", "hashtags", "links"),
    [
        (".@united a@b.com @@x cc @a.b.social!", ["united", "a.b.social"], [], []),
        ("#हिंदी, #1 foo#bar &#39; #a_b's", [], ["हिंदी", "a_b"], []),
        ("(see https://a.example/c_(d)). https://", [], [], ["https://a.example/c_(d)"]),
        ("https://medium.example/@u#f HTTP://B.example", [], [],
         ["https://medium.example/@u#f", "HTTP://B.example"]),
        ("#one #one @me @me", ["me"], ["one"], []),
        ("nothing", [], [], []),
    ],
)  # fmt: skip
def test_extraction(text: str, mentions: list[str], hashtags: list[str], links: list[str]) -> None:
    assert markup_of(text) == (mentions, hashtags, links)


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("http://a" + ")" * 20_000, ["http://a"]),
        ("http://a/(" + "b" * 5_000 + ").", ["http://a/(" + "b" * (MAX_SHORT - 10)]),
        ("http://a/" + "b" * (MAX_SHORT - 9), ["http://a/" + "b" * (MAX_SHORT - 9)]),
    ],
)
def test_a_link_is_cut_before_it_is_trimmed(
    monkeypatch: pytest.MonkeyPatch, text: str, links: list[str]
) -> None:
    # Trimming takes the square of a link's length.
    lengths: list[int] = []
    trim = module._trim

    def counted(link: str) -> str:
        lengths.append(len(link))
        return trim(link)

    monkeypatch.setattr(module, "_trim", counted)
    assert markup_of(text).links == links
    assert max(lengths) <= MAX_SHORT
