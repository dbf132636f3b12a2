"""``tocsin watch``: which posts are shown, and how."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from queries.language.parser import parse
from queries.matching.query_matcher import QueryMatcher
from schemas.post import Author, Post
from tests import make
from tests.ingestors.bluesky.bluesky_feed import post_of
from tests.servers.jetstream import Jetstream
from tests.tocsin.cli.commands import Commands
from tocsin.cli.watch import line_of

post = partial(
    make.post, id="bluesky:1", author=Author(id="did:plc:1", handle="odile.example"), language="fr"
)


def shown(query: str, found: Post) -> Any:
    ((match,),) = QueryMatcher({"watch": parse(query)}).match([make.mention(found)])
    return line_of(match)


def marked(line: Any) -> list[str]:
    return [line.plain[span.start : span.end] for span in line.spans if "yellow" in str(span.style)]


def test_a_post_is_shown_with_its_matches_marked() -> None:
    line = shown("orange NEAR/5 panne", post("😡 l'Orange [bold]est[/bold] en panne"))
    assert line.plain == "03:04:05 @odile.example 😡 l'Orange [bold]est[/bold] en panne [fr]"
    assert marked(line) == ["Orange", "panne"]


def test_a_post_of_nobody_in_no_language_is_shown() -> None:
    found = post("", author=Author(id="did:plc:1"), language=None)
    assert shown("source:bluesky", found).plain == "03:04:05 @did:plc:1  [?]"


def test_a_post_stays_on_its_line() -> None:
    line = shown("orange", post("a\r\nb\x1b[2J\u2028\u202eorange"))
    assert line.plain == "03:04:05 @odile.example a  b [2J  orange [fr]"
    assert marked(line) == ["orange"]


Watching = Callable[..., list[str]]


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch, tocsin: Commands) -> Watching:
    """Runs the command on posts that a Jetstream has."""

    def watch(texts: Sequence[str], query: str, most: int, **more: bytes) -> list[str]:
        with Jetstream() as server:

            def publish() -> None:
                # Without a cursor a client sees only what comes while it is there.
                server.wait_asked(1)
                server.publish(*(post_of(number, text) for number, text in enumerate(texts)))

            publishing = threading.Thread(target=publish)
            publishing.start()
            monkeypatch.setenv("TOCSIN_INGEST_BLUESKY_URLS", server.url)
            ran = tocsin("watch", query, "--max", str(most), **more)
            publishing.join()
        assert ran.status == 0, ran.err
        return [line.partition("@")[2].partition(" ")[2] for line in ran.out.splitlines()]

    return watch


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("orange OR sosh", [0, 2, 4]),
        ("(orange OR sosh) AND panne NOT jus", [0]),
        ("#orange", [1]),
        ("@orange OR coupure", [2, 3]),
        ("-", [1, 2]),
    ],
)
def test_the_whole_language_is_understood(
    watching: Watching, query: str, numbers: list[int]
) -> None:
    texts = ["l'Orange en panne", "#orange", "sosh, une coupure", "@orange", "jus d'orange, panne"]
    found = watching(texts, query, len(numbers), stdin=b"#orange OR coupure")
    assert [line.rpartition(" [")[0] for line in found] == [texts[number] for number in numbers]


def test_the_language_is_found_where_it_is_asked_for(watching: Watching) -> None:
    texts = [
        "I love my Orange phone, it is really great",
        "J'adore mon téléphone Orange, il est vraiment super",
    ]
    assert watching(texts, "orange AND lang:fr", 1) == [texts[1] + " [fr]"]
    assert watching(texts, "orange AND sentiment:positive AND NOT lang:fr", 1) == [
        texts[0] + " [en]"
    ]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "empty"),
        ("orange OR", "^^"),
        ("orange sosh", "orange AND sosh"),
        ("NOT orange", "every post except those"),
        ("!!!", "not an operator"),
        ("brand:velmora", "--brands"),
    ],
)
def test_what_cannot_be_watched_is_a_sentence(tocsin: Commands, query: str, says: str) -> None:
    assert says in tocsin.error("watch", query)


def test_the_help_says_what_a_word_does_not_match(tocsin: Commands) -> None:
    assert "neither #orange" in " ".join(tocsin("watch", "--help").out.replace("`", "").split())
