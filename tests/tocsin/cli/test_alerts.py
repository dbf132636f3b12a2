"""``tocsin alerts``: what a desk sees and does, on an index that answers as the real one."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console

from runtime.settings import ElasticsearchSettings
from schemas.alert import Alert, Evidence
from schemas.ids import author_hash
from schemas.mention import BrandMatch, Match, Mention, Sentiment
from schemas.post import Author
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.report import report, title
from sinks.alerts.store import Index
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import to_document
from tests import make
from tests.servers.alert_index import AlertIndex
from tests.sinks.alerts.states import ID, NOW, hostile, rich, state
from tests.tocsin.cli.commands import Commands
from tocsin.cli.report_page import page
from tocsin.offline.alert_posts import published


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AlertIndex]:
    monkeypatch.setenv("TOCSIN_ALERTS_TIME_ZONE", "UTC")
    monkeypatch.setenv("LOGNAME", "terminal-user")
    with AlertIndex() as server:
        monkeypatch.setenv("TOCSIN_ELASTICSEARCH_URL", server.url)
        yield server


def keep(server: AlertIndex, *alerts: Alert) -> None:
    with connect(ElasticsearchSettings(url=server.url, request_timeout_s=20)) as client:
        index = Index(client, "tocsin-alerts")
        for alert in alerts:
            index.deliver(alert, None)


def listed(tocsin: Commands, *arguments: str) -> list[dict[str, Any]]:
    ran = tocsin("alerts", "list", *arguments, "--format", "jsonl")
    assert ran.status == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def ids(tocsin: Commands, *arguments: str) -> list[str]:
    return [row["id"] for row in listed(tocsin, *arguments)]


def test_the_list_shows_what_is_not_over_and_can_be_narrowed(
    tocsin: Commands, server: AlertIndex
) -> None:
    keep(
        server,
        state(1, id="a"),
        state(2, id="b", severity=2, brand="zephalia"),
        state(3, id="c", muted=True),
        state(3, id="over"),
        state(4, "close", id="over"),
    )
    assert tocsin("alerts", "close", "c", "--by", "ana").status == 0
    b, a = listed(tocsin)
    assert (b["id"], b["status"], b["severity"], b["brand"]) == ("b", "open", 2, "zephalia")
    assert (a["id"], a["began_at"], a["muted"]) == ("a", "2026-01-02T09:05:00Z", False)
    ran = tocsin("alerts", "list")
    assert ran.out.split()[:6] == ["id", "status", "severity", "began", "at", "title"]
    assert ran.err == "2 open alerts; 2 closed: --status all\n"
    assert tocsin("alerts", "ack", "a", "--by", "ana").status == 0
    for arguments, wanted in (
        (("--brand", "velmora"), ["a"]),
        (("--severity", "3"), ["a"]),
        (("--status", "acknowledged"), ["a"]),
        (("--status", "open"), ["b"]),
        (("--status", "closed"), ["over", "c"]),
        (("--status", "all"), ["over", "c", "b", "a"]),
        (("--status", "all", "--limit", "1"), ["over"]),
        (("--from", "2026-01-02T09:40:03Z"), ["over", "c"][:0]),
        (("--to", "2026-01-02T09:40:02Z"), ["a"]),
    ):
        assert ids(tocsin, *arguments) == wanted, arguments
    assert "closed (muted)" in " ".join(tocsin("alerts", "list", "--status", "closed").out.split())


def test_the_number_of_alerts_says_where_the_others_are(
    tocsin: Commands, server: AlertIndex
) -> None:
    assert tocsin("alerts", "list").err == "0 open alerts\n"
    keep(server, state(1), state(2, "close"), state(1, id="b"), state(1, id="c"))
    tocsin("alerts", "close", "b", "--by", "ana")
    tocsin("alerts", "close", "c", "--by", "ana")
    ran = tocsin("alerts", "list")
    assert (ran.out, ran.err) == ("", "0 open alerts; 3 closed: --status all\n")
    ran = tocsin("alerts", "list", "--status", "all", "--limit", "1")
    assert ran.err == "1 alert; 1 is the limit, --limit 10 shows more\n"


def test_a_list_fits_a_terminal_of_80_columns(tocsin: Commands, server: AlertIndex) -> None:
    keep(server, rich(), state(1, id="velmora-2026-01-01T09:40Z"))
    tocsin("alerts", "assign", ID, "benedicta", "--by", "ana")
    tocsin("alerts", "ack", ID, "--by", "ana")
    lines = tocsin("alerts", "list").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith(ID) for line in lines)


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "fr",
            [
                "Gravité\u00a0: 4 sur 5",
                "États",
                "- 02/01/2026 09:40 UTC  4 sur 5, ouverte  {title}",
                "Suivi",
                "- Prise en compte par\u00a0: ana",
                "- Confiée à\u00a0: ben",
            ],
        ),
        (
            "en",
            [
                "Severity: 4 of 5",
                "States",
                "- 2026-01-02 09:40 UTC  4 of 5, opened  {title}",
                "Desk",
                "- Acknowledged by: ana",
                "- Assigned to: ben",
            ],
        ),
    ],
)
def test_an_alert_is_shown_whole_and_listed_in_the_readers_language(
    tocsin: Commands, server: AlertIndex, language: str, lines: list[str]
) -> None:
    keep(server, rich(), state(2, id="before-there-were-headlines"))
    assert tocsin("alerts", "ack", ID, "--by", "ana").status == 0
    assert tocsin("alerts", "assign", ID, "ben", "--by", "ana", "--text", "yours").status == 0
    ran = tocsin("alerts", "show", ID, "--in-language", language)
    assert (ran.status, ran.err) == (0, "")
    shown = ran.out.splitlines()
    wanted = title(rich(), Style(language))
    for line in lines:
        assert line.format(title=wanted) in shown, line
    assert shown[-1].endswith("yours")
    # '--lang' and '--language' are old names.
    before, alert = listed(tocsin, "--lang", language)
    assert alert["title"] == wanted
    assert before["title"] == "Velmora: negative mentions nine times the usual"


def test_an_alert_that_got_graver_after_it_was_closed_is_open(
    tocsin: Commands, server: AlertIndex
) -> None:
    keep(server, state(1, severity=2))
    assert tocsin("alerts", "close", ID, "--by", "ana", "--text", "answered").status == 0
    assert ids(tocsin) == []
    keep(server, state(2, "update", severity=4))
    (row,) = listed(tocsin)
    assert (row["status"], row["severity"], row["escalated"]) == ("open", 4, True)
    assert "  open!" in tocsin("alerts", "list").out
    ran = tocsin("alerts", "show", ID)
    assert "Closed by: ana" in ran.out
    assert "Graver since it was closed: severity 2 then" in ran.out


def test_hostile_text_does_not_reach_the_terminal(tocsin: Commands, server: AlertIndex) -> None:
    keep(server, hostile())
    for arguments in (("list",), ("show", ID)):
        out = tocsin("alerts", *arguments).out
        assert "\x1b" not in out and "\u202e" not in out and "\r" not in out


TEXT = "Encore une panne de Velmora à Nantes\x1b[2J, merci #VelmoraDown"


def mention(text: str = TEXT, id_: str = "x:1541815603606036480", **fields: Any) -> Mention:
    post = make.post(
        text,
        id=id_,
        author=Author(id="9", handle="odile", followers=412),
        created_at=NOW - timedelta(minutes=5),
        url=f"https://x.com/i/status/{id_.partition(':')[2]}",
    )
    begin = text.lower().index("velmora")
    match = Match(text=text[begin : begin + 7], start=begin, end=begin + 7)
    return make.mention(post, brands=[BrandMatch(id="velmora", matches=[match])], **fields)


def index(server: AlertIndex, *mentions: Mention) -> None:
    for each in mentions:
        event = make.enriched(each)
        server.mentions[each.post.id] = msgspec.to_builtins(to_document(event))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "about", "role", "gone"),
    [
        ("en", "- About: “panne”", "first: @odile", "not in the index"),
        ("fr", "- Sujet\u00a0: «\u00a0panne\u00a0»", "premier\u00a0: @odile", "absente de l’index"),
    ],
)
def test_the_posts_of_an_alert_have_their_texts(
    tocsin: Commands, server: AlertIndex, language: str, about: str, role: str, gone: str
) -> None:
    keep(server, rich())
    index(server, mention())
    out = tocsin("alerts", "show", ID, "--in-language", language).out
    assert about.removeprefix("- ") in out
    posts = out.partition("Posts" if language == "en" else "Publications")[2].splitlines()
    assert role in posts[1] and "<https://x.com/i/status/1541815603606036480>" in posts[1]
    # The brand and what is said more than before are marked; the terminal is safe.
    assert (
        posts[2] == "  Encore une **panne** de **Velmora** à **Nantes** [2J, merci **#VelmoraDown**"
    )
    assert "bluesky:abc" in posts[3]
    assert gone in posts[4]


def test_an_erased_post_is_shown_without_its_text(tocsin: Commands, server: AlertIndex) -> None:
    keep(server, rich())
    index(server, mention())
    server.mentions.clear()
    shown = tocsin("alerts", "show", ID).out
    assert shown.count("not in the index: deleted, erased or not yet searchable") == 2
    assert "odile" not in shown


def test_authors_are_named_where_the_index_knows_them(tocsin: Commands, server: AlertIndex) -> None:
    carrier = replace(rich().evidence.carriers[0], author=author_hash("x", "9"))
    keep(server, rich(evidence=Evidence(carriers=[carrier])))
    index(server, mention())
    assert "- @odile <https://x.com/i/status/7>: 14 mentions" in tocsin("alerts", "show", ID).out


def test_what_negative_posts_say_stands_in_for_terms(tocsin: Commands, server: AlertIndex) -> None:
    bad = Sentiment(label="negative", score=-0.8, negative=0.8, neutral=0.2, positive=0)
    keep(server, state(1))
    index(server, *(mention(id_=f"x:{n}", sentiment=bad) for n in range(3)))
    assert "Negative posts say: “#velmoradown”" in tocsin("alerts", "show", ID).out


def test_the_posts_are_data_too(tocsin: Commands, server: AlertIndex) -> None:
    keep(server, rich())
    index(server, mention())
    document = json.loads(tocsin("alerts", "show", ID, "--format", "json").out)
    first, gone = document["posts"]
    assert (first["author"], first["followers"], first["text"]) == ("@odile", 412, TEXT)
    assert [TEXT[start:end] for start, end in first["marks"]] == [
        "panne",
        "Velmora",
        "Nantes",
        "#VelmoraDown",
    ]
    assert (gone["id"], gone["text"]) == ("bluesky:abc", None)
    assert document["version"] == 1
    rows = list(csv.DictReader(io.StringIO(tocsin("alerts", "show", ID, "--format", "csv").out)))
    assert [row["role"] for row in rows] == ["first", "most_seen"]


def test_a_page_wraps_at_words_and_marks_in_colour() -> None:
    alert = rich()
    shown = published(alert, [mention()], [])
    file = io.StringIO()
    page(
        report(alert, Style(), shown),
        Console(file=file, width=60, force_terminal=True, color_system="standard"),
    )
    out = file.getvalue()
    assert "\x1b[1;33mVelmora\x1b[0m" in out
    plain = io.StringIO()
    page(report(alert, Style(), shown), Console(file=plain, width=60))
    lines = plain.getvalue().splitlines()
    assert "- first: @odile" in plain.getvalue()
    assert max(map(len, lines)) <= 61
    assert not any(line.startswith("nes") for line in lines)


def test_who_did_it_is_the_user_of_the_terminal(tocsin: Commands, server: AlertIndex) -> None:
    keep(server, state(1))
    assert '"version": 1' in tocsin("alerts", "show", ID, "--json").out
    assert tocsin("alerts", "note", ID, "in Nantes").status == 0
    (action,) = server.documents[ID]["desk"]["history"]
    assert (action["by"], action["did"], action["text"]) == ("terminal-user", "noted", "in Nantes")


def test_an_action_is_done_on_what_is_there_now(tocsin: Commands, server: AlertIndex) -> None:
    keep(server, state(1))
    server.reads_until_interference = 1
    assert tocsin("alerts", "ack", ID, "--by", "ana").status == 0
    assert server.documents[ID]["desk"]["assignee"] == "ben"
    assert server.documents[ID]["desk"]["acknowledged_by"] == "ana"


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("show", "absent"), 2, "there is no alert absent; see 'tocsin alerts list'"),
        (("ack", "absent"), 2, "there is no alert absent"),
        (("ack", ID, "--by", "ben"), 1, "already acknowledged by ana"),
        (("note", ID, " "), 1, "texts and names must have 1 to 4000 characters"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    tocsin: Commands, server: AlertIndex, arguments: tuple[str, ...], status: int, says: str
) -> None:
    keep(server, state(1))
    tocsin("alerts", "ack", ID, "--by", "ana")
    assert says in tocsin.error("alerts", *arguments, status=status)


def test_the_sink_says_what_is_wrong_with_its_channels(
    tocsin: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_ALERTS_CHANNELS", "absent.yaml")
    assert "absent.yaml cannot be read" in tocsin.error("sink", "alerts")
    monkeypatch.delenv("TOCSIN_ALERTS_CHANNELS")
    assert "there is no channel desk" in tocsin.error("sink", "alerts", "--channel", "desk")
