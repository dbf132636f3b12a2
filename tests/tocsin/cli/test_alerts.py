"""``tocsin alerts``: what a desk sees and does, on an index that answers as the real one."""

from collections.abc import Iterator

import pytest

from runtime.settings import ElasticsearchSettings
from schemas.alert import Alert
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.report import title
from sinks.alerts.store import Index
from sinks.elasticsearch.connection import connect
from tests.servers.alert_index import AlertIndex
from tests.sinks.alerts.states import ID, hostile, rich, state
from tests.tocsin.cli.commands import Commands


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


def ids(out: str) -> list[str]:
    return [line.split("\t")[0] for line in out.splitlines()]


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
    ran = tocsin("alerts", "list")
    assert ran.status == 0
    assert ids(ran.out) == ["b", "a"]
    assert ran.out.split("\t")[:4] == ["b", "open", "2", "zephalia"]
    assert "2 alerts" in ran.err
    assert tocsin("alerts", "ack", "a", "--by", "ana").status == 0
    for arguments, wanted in (
        (("--brand", "velmora"), ["a"]),
        (("--severity", "3"), ["a"]),
        (("--status", "acknowledged"), ["a"]),
        (("--status", "open"), ["b"]),
        (("--status", "closed"), ["over", "c"]),
        (("--status", "all"), ["over", "c", "b", "a"]),
        (("--status", "all", "--limit", "1"), ["over"]),
    ):
        assert ids(tocsin("alerts", "list", *arguments).out) == wanted, arguments
    assert "closed (muted)" in tocsin("alerts", "list", "--status", "closed").out


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
    ran = tocsin("alerts", "show", ID, "--language", language)
    assert (ran.status, ran.err) == (0, "")
    shown = ran.out.splitlines()
    wanted = title(rich(), Style(language))
    for line in lines:
        assert line.format(title=wanted) in shown, line
    assert shown[-1].endswith("yours")
    before, alert = tocsin("alerts", "list", "--lang", language).out.splitlines()
    assert alert.endswith(f"\t{wanted}")
    assert before.endswith("\tVelmora: negative mentions nine times the usual")


def test_an_alert_that_got_graver_after_it_was_closed_is_open(
    tocsin: Commands, server: AlertIndex
) -> None:
    keep(server, state(1, severity=2))
    assert tocsin("alerts", "close", ID, "--by", "ana", "--text", "answered").status == 0
    assert ids(tocsin("alerts", "list").out) == []
    keep(server, state(2, "update", severity=4))
    assert "\topen!\t4\t" in tocsin("alerts", "list").out
    ran = tocsin("alerts", "show", ID)
    assert "Closed by: ana" in ran.out
    assert "Graver since it was closed: severity 2 then" in ran.out


def test_hostile_text_does_not_reach_the_terminal(tocsin: Commands, server: AlertIndex) -> None:
    keep(server, hostile())
    for arguments in (("list",), ("show", ID)):
        out = tocsin("alerts", *arguments).out
        assert "\x1b" not in out and "\u202e" not in out and "\r" not in out
    assert len(tocsin("alerts", "list").out.splitlines()) == 1


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
