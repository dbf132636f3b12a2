"""X's API: reconciled rules, errors that a person must fix, and a secret token."""

import importlib
import sys
from typing import Any

import pytest

from ingestors.source import SourceError
from ingestors.x.rules import Rule
from runtime import logs
from tests.ingestors.reading import read_events, reconnects
from tests.ingestors.x.x_feed import HELD, RULE, TOKEN, Open, sent
from tests.servers.x_api import RULES, Answer, Step, XServer

STALE = {"id": "10", "value": '"Old"', "tag": "tocsin:old:1"}


def test_rules_are_reconciled_and_others_left_alone(server: XServer, open_source: Open) -> None:
    theirs = {"id": "8", "value": "cats", "tag": "somebody"}
    server.rules = [theirs, {"id": "9", "value": "dogs"}, STALE, HELD]
    wanted = [RULE, Rule('"Other"', "tocsin:other:1"), Rule("cats", "tocsin:cats:1")]
    open_source(server, rules=wanted)
    server.wait_streams(1)
    assert [(rule["value"], rule.get("tag")) for rule in server.rules] == [
        ("cats", "somebody"),
        ("dogs", None),
        ('"Acme"', "tocsin:acme:1"),
        ('"Other"', "tocsin:other:1"),
    ]
    posts = [asked for asked in server.requests(RULES) if asked.method == "POST"]
    assert ["dry_run" in asked.query for asked in posts] == [True, False, False]


def test_nothing_is_sent_where_the_rules_are_right(server: XServer, open_source: Open) -> None:
    open_source(server)
    server.wait_streams(1)
    assert [asked.method for asked in server.requests(RULES)] == ["GET"]


def test_an_invalid_rule_deletes_nothing(server: XServer, open_source: Open) -> None:
    server.rules = [STALE]
    server.invalid = lambda value: "Rules must contain a keyword (at position 1)"
    source = open_source(server)
    with pytest.raises(SourceError, match=r"tocsin:acme:1.*must contain a keyword"):
        read_events(source, 1)
    assert server.fired == ["invalid rule"]
    assert server.rules == [STALE]


def test_too_many_rules_need_a_person(server: XServer, open_source: Open) -> None:
    server.rules, server.max_rules = [], 0
    source = open_source(server)
    with pytest.raises(SourceError, match="Rules cap exceeded"):
        read_events(source, 1)
    assert server.fired == ["too many rules"]


def test_rules_that_vanish_are_put_back(server: XServer, open_source: Open) -> None:
    server.scripts = [[sent(0), Step.STALL]]
    source = open_source(server, keep_alive_timeout_s=0.5)
    read_events(source, 1)
    server.rules = []
    server.wait_streams(2)
    assert server.fired[:2] == ["stall", "no rules"]
    assert [rule["value"] for rule in server.rules] == ['"Acme"']


def test_rules_are_asked_for_again_after_an_error(server: XServer, open_source: Open) -> None:
    server.answers = [Answer(503), Answer(429), Answer(200, b"not JSON"), Answer(200, [1, 2])]
    server.answers.append(Answer(200, {"data": "x", "errors": 7}))
    server.scripts = [[sent(0), Step.LIVE]]
    source = open_source(server)
    assert len(read_events(source, 1).events) == 1
    for cause in ("unavailable", "limited", "refused"):
        assert reconnects(source, cause) == 1
    assert server.fired[:3] == ["answer 503", "answer 429", "answer 200"]


@pytest.mark.parametrize(
    ("status", "setting"),
    [(401, "BEARER_TOKEN"), (403, "BEARER_TOKEN"), (404, "URL"), (301, "URL")],
)
def test_permanent_errors_name_the_setting(
    server: XServer, open_source: Open, status: int, setting: str
) -> None:
    detail = {"title": "Client Forbidden", "detail": "this is why"}
    server.scripts = [[Answer(status, detail, {"Location": f"{server.url}/elsewhere"})]]
    source = open_source(server)
    with pytest.raises(SourceError, match=f"{status}.*this is why.*TOCSIN_INGEST_X_{setting}"):
        read_events(source, 1)
    assert server.fired == [f"answer {status}"]
    assert not server.requests("/elsewhere")


def test_the_token_is_in_no_log_and_no_error(
    server: XServer, open_source: Open, capsys: pytest.CaptureFixture[str], caplog: Any
) -> None:
    logs.configure("json", "debug")  # to what capsys put in the place of standard error
    caplog.set_level("DEBUG")
    for name in ("tweepy", "urllib3"):
        caplog.set_level("DEBUG", name)  # which logs.configure holds at WARNING
    server.token = "another"
    source = open_source(server)
    with pytest.raises(SourceError) as caught:
        read_events(source, 1)
    assert server.fired == ["unauthorized"]
    seen = "".join([*capsys.readouterr(), caplog.text, repr(caught.value), repr(vars(source))])
    assert '"event": "refused"' in seen, "logs are captured"
    assert "urllib3" in caplog.text, "logs of libraries too"
    assert TOKEN not in seen
    chain: BaseException | None = caught.value
    while chain is not None:
        assert TOKEN not in f"{chain!r} {chain}"
        chain = chain.__cause__ or chain.__context__


@pytest.mark.parametrize("library", ["tweepy", "requests"])
def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    for name in [name for name in sys.modules if name.startswith("ingestors.x.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SourceError, match=rf"X needs {library}.*tocsin\[x\]"):
        importlib.import_module("ingestors.x.source")
