"""``tocsin watch``: which posts are shown, and how."""

import io
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from rich.console import Console

from queries.language.parser import parse
from queries.matching.query_matcher import QueryMatcher
from runtime.logs import get_logger
from schemas.post import Author, Post
from tests import make
from tests.ingestors.bluesky.bluesky_feed import post_of
from tests.servers.jetstream import Jetstream
from tests.tocsin.cli.commands import Commands
from tocsin.cli.watch import line_of, show
from tocsin.cli.watch_status import WatchStatus

post = partial(
    make.post, id="bluesky:1", author=Author(id="did:plc:1", handle="odile.example"), language="fr"
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The zone of this machine."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


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


def test_the_link_comes_last() -> None:
    found = post("orange", url="https://bsky.app/profile/did:plc:1/post/3k")
    assert shown("orange", found).plain.endswith("[fr] https://bsky.app/profile/did:plc:1/post/3k")


def test_a_terminal_gets_whole_words_below_each_other() -> None:
    text = "l'Orange est en panne depuis ce matin dans tout le quartier et personne ne répond"
    file = io.StringIO()
    console = Console(file=file, width=60, force_terminal=True, color_system=None)
    show(shown("orange", post(text)), console)
    lines = file.getvalue().splitlines()
    assert lines[0].startswith("03:04:05 @odile.example l'Orange est")
    assert all(line.startswith(" " * 9) and len(line) <= 60 for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == f"03:04:05 @odile.example {text} [fr]"


class Err(io.StringIO):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def test_the_status_says_how_much_is_read() -> None:
    now, err = [100.0], Err(is_terminal=False)
    status = WatchStatus(err, lambda: now[0])
    status.tick()
    for second in range(1, 122):
        now[0] += 1
        status.read += 52
        status.shown = 3 if second > 30 else 0
        status.tick()
    assert err.getvalue().splitlines() == [
        "listening, 52 posts/s",
        "52 posts/s, 3 matches",
        "52 posts/s, 3 matches",
    ]


def test_a_terminal_has_one_line_that_makes_room_for_posts() -> None:
    now, err = [100.0], Err(is_terminal=True)
    status = WatchStatus(err, lambda: now[0])
    now[0] += 2
    status.read = 20
    status.tick()
    status.clear()
    status.clear()
    assert err.getvalue() == "\r\x1b[Klistening, 10 posts/s\r\x1b[K"


def test_without_a_network_there_is_one_line_a_minute(
    tocsin: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, err = [0.0], Err(is_terminal=False)
    status = WatchStatus(err, lambda: now[0])
    status.take_logs()
    for _ in range(121):
        get_logger("ingest").warning("no connection", error="[Errno -2] Name\n or service")
        get_logger("ingest").info("connected")
        now[0] += 1
    assert (
        err.getvalue().splitlines()
        == ["Bluesky: no connection ([Errno -2] Name or service); trying again"] * 3
    )
    # The source itself: refused at once, then tried again.
    monkeypatch.setenv("TOCSIN_INGEST_BLUESKY_URLS", "ws://127.0.0.1:9")
    timer = threading.Timer(3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    ran = tocsin("watch", "orange")
    timer.join()
    assert ran.err.count("Bluesky: no connection") == 1
    assert len(ran.err.splitlines()) == 1


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
        links = [line.rpartition(" ")[2] for line in ran.out.splitlines()]
        assert all(link.startswith("https://bsky.app/profile/did:plc:") for link in links)
        lines = [line.rpartition(" ")[0] for line in ran.out.splitlines()]
        return [line.partition("@")[2].partition(" ")[2] for line in lines]

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
