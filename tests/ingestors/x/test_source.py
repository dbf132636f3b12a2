"""X as a source: position, gaps, and wrong configurations."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from ingestors.source import SourceError
from ingestors.x.source import XSource
from ingestors.x.stream import XOptions
from runtime import logs
from tests.ingestors.reading import gaps_of, largest_batch, metric, read_events, until
from tests.ingestors.x.x_feed import NOW, RULE, TOKEN, Open, id_of, ids, line_of, sent
from tests.servers.x_api import KEEP_ALIVE, STREAM, Answer, Step, XServer


def test_reads_live_with_everything_asked_for(server: XServer, open_source: Open) -> None:
    source = open_source(server)
    server.wait_streams(1)
    server.publish(line_of(1), line_of(2))
    batch = read_events(source, 2)
    assert [event.id for event in batch.events] == ids(1, 2)
    assert batch.position == {"last_id": id_of(2), "last_seen": NOW.isoformat()}
    (asked,) = server.requests(STREAM)
    assert "backfill_minutes" not in asked.query
    assert "edit_history_tweet_ids" in asked.query["tweet.fields"][0].split(",")
    assert "note_tweet" in asked.query["tweet.fields"][0].split(",")
    assert "referenced_tweets.id.author_id" in asked.query["expansions"][0].split(",")
    assert asked.query["media.fields"] == ["alt_text,preview_image_url,type,url"]
    assert asked.query["place.fields"] == ["country_code,full_name"]
    assert metric(source, "connected") == 1
    source.close()
    assert metric(source, "connected") == 0


def test_keep_alives_move_the_position_and_nothing_else(server: XServer, open_source: Open) -> None:
    ticks = iter(range(10**6))
    server.scripts = [[sent(0), *[KEEP_ALIVE] * 5, Step.LIVE]]
    source = open_source(server, clock=lambda: NOW + timedelta(seconds=next(ticks)))
    first = read_events(source, 1).position
    assert first is not None
    server.publish(b"")
    later = until(source, lambda batch: batch.position != first)
    assert later.position is not None
    assert later.position["last_seen"] > first["last_seen"]
    assert not later.events
    assert not later.unreadable


def test_the_position_stays_while_nothing_comes(server: XServer, open_source: Open) -> None:
    position = {"last_id": "0", "last_seen": (NOW - timedelta(minutes=4)).isoformat()}
    server.scripts = [[Step.STALL]]
    assert open_source(server, position=position).next_batch().position == position


def test_a_batch_is_bounded(server: XServer, open_source: Open) -> None:
    server.scripts = [[*[sent(number) for number in range(120)], Step.LIVE]]
    source = open_source(server, batch_events=50)
    assert largest_batch(source, 120) <= 50


def test_backfill_repeats_what_was_missed(server: XServer, open_source: Open) -> None:
    server.publish(line_of(0), line_of(1))
    source = open_source(server, backfill_minutes=5)
    assert [event.id for event in read_events(source, 2).events] == ids(0, 1)
    assert server.requests(STREAM)[0].query["backfill_minutes"] == ["5"]


def test_a_plan_without_backfill_goes_on_without(
    server: XServer, open_source: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", "warning")  # to what capsys put in the place of standard error
    server.backfill = False
    server.scripts = [[Step.LIVE], [sent(0), Step.RESET], [sent(1), Step.LIVE]]
    source = open_source(server, backfill_minutes=5)
    until(source, lambda batch: ids(1)[0] in {event.id for event in batch.events})
    assert server.fired == ["no backfill", "reset"]
    asked = ["backfill_minutes" in asked.query for asked in server.requests(STREAM)]
    assert asked == [True, False, False]
    assert capsys.readouterr().err.count("no backfill") == 1


@pytest.mark.parametrize(
    ("away", "minutes", "gaps", "seconds"),
    [(10, 0, 1, 600.0), (10, 3, 1, 420.0), (10, 5, 1, 300.0), (4, 5, 0, 0.0)],
)
def test_a_restart_counts_what_backfill_does_not_reach(
    server: XServer, open_source: Open, away: int, minutes: int, gaps: int, seconds: float
) -> None:
    last_seen = (NOW - timedelta(minutes=away)).isoformat()
    position = {"last_id": id_of(0), "last_seen": last_seen}
    server.scripts = [[sent(1), Step.LIVE]]
    source = open_source(server, position=position, backfill_minutes=minutes)
    batch = read_events(source, 1)
    assert gaps_of(source) == (gaps, seconds)
    # X repeats the end of what was missed.
    since, until = NOW - timedelta(minutes=away), NOW - timedelta(minutes=minutes)
    assert [(gap.since, gap.until) for gap in batch.gaps] == [(since, until)] * gaps
    assert source.heard_until() == NOW


def test_a_break_is_a_gap_from_when_it_was_noticed(server: XServer, open_source: Open) -> None:
    """Every reading of this clock is ten seconds later."""
    readings = iter(range(10**6))
    server.scripts = [[Step.RESET], [sent(0), Step.LIVE]]
    source = open_source(server, clock=lambda: NOW + timedelta(seconds=10 * next(readings)))
    read_events(source, 1)
    assert server.fired == ["reset"]
    assert gaps_of(source) == (1, 10)


def test_silence_is_a_gap_from_the_last_line(server: XServer, open_source: Open) -> None:
    """The readings of this clock: a connection, a post, a keep-alive, the next connection."""
    readings = iter(range(10**6))
    server.scripts = [[sent(0), KEEP_ALIVE, Step.STALL], [sent(1), Step.STALL]]
    server.scripts += [[Answer(401)]] * 1_000
    source = open_source(
        server,
        clock=lambda: NOW + timedelta(seconds=next(readings) ** 2),
        keep_alive_timeout_s=0.4,
    )
    until(source, lambda _: "answer 401" in server.fired)
    assert gaps_of(source) == (1, 3**2 - 2**2)


@pytest.mark.parametrize("token", [None, SecretStr(""), SecretStr("a\nb"), SecretStr("ü")])
def test_a_bad_token(token: SecretStr | None) -> None:
    with pytest.raises(SourceError, match="TOCSIN_INGEST_X_BEARER_TOKEN") as caught:
        XSource(token, [RULE], XOptions()).open(None)
    assert "a\nb" not in str(caught.value)


IN_THE_CLEAR = ["", "api.x.com", "http://api.x.com", "ftp://127.0.0.1", "https://"]


@pytest.mark.parametrize(
    ("rules", "options", "message"),
    [([], {}, "brand"), *(([RULE], {"url": url}, "TOCSIN_INGEST_X_URL") for url in IN_THE_CLEAR)],
)
def test_no_rules_or_a_token_in_the_clear(rules: Any, options: Any, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        XSource(SecretStr(TOKEN), rules, XOptions(**options)).open(None)
