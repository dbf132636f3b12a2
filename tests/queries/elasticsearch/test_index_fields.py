"""The fields for queries equal a plain reading of ``docs/elasticsearch.md``, for any post."""

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from queries.elasticsearch.index_fields import SAME, query_fields
from queries.language.fields import normal
from queries.matching.document import Document, searched
from schemas.types import JsonObject
from tests.queries.asked import document
from tests.strategies import ANY_TEXT
from text.tokens import cased_form, exact_form, folded_form, tokenize, url_words
from text.words.hashtag_words import hashtag_words

ODD = st.text(
    st.sampled_from(list("aBéÉßıİſΑᾳйЙ日กिीْـ＠＃ﷺ㌖ﬁ𝐎゙́̈ͅ️🍊\u200d🏽 .'#@$&;_1"))
) | st.sampled_from(["#BoycottVelmora", "＃Velmora", "C&amp;A", "x" * 300, "É" * 300, "VELMORA"])
TEXTS = st.lists(ODD | ANY_TEXT, max_size=4).map(" ".join)
HOSTS = st.text(st.sampled_from(list("aB.-:@[]/?#é1 \n\t%")), max_size=20)
URLS = st.builds(str.__add__, st.sampled_from(["https://", "http://", "HTTPS://", "//", ""]), HOSTS)


def plain_forms(token: str, folded: str) -> tuple[str, str, str]:
    accented, exact = cased_form(token), exact_form(token)
    same = folded_form(token) if folded in (accented, exact) else None
    return (
        folded,
        SAME if accented == same else accented or folded,
        SAME if exact == same else exact,
    )


def plain_lines(texts: list[str]) -> tuple[list[str], list[str], list[str]]:
    read = [tokens for text in texts if len(tokens := tokenize(text))]
    forms = [list(map(plain_forms, tokens.exact, tokens.folded)) for tokens in read]
    folded, accented, exact = (
        [" ".join(form[kind] for form in line) for line in forms] for kind in range(3)
    )
    return folded, accented if set(" ".join(accented)) - set(f"{SAME} ") else [], exact


def plain_words(asked: Document) -> JsonObject:
    post = asked.mention.post
    words: JsonObject = {}
    for path, texts in (
        ("text", [searched(post.text)]),
        ("title", [post.title or ""]),
        ("author_name", [post.author.name or ""]),
        ("url", [" ".join(url_words(url)) for url in (post.url, *post.links) if url]),
    ):
        for ending, lines in zip(("", "_accented", "_exact"), plain_lines(texts), strict=True):
            if lines:
                words[path + ending] = lines if path == "url" else lines[0]
    return words


def plain_site(url: str) -> list[str]:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return []
    labels = [label for label in host.split(".") if label]
    return sorted({normal(".".join(labels[first:])) for first in range(len(labels))})


def plain_tags(*texts: str) -> list[str]:
    tokens = [token for text in texts for token in tokenize(text).exact]
    tags = [token for token in tokens if token[0] in "#＃" and len(token) > 1]
    return sorted(set().union(*map(hashtag_words, tags)))


@given(TEXTS, TEXTS, URLS, st.lists(URLS, max_size=2))
@example("#Velmora", "＃Velmora", "https://A.b.example?x", ["https://b.example:80"])
@settings(max_examples=400, deadline=None)
def test_the_fields_are_those_of_a_plain_reading(
    text: str, title: str, url: str, links: list[str]
) -> None:
    asked = document(text, title=title or None, url=url or None, links=links)
    fields = query_fields(asked)
    assert fields.get("words", {}) == plain_words(asked)
    assert fields["values"].get("site", []) == plain_site(url)
    assert fields["values"].get("tag", []) == plain_tags(text, title)


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_what_was_read_before_is_read_alike(text: str) -> None:
    """The matcher may have read the document, with its offsets."""
    read = document(text)
    read.texts_of("text")
    assert query_fields(read) == query_fields(document(text))


@given(TEXTS)
@example(" É  b\x1cC ")
@example("É" * 300)
@settings(max_examples=200)
def test_a_value_has_the_folded_form_of_its_words(text: str) -> None:
    assert normal(text) == " ".join(folded_form(word) for word in text.split())


@pytest.mark.parametrize("text", ["x" * 300 + " Bé", "BÉ " * 9_000, "b " * 1_000])
def test_long_texts_are_read_alike(text: str) -> None:
    asked = document(text)
    assert query_fields(asked)["words"] == plain_words(asked)
