"""What is read out of a hostile text is bounded, and so is the work for it."""

import pytest

from schemas.bounds import MAX_SHORT
from text import markup as module
from text.markup import markup_of


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
