"""``tocsin query preview --index`` on a real Elasticsearch agrees with the preview of a file."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from queries.language.ast import Range
from queries.language.parser import parse
from queries.tools.clause_effects import Clauses
from runtime.settings import ElasticsearchSettings
from schemas.errors import ConfigurationError
from schemas.mention import Language, Mention, Sentiment
from schemas.post import Author
from sinks.elasticsearch.connection import connect
from tests import make
from tests.engines.indexed import indexed
from tests.queries.asked import WHEN
from tests.stack_fixtures import RunningEngines
from tocsin.offline.preview import Preview, preview_posts
from tocsin.offline.preview_index import preview_index

pytestmark = pytest.mark.engines

TEXTS = [
    "Orange en panne",
    "sosh coupure",
    "jus d'orange, panne",
    "Orange!",
    "rien",
    "panne de box",
]


def mentions() -> list[Mention]:
    return [
        Mention(
            post=make.post(
                TEXTS[number % len(TEXTS)],
                id=f"x:{number}",
                author=Author(id="1", handle="odile"),
                created_at=WHEN + timedelta(hours=number),
            ),
            language=Language(code="en" if number % 4 else "fr", confidence=0.9),
            sentiment=Sentiment(
                label="negative", score=-0.8, negative=0.8, neutral=0.2, positive=0
            ),
        )
        for number in range(90)
    ]


@pytest.fixture(scope="module")
def settings(engines: RunningEngines) -> Iterator[ElasticsearchSettings]:
    with indexed(engines, "preview-", mentions()) as (_, settings):
        yield settings


def of_index(settings: ElasticsearchSettings, query: str, within: Range | None = None) -> Preview:
    with connect(settings) as client:
        return preview_index(client, settings, parse(query), sample=5, within=within)


def date(text: str) -> Range:
    node = parse(text)
    assert isinstance(node, Range)
    return node


@pytest.mark.parametrize(
    "query",
    [
        "(orange OR sosh OR velmora) AND (panne OR coupure) NOT (jus OR lang:en)",
        "orange NEAR/3 (panne OR jus)",
        "orange OR lang:fr",
        "sentiment:positive",
    ],
)
@pytest.mark.parametrize("within", [None, date("date:[2026-03-03 TO 2026-03-04]")])
def test_the_index_says_what_the_posts_say(
    settings: ElasticsearchSettings, query: str, within: Range | None
) -> None:
    preview = of_index(settings, query, within)
    expected = preview_posts(Clauses(parse(query)), mentions(), sample=5, within=within)
    assert replace(preview, sample=[]) == replace(expected, sample=[])
    assert sum(count for _, count in preview.volume.counts) == preview.matches


def test_the_newest_posts_are_shown_with_their_words(settings: ElasticsearchSettings) -> None:
    sample = of_index(settings, '"en panne" OR sosh').sample
    ids = [example.mention.post.id for example in sample]
    assert ids == ["x:85", "x:84", "x:79", "x:78", "x:73"]
    words = [
        [example.mention.post.text[span.start : span.end] for span in example.spans]
        for example in sample
    ]
    assert words == [["sosh"], ["en panne"], ["sosh"], ["en panne"], ["sosh"]]


def test_a_missing_index_is_a_sentence(settings: ElasticsearchSettings) -> None:
    elsewhere = ElasticsearchSettings(url=settings.url, index_prefix="nowhere-")
    with pytest.raises(ConfigurationError, match="has no nowhere-mentions"):
        of_index(elsewhere, "orange")
