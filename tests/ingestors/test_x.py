"""X: the mapping of posts, and the stream against an API that misbehaves."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from pydantic import SecretStr

from ingestors.backoff import XBackoff, XWaits
from ingestors.source import Batch, Position, SourceError, Unreadable
from ingestors.x import LineSplitter, XSource, map_post, read_line
from ingestors.x_rules import Rule
from schemas.bounds import MAX_ITEMS, MAX_SHORT, MAX_TEXT
from schemas.codec import POST_EVENT
from schemas.ids import microseconds
from schemas.post import Media, Metrics, Post, PostEvent
from tests.servers.x_api import (
    KEEP_ALIVE,
    RULES,
    STREAM,
    Answer,
    Step,
    XServer,
    farewell,
    line,
    snowflake,
    tweet,
)

patient = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""
NOW = datetime(2026, 1, 2, 4, 0, 0, tzinfo=UTC)
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MADE_MS = microseconds(MADE) // 1000
ID = snowflake(MADE_MS)
RULE = Rule('"Acme"', "tocsin:acme:1")
HELD = {"id": "1", "value": '"Acme"', "tag": "tocsin:acme:1"}
TOKEN = "AAAA%2Bsecret"


def _id(number: int) -> str:
    return snowflake(MADE_MS + number)


def _line(number: int, text: str = "hello") -> bytes:
    return line(tweet(_id(number), text))


def _event(data: dict[str, Any], **includes: Any) -> PostEvent:
    return map_post({"data": data, "includes": includes}, NOW)


def _post(data: dict[str, Any], **includes: Any) -> Post:
    found = _event(data, **includes).post
    assert found is not None
    return found


# --- mapping ---------------------------------------------------------------------------------

USER = {
    "id": "7",
    "username": "alice",
    "name": "Alice",
    "verified": True,
    "created_at": "2010-05-01T00:00:00.000Z",
    "public_metrics": {"followers_count": 12, "following_count": 3},
}


def test_a_post() -> None:
    data = tweet(
        ID,
        "Hello @bob &amp; all: #news &lt;3 https://t.co/a https://t.co/b",
        lang="in",
        public_metrics={
            "like_count": 1,
            "retweet_count": 2,
            "reply_count": 3,
            "quote_count": 4,
            "impression_count": 5,
        },
        entities={
            "mentions": [{"username": "bob", "start": 6, "end": 10}],
            "hashtags": [{"tag": "news"}],
            "urls": [
                {"url": "https://t.co/a", "expanded_url": "https://example.com/a"},
                {
                    "url": "https://t.co/b",
                    "expanded_url": f"https://x.com/alice/status/{ID}/photo/1",
                    "media_key": "3_1",
                },
            ],
        },
        attachments={"media_keys": ["3_1", "13_2", "missing"]},
        geo={"place_id": "p1"},
        conversation_id=ID,
    )
    media = [
        {"media_key": "3_1", "type": "photo", "url": "https://img.example/1", "alt_text": "a cat"},
        {"media_key": "13_2", "type": "animated_gif", "preview_image_url": "https://img.example/2"},
    ]
    places = [{"id": "p1", "full_name": "Lyon, France", "country_code": "FR"}]
    event = _event(data, users=[USER], media=media, places=places)
    assert event.op == "upsert"
    assert event.id == f"x:{ID}"
    assert event.version == microseconds(MADE)
    found = event.post
    assert found is not None
    assert found.text == "Hello @bob & all: #news <3 https://t.co/a https://t.co/b"
    assert found.author.handle == "alice"
    assert found.author.name == "Alice"
    assert found.author.followers == 12
    assert found.author.verified is True
    assert found.author.created_at == datetime(2010, 5, 1, tzinfo=UTC)
    assert found.created_at == MADE
    assert found.edited_at is None
    assert found.language == "id"
    assert found.url == f"https://x.com/alice/status/{ID}"
    assert found.mentions == ["bob"]
    assert found.hashtags == ["news"]
    assert found.links == ["https://example.com/a"]
    assert found.media == [
        Media(type="photo", url="https://img.example/1", alt="a cat"),
        Media(type="animation", url="https://img.example/2"),
    ]
    assert (found.place, found.country) == ("Lyon, France", "FR")
    assert found.metrics == Metrics(likes=1, reposts=2, replies=3, quotes=4, views=5)


def test_only_x_s_own_escapes_are_undone() -> None:
    assert _post(tweet(ID, "&amp;lt; &copy; &amp;amp;")).text == "&lt; &copy; &amp;"


def test_a_long_post_is_taken_in_full() -> None:
    note = {"text": "long " * 200, "entities": {"hashtags": [{"tag": "late"}]}}
    found = _post(tweet(ID, "long long…", note_tweet=note, entities={"hashtags": []}))
    assert found.text == "long " * 200
    assert found.hashtags == ["late"]


def test_an_edit_is_a_newer_version_of_the_same_post() -> None:
    later = _id(60_000)
    first = _event(tweet(ID, "Helo"))
    second = _event(tweet(later, "Hello", edit_history_tweet_ids=[ID, later]))
    assert second.id == first.id == f"x:{ID}"
    assert second.version == first.version + 60_000_000
    assert second.post is not None
    assert second.post.edited_at == MADE + timedelta(minutes=1)
    assert second.post.created_at == MADE
    assert second.post.url == f"https://x.com/i/status/{later}"


def test_an_older_version_that_comes_late_stays_older() -> None:
    """Backfill may repeat it with the whole history in it."""
    later = _id(60_000)
    old = _event(tweet(ID, "Helo", edit_history_tweet_ids=[ID, later]))
    assert old.version == microseconds(MADE)


def test_a_repost_has_the_whole_text_of_the_original() -> None:
    original = {
        "id": _id(-5),
        "text": "a long original",
        "author_id": "9",
        "entities": {"hashtags": [{"tag": "tail"}]},
        "attachments": {"media_keys": ["3_1"]},
    }
    found = _post(
        tweet(
            ID, "RT @bob: a lo…", referenced_tweets=[{"type": "retweeted", "id": original["id"]}]
        ),
        tweets=[original],
        media=[{"media_key": "3_1", "type": "photo", "url": "https://img.example/1"}],
        users=[USER],
    )
    assert found.text == "a long original"
    assert found.hashtags == ["tail"]
    assert len(found.media) == 1
    assert found.author.handle == "alice"
    assert found.repost_of == f"x:{original['id']}"
    assert found.kind == "repost"


def test_a_repost_whose_original_is_not_included() -> None:
    found = _post(tweet(ID, "RT @b: a…", referenced_tweets=[{"type": "retweeted", "id": "123"}]))
    assert (found.text, found.repost_of) == ("RT @b: a…", "x:123")


def test_replies_and_quotes_point_at_the_first_id() -> None:
    quoted = {"id": _id(-1), "text": "q", "edit_history_tweet_ids": [_id(-9), _id(-1)]}
    references = [
        {"type": "replied_to", "id": _id(-3)},
        {"type": "quoted", "id": _id(-1)},
        {"type": "somehow", "id": "5"},
        {"type": "quoted", "id": "nope"},
    ]
    found = _post(tweet(ID, "x", referenced_tweets=references), tweets=[quoted])
    assert found.reply_to == f"x:{_id(-3)}"
    assert found.quote_of == f"x:{_id(-9)}"


@pytest.mark.parametrize("code", ["und", "qme", "zxx", "", None, 7])
def test_no_language(code: Any) -> None:
    assert _post(tweet(ID, "x", lang=code)).language is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"data": []}',
        b'{"data": {"id": "x", "text": "a", "author_id": "7"}}',
        b'{"data": {"id": "5", "author_id": "7"}}',
        b'{"data": {"id": "5", "text": "a"}}',
    ],
)
def test_garbage_is_unreadable(payload: bytes) -> None:
    read = read_line(payload, NOW)
    assert isinstance(read, Unreadable)
    assert read.payload == payload
    assert read.detail


def test_an_error_line_says_what_x_says() -> None:
    read = read_line(json.dumps({"errors": [{"title": "Odd", "detail": "why"}]}).encode(), NOW)
    assert isinstance(read, Unreadable)
    assert "Odd; why" in read.detail


def test_a_lone_surrogate_does_not_cost_the_post() -> None:
    read = read_line(json.dumps({"data": tweet(ID, "a\ud800b")}).encode(), NOW)
    assert isinstance(read, PostEvent)
    assert read.post is not None
    assert read.post.text == "a\N{REPLACEMENT CHARACTER}b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["attachments", "created_at", "edit_history_tweet_ids", "entities", "geo", "hashtags", "id"]
    + ["media_key", "media_keys", "mentions", "note_tweet", "public_metrics", "place_id", "type"]
    + ["like_count", "referenced_tweets", "tag", "text", "urls", "username", "expanded_url"]
)
TEXT = st.text(
    st.characters() | st.sampled_from(["\ud800", "\x00", "\u202e", "👩", "\u200d"]), max_size=200
)
HOSTILE = st.recursive(
    st.none() | st.integers(-(2**70), 2**70) | TEXT | st.sampled_from([ID, "1", "retweeted"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)


@patient
@given(JSON)
def test_any_json_is_survived(value: Any) -> None:
    """Any object becomes an event, or ValueError; never anything else."""
    data = value if isinstance(value, dict) else {"data": value}
    with pytest.raises(ValueError):
        map_post(data, NOW)


@patient
@given(
    TEXT,
    st.dictionaries(KEYS.filter(lambda key: key not in ("id", "text")), HOSTILE),
    st.dictionaries(st.sampled_from(["users", "tweets", "media", "places"]), HOSTILE),
    st.from_regex(r"[0-9]{1,20}", fullmatch=True),
)
def test_hostile_posts_become_bounded_events(
    text: str, fields: Any, includes: Any, native: str
) -> None:
    event = map_post(
        {"data": {"author_id": "7", **fields, "id": native, "text": text}, "includes": includes},
        NOW,
    )
    assert POST_EVENT.decode(POST_EVENT.encode(event)).id == event.id
    found = event.post
    assert found is not None
    assert len(found.text) <= MAX_TEXT
    lists = [found.mentions, found.hashtags, found.links, [m.alt or "" for m in found.media]]
    assert all(len(items) <= MAX_ITEMS for items in lists)
    assert all(len(item) <= MAX_SHORT for items in lists for item in items)


# --- lines -----------------------------------------------------------------------------------


@patient
@given(st.lists(st.binary(max_size=30), max_size=10), st.data())
def test_lines_do_not_depend_on_where_the_chunks_end(lines: list[bytes], data: Any) -> None:
    lines = [line.replace(b"\n", b"").rstrip(b"\r") for line in lines]
    stream = b"".join(line + b"\r\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    splitter = LineSplitter()
    found: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += splitter.feed(stream[start:end])
    assert found == lines


@patient
@given(st.lists(st.integers(1, 40), min_size=1, max_size=10))
def test_a_line_without_end_is_cut_and_the_next_one_read(sizes: list[int]) -> None:
    splitter = LineSplitter(most=16)
    found: list[bytes] = []
    stream = b"a" * 100 + b"\r\nshort\r\n"
    position = 0
    for size in [*sizes, len(stream)]:
        found += splitter.feed(stream[position : position + size])
        position += size
    assert found == [b"a" * 16, b"short"]


# --- back-off --------------------------------------------------------------------------------


def test_network_faults_wait_as_x_documents() -> None:
    backoff = XBackoff()
    waits = [backoff.failed("dropped") for _ in range(70)]
    assert waits[:4] == [0, 0.25, 0.5, 0.75]
    assert waits[64:] == [16.0] * 6


def test_http_errors_wait_as_x_documents() -> None:
    backoff = XBackoff()
    assert [backoff.failed("unavailable") for _ in range(8)] == [
        5, 10, 20, 40, 80, 160, 320, 320,
    ]  # fmt: skip


def test_rate_limits_wait_as_x_documents() -> None:
    backoff = XBackoff()
    assert [backoff.failed("limited") for _ in range(6)] == [60, 120, 240, 480, 900, 900]
    assert XBackoff().failed("limited", 300.0) == 300
    assert XBackoff().failed("limited", 10.0) == 60
    assert XBackoff().failed("limited", -5.0) == 60
    assert XBackoff().failed("limited", 10.0**9) == 900


def test_each_kind_of_failure_counts_by_itself_and_all_forget() -> None:
    backoff = XBackoff(XWaits(http_first_s=1, http_most_s=4))
    assert [backoff.failed(c) for c in ("unavailable", "dropped", "unavailable", "stalled")] == [
        1, 0, 2, 0.25,
    ]  # fmt: skip
    backoff.healthy()
    assert [backoff.failed("unavailable"), backoff.failed("refused")] == [1, 0]


# --- stream ----------------------------------------------------------------------------------

SHORT = XWaits(
    network_step_s=0.002,
    network_most_s=0.01,
    http_first_s=0.002,
    http_most_s=0.01,
    limited_first_s=0.002,
    limited_most_s=0.01,
)
Open = Callable[..., XSource]


@pytest.fixture
def open_source(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens sources with short waits; closes them, and sees their threads end."""
    opened: list[XSource] = []

    def open_(
        server: XServer,
        *,
        rules: list[Rule] | None = None,
        position: Position | None = None,
        token: str = TOKEN,
        **options: Any,
    ) -> XSource:
        defaults: dict[str, Any] = {
            "url": server.url,
            "source_id": request.node.name,
            "waits": SHORT,
            "batch_within_s": 0.02,
            "clock": lambda: NOW,
        }
        rules = [RULE] if rules is None else rules
        source = XSource(SecretStr(token), rules, **(defaults | options))
        opened.append(source)
        source.open(position)
        return source

    yield open_
    for source in opened:
        source.close()
        source.close()
    for thread in threading.enumerate():
        if thread.name == "x-stream":
            thread.join(20)
            assert not thread.is_alive(), "the reading thread outlives its source"


@pytest.fixture
def server() -> Iterator[XServer]:
    with XServer(token=TOKEN, rules=[HELD]) as running:
        yield running


def _until(source: XSource, done: Callable[[Batch], bool]) -> Batch:
    """Everything read until ``done`` of all of it; fails after half a minute."""
    events: list[PostEvent] = []
    unreadable: list[Unreadable] = []
    deadline = time.monotonic() + 30
    while True:
        batch = source.next_batch()
        events += batch.events
        unreadable += batch.unreadable
        whole = Batch(events, batch.position, unreadable)
        if done(whole):
            return whole
        assert time.monotonic() < deadline, f"only {len(events)} events came"


def _events(source: XSource, distinct: int) -> Batch:
    return _until(source, lambda batch: len({event.id for event in batch.events}) >= distinct)


def _ids(*numbers: int) -> list[str]:
    return [f"x:{_id(number)}" for number in numbers]


def _metric(source: XSource, name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(
        f"tocsin_ingest_{name}", {"source": source.source_id, **labels}
    )
    return found or 0.0


def _reconnects(source: XSource, cause: str) -> float:
    return _metric(source, "reconnects_total", cause=cause)


def _sent(number: int) -> bytes:
    return _line(number) + b"\r\n"


def test_reads_live_with_everything_asked_for(server: XServer, open_source: Open) -> None:
    source = open_source(server)
    server.wait_streams(1)
    server.publish(_line(1), _line(2))
    batch = _events(source, 2)
    assert [event.id for event in batch.events] == _ids(1, 2)
    assert batch.position == {"last_id": _id(2), "last_seen": NOW.isoformat()}
    (asked,) = server.requests(STREAM)
    assert "backfill_minutes" not in asked.query
    assert "edit_history_tweet_ids" in asked.query["tweet.fields"][0].split(",")
    assert "note_tweet" in asked.query["tweet.fields"][0].split(",")
    assert "referenced_tweets.id.author_id" in asked.query["expansions"][0].split(",")
    assert asked.query["media.fields"] == ["alt_text,preview_image_url,type,url"]
    assert asked.query["place.fields"] == ["country_code,full_name"]
    assert _metric(source, "connected") == 1
    source.close()
    assert _metric(source, "connected") == 0


@pytest.mark.parametrize(("split", "packet"), [(1, None), (7, 3), (None, 1), (1000, 11)])
def test_lines_arrive_whole_however_they_are_cut(
    server: XServer, open_source: Open, split: int | None, packet: int | None
) -> None:
    server.split, server.packet = split, packet
    server.scripts = [[_sent(0), KEEP_ALIVE, _line(1, "日本 👩‍👧") + b"\r\n", _sent(2), Step.LIVE]]
    batch = _events(open_source(server), 3)
    assert [event.id for event in batch.events] == _ids(0, 1, 2)
    assert batch.events[1].post is not None
    assert batch.events[1].post.text == "日本 👩‍👧"


# --- rules ---


def test_rules_are_reconciled_and_others_left_alone(server: XServer, open_source: Open) -> None:
    theirs = {"id": "8", "value": "cats", "tag": "somebody"}
    untagged = {"id": "9", "value": "dogs"}
    stale = {"id": "10", "value": '"Old"', "tag": "tocsin:old:1"}
    server.rules = [theirs, untagged, stale, HELD]
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


def test_an_invalid_rule_is_told_in_x_s_words_and_nothing_is_deleted(
    server: XServer, open_source: Open
) -> None:
    server.rules = [{"id": "10", "value": '"Old"', "tag": "tocsin:old:1"}]
    server.invalid = lambda value: "Rules must contain a keyword (at position 1)"
    source = open_source(server)
    with pytest.raises(SourceError, match=r"tocsin:acme:1.*must contain a keyword"):
        _events(source, 1)
    assert server.fired == ["invalid rule"]
    assert len(server.rules) == 1


def test_too_many_rules_need_a_person(server: XServer, open_source: Open) -> None:
    server.rules, server.most_rules = [], 0
    source = open_source(server)
    with pytest.raises(SourceError, match="Rules cap exceeded"):
        _events(source, 1)
    assert server.fired == ["too many rules"]


def test_rules_that_vanish_are_put_back(server: XServer, open_source: Open) -> None:
    server.scripts = [[_sent(0), Step.STALL]]
    source = open_source(server, keep_alive_timeout_s=0.5)
    _events(source, 1)
    server.rules = []
    server.wait_streams(2)
    assert server.fired[:2] == ["stall", "no rules"]
    assert [rule["value"] for rule in server.rules] == ['"Acme"']


def test_rules_are_asked_for_again_after_an_error(server: XServer, open_source: Open) -> None:
    server.answers = [Answer(503), Answer(429), Answer(200, b"not JSON"), Answer(200, [1, 2])]
    server.answers.append(Answer(200, {"data": "x", "errors": 7}))
    server.scripts = [[_sent(0), Step.LIVE]]
    source = open_source(server)
    assert len(_events(source, 1).events) == 1
    assert _reconnects(source, "unavailable") == 1
    assert _reconnects(source, "limited") == 1
    assert _reconnects(source, "refused") == 1
    assert server.fired[:3] == ["answer 503", "answer 429", "answer 200"]


# --- faults ---


@pytest.mark.parametrize("step", [Step.RESET, Step.HANG_UP, Step.END])
def test_a_connection_that_breaks_is_made_again(
    server: XServer, open_source: Open, step: Step
) -> None:
    server.scripts = [[_sent(0), step], [step], [step], [_sent(1), Step.LIVE]]
    source = open_source(server)
    batch = _until(source, lambda batch: bool(set(_ids(1)) & {e.id for e in batch.events}))
    assert server.fired == [step.value] * 3
    assert _reconnects(source, "dropped") == 3
    assert not batch.unreadable, "half a line is no line"


def test_silence_is_a_dead_connection(server: XServer, open_source: Open) -> None:
    server.scripts = [[_sent(0), Step.STALL], [_sent(1), Step.LIVE]]
    source = open_source(server, keep_alive_timeout_s=0.5)
    assert [event.id for event in _events(source, 2).events][:2] == _ids(0, 1)
    assert server.fired == ["stall"]
    assert _reconnects(source, "stalled") >= 1


def test_keep_alives_move_the_position_and_nothing_else(server: XServer, open_source: Open) -> None:
    ticks = iter(range(10**6))
    server.scripts = [[_sent(0), *[KEEP_ALIVE] * 5, Step.LIVE]]
    source = open_source(server, clock=lambda: NOW + timedelta(seconds=next(ticks)))
    first = _events(source, 1).position
    assert first is not None
    server.publish(b"")
    later = _until(source, lambda batch: batch.position != first)
    assert later.position is not None
    assert later.position["last_seen"] > first["last_seen"]
    assert not later.events
    assert not later.unreadable


def test_x_hanging_up_in_the_stream(server: XServer, open_source: Open) -> None:
    server.scripts = [[_sent(0), farewell(), Step.STALL], [_sent(1), Step.LIVE]]
    source = open_source(server)
    batch = _events(source, 2)
    assert [event.id for event in batch.events] == _ids(0, 1)
    assert not batch.unreadable
    assert _reconnects(source, "disconnected") == 1


def test_partial_errors_beside_a_post_do_not_matter(server: XServer, open_source: Open) -> None:
    data = tweet(_id(0), "operational-disconnect")
    error = {"title": "Not Found Error", "type": "https://api.twitter.com/2/problems/not-found"}
    whole = json.dumps({"data": data, "errors": [error]}).encode() + b"\r\n"
    server.scripts = [[whole, _sent(1), Step.LIVE]]
    assert [event.id for event in _events(open_source(server), 2).events] == _ids(0, 1)


@pytest.mark.parametrize("garbage", [b"{", b"\xff\xfe", b"[]", b'{"data": {}}'])
def test_garbage_is_handed_over_and_does_not_end_the_stream(
    server: XServer, open_source: Open, garbage: bytes
) -> None:
    server.scripts = [[_sent(0), garbage + b"\r\n", _sent(1), Step.LIVE]]
    batch = _events(open_source(server), 2)
    assert [item.payload for item in batch.unreadable] == [garbage]
    assert [event.id for event in batch.events] == _ids(0, 1)


def test_http_errors_are_waited_out(server: XServer, open_source: Open) -> None:
    reset = str(int(NOW.timestamp()) + 7)
    issue = {"title": "ConnectionException", "connection_issue": "TooManyConnections"}
    server.scripts = [
        [Answer(429, issue, {"x-rate-limit-reset": reset})],
        [Answer(429, b"<html>", {"x-rate-limit-reset": "soon"})],
        [Answer(503)],
        [Answer(500, [1])],
        [_sent(0), Step.LIVE],
    ]
    source = open_source(server)
    assert len(_events(source, 1).events) == 1
    assert server.fired == ["answer 429", "answer 429", "answer 503", "answer 500"]
    assert _reconnects(source, "limited") == 2
    assert _reconnects(source, "unavailable") == 2


def test_next_batch_returns_while_a_long_wait_goes_on(server: XServer, open_source: Open) -> None:
    """And close() ends the wait: the fixture sees the thread end."""
    server.scripts = [[Answer(429)]]
    source = open_source(server, waits=XWaits())
    server.wait_asked(1)
    batch = source.next_batch()
    assert (list(batch.events), batch.position) == ([], None)
    assert server.fired == ["answer 429"]
    assert len(server.requests(STREAM)) == 1


def test_what_was_read_is_handed_out_before_the_error(server: XServer, open_source: Open) -> None:
    problem = {"title": "Unauthorized", "detail": "Unauthorized"}
    server.scripts = [[_sent(0), _sent(1), Step.END], [Answer(401, problem)]]
    source = open_source(server)
    server.wait_asked(2)
    assert len(_events(source, 2).events) == 2
    with pytest.raises(SourceError, match="TOCSIN_INGEST_X_BEARER_TOKEN"):
        _events(source, 1)
    assert server.fired == ["end", "answer 401"]


@pytest.mark.parametrize(
    ("status", "setting"),
    [
        (401, "TOCSIN_INGEST_X_BEARER_TOKEN"),
        (403, "TOCSIN_INGEST_X_BEARER_TOKEN"),
        (404, "TOCSIN_INGEST_X_URL"),
        (301, "TOCSIN_INGEST_X_URL"),
    ],
)
def test_what_waiting_does_not_mend_names_the_setting(
    server: XServer, open_source: Open, status: int, setting: str
) -> None:
    detail = {"title": "Client Forbidden", "detail": "this is why"}
    server.scripts = [[Answer(status, detail, {"Location": f"{server.url}/elsewhere"})]]
    source = open_source(server)
    with pytest.raises(SourceError, match=f"{status}.*this is why.*{setting}"):
        _events(source, 1)
    assert server.fired == [f"answer {status}"]
    assert not server.requests("/elsewhere")


def test_the_token_is_in_no_log_and_no_error(
    server: XServer, open_source: Open, capsys: pytest.CaptureFixture[str], caplog: Any
) -> None:
    caplog.set_level("DEBUG")
    server.token = "another"
    source = open_source(server)
    with pytest.raises(SourceError) as caught:
        _events(source, 1)
    assert server.fired == ["unauthorized"]
    seen = "".join([*capsys.readouterr(), caplog.text, repr(caught.value), repr(vars(source))])
    assert TOKEN not in seen
    chain: BaseException | None = caught.value
    while chain is not None:
        assert TOKEN not in f"{chain!r} {chain}"
        chain = chain.__cause__ or chain.__context__


# --- backfill and gaps ---


def test_backfill_repeats_what_was_missed(server: XServer, open_source: Open) -> None:
    server.publish(_line(0), _line(1))
    source = open_source(server, backfill_minutes=5)
    assert [event.id for event in _events(source, 2).events] == _ids(0, 1)
    assert server.requests(STREAM)[0].query["backfill_minutes"] == ["5"]


def test_a_plan_without_backfill_goes_on_without(
    server: XServer, open_source: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    server.backfill = False
    server.scripts = [[Step.LIVE], [_sent(0), Step.RESET], [_sent(1), Step.LIVE]]
    source = open_source(server, backfill_minutes=5)
    _until(source, lambda batch: _ids(1)[0] in {event.id for event in batch.events})
    assert server.fired == ["no backfill", "reset"]
    asked = ["backfill_minutes" in asked.query for asked in server.requests(STREAM)]
    assert asked == [True, False, False]
    assert capsys.readouterr().out.count("no backfill") == 1


@pytest.mark.parametrize(
    ("minutes", "gaps", "seconds"), [(0, 1, 600.0), (3, 1, 420.0), (5, 1, 300.0)]
)
def test_a_restart_counts_what_backfill_does_not_reach(
    server: XServer, open_source: Open, minutes: int, gaps: int, seconds: float
) -> None:
    last_seen = (NOW - timedelta(minutes=10)).isoformat()
    position = {"last_id": _id(0), "last_seen": last_seen}
    server.scripts = [[_sent(1), Step.LIVE]]
    source = open_source(server, position=position, backfill_minutes=minutes)
    _events(source, 1)
    assert _metric(source, "gaps_total") == gaps
    assert _metric(source, "gap_seconds_total") == seconds


def test_a_short_restart_is_no_gap_with_backfill(server: XServer, open_source: Open) -> None:
    position = {"last_id": "0", "last_seen": (NOW - timedelta(minutes=4)).isoformat()}
    server.scripts = [[_sent(1), Step.LIVE]]
    source = open_source(server, position=position, backfill_minutes=5)
    _events(source, 1)
    assert _metric(source, "gaps_total") == 0


def test_the_position_stays_while_nothing_is_heard(server: XServer, open_source: Open) -> None:
    position = {"last_id": "0", "last_seen": (NOW - timedelta(minutes=4)).isoformat()}
    server.scripts = [[Step.STALL]]
    assert open_source(server, position=position).next_batch().position == position


def test_a_break_is_a_gap_from_when_it_was_noticed(server: XServer, open_source: Open) -> None:
    """Every look at this clock is ten seconds after the one before."""
    looks = iter(range(10**6))
    server.scripts = [[Step.RESET], [_sent(0), Step.LIVE]]
    source = open_source(server, clock=lambda: NOW + timedelta(seconds=10 * next(looks)))
    _events(source, 1)
    assert server.fired == ["reset"]
    assert _metric(source, "gaps_total") == 1
    assert _metric(source, "gap_seconds_total") == 10


# --- backpressure ---


def test_while_nobody_asks_nothing_is_read_beyond_the_buffers(
    server: XServer, open_source: Open
) -> None:
    total = 1_500
    source = open_source(server, buffer_lines=10, keep_alive_timeout_s=60.0)
    server.wait_streams(1)
    server.publish(*(_line(number, "x" * 20_000) for number in range(total)))
    assert server.blocked.wait(30), "the server could send everything"
    assert server.sent < total
    batch = _events(source, total)
    assert [event.id for event in batch.events] == _ids(*range(total))
    assert server.streams == 1


def test_closing_while_the_queue_is_full(server: XServer, open_source: Open) -> None:
    """The fixture sees the thread end."""
    source = open_source(server, buffer_lines=2)
    server.wait_streams(1)
    server.publish(*(_line(number, "x" * 20_000) for number in range(1_500)))
    assert server.blocked.wait(30)
    source.close()


def test_a_batch_is_bounded(server: XServer, open_source: Open) -> None:
    server.scripts = [[*[_sent(number) for number in range(120)], Step.LIVE]]
    source = open_source(server, batch_events=50)
    sizes: list[int] = []
    while sum(sizes) < 120:
        sizes.append(len(source.next_batch().events))
    assert max(sizes) <= 50


def test_what_is_not_kept_moves_the_position(server: XServer, open_source: Open) -> None:
    server.scripts = [[_sent(0), _sent(1), _sent(2), Step.LIVE]]
    source = open_source(server, keep=lambda event: event.id == _ids(1)[0])
    batch = _until(source, lambda batch: (batch.position or {}).get("last_id") == _id(2))
    assert [event.id for event in batch.events] == _ids(1)


# --- mistakes of people ---


@pytest.mark.parametrize("token", [None, SecretStr(""), SecretStr("a\nb"), SecretStr("ü")])
def test_a_token_that_is_none(token: SecretStr | None) -> None:
    with pytest.raises(SourceError, match="TOCSIN_INGEST_X_BEARER_TOKEN") as caught:
        XSource(token, [RULE]).open(None)
    assert "a\nb" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "api.x.com", "http://api.x.com", "ftp://127.0.0.1", "https://"]
)
def test_the_token_goes_nowhere_in_the_clear(url: str) -> None:
    with pytest.raises(SourceError, match="TOCSIN_INGEST_X_URL"):
        XSource(SecretStr(TOKEN), [RULE], url=url).open(None)


def test_no_rules() -> None:
    with pytest.raises(SourceError, match="brand"):
        XSource(SecretStr(TOKEN), []).open(None)


@pytest.mark.parametrize("position", [{}, {"last_seen": "noon"}, {"last_seen": 7}])
def test_a_checkpoint_that_is_none(position: Position) -> None:
    with pytest.raises(SourceError, match="checkpoint"):
        XSource(SecretStr(TOKEN), [RULE]).open(position)
