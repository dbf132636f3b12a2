"""Inputs of each source that cost the most to read, and a seeded fuzzer of their structure."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AT = NOW.isoformat()
TIME_US = int(NOW.timestamp()) * 1_000_000
DID = "did:plc:eygmaihciaxprqvxpfvl6flk"
MEGABYTE = 1_000_000
_FACET = "app.bsky.richtext.facet#"
_MENTION = {"$type": f"{_FACET}mention", "did": DID}
_HOLE = "HOLE"


def filled(value: Any, filling: bytes) -> bytes:
    """The JSON of ``value``, with ``filling`` in place of the hole."""
    data = json.dumps(value, separators=(",", ":")).encode()
    return data.replace(f'"{_HOLE}"'.encode(), filling)


def listed(item: bytes, size: int, most: int | None = None) -> bytes:
    """A list of as many items as fit, or as ``most``."""
    count = min(size // (len(item) + 1), most or size)
    return b"[" + b",".join([item] * count) + b"]"


def jetstream(record: Any) -> dict[str, Any]:
    commit = {
        "rev": "3kabcdefghi2a",
        "operation": "create",
        "collection": "app.bsky.feed.post",
        "rkey": "3kabcdefghi2a",
        "record": record,
    }
    return {"did": DID, "time_us": TIME_US, "kind": "commit", "commit": commit}


def x_line(data: dict[str, Any], **includes: Any) -> dict[str, Any]:
    base = {"id": "1234567890123456789", "text": "x", "author_id": "7", "created_at": AT}
    return {"data": base | data, "includes": includes}


def file_line(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "text": "x"} | fields


_ANYWHERE: dict[str, Callable[[int], bytes]] = {
    "objects": lambda size: listed(b"{}", size),
    "lists": lambda size: listed(b"[]", size),
    "few objects": lambda size: listed(b"{}", size, 9_000),
    "lists in lists": lambda size: listed(b"[" * 900 + b"]" * 900, size),
    "depth": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "integers": lambda size: listed(b"1000", size),
    "long integers": lambda size: listed(b"9" * 4_300, size),
    "an integer": lambda size: b"9" * size,
    "floats": lambda size: listed(b"1.7976931348623157e308", size),
    "few floats": lambda size: listed(b"1.7976931348623157e308", size, 9_000),
    "long floats": lambda size: listed(b"1." + b"7" * 1_000 + b"e-300", size),
    "strings": lambda size: listed(b'""', size),
    "half an emoji": lambda size: b'["\\ud800",' + listed(b"{}", size) + b"]",
    "half an emoji and few objects": lambda size: (
        b'["\\ud800",' + listed(b"{}", size, 9_000) + b"]"
    ),
    "NaN": lambda size: b"[NaN," + listed(b"[]", size, 9_000) + b"]",
    "names": lambda size: (
        b"{" + b",".join(b'"%d":0' % number for number in range(size // 10)) + b"}"
    ),
    "an end too early": lambda size: listed(b"{}", size, 9_000)[:-1],
    "escapes": lambda size: b'"' + b"\\ud83d\\ude00" * (size // 12) + b'"',
    "halves of emoji": lambda size: b'"' + b"\\ud800" * (size // 6) + b'"',
    "quotes": lambda size: b'"' + b'\\"' * (size // 2) + b'"',
    "commas": lambda size: b'"' + b"," * size + b'"',
}
_PLACES: dict[str, tuple[dict[str, Any], ...]] = {
    "bluesky": (
        *(jetstream({"text": "x", "createdAt": AT, name: _HOLE})
          for name in ("text", "zz", "facets", "tags", "langs", "embed", "reply")),
        jetstream({"text": "x", "facets": [{"features": _HOLE}]}),
        jetstream({"text": "x", "embed": {"$type": "app.bsky.embed.images", "images": _HOLE}}),
        jetstream({"text": "x", "embed": {"$type": "app.bsky.embed.video", "alt": _HOLE}}),
        {"did": _HOLE, "time_us": TIME_US, "kind": "commit"},
    ),
    "x": (
        *(x_line({name: _HOLE}) for name in (
            "text", "zz", "entities", "referenced_tweets", "edit_history_tweet_ids", "geo")),
        *(x_line({"entities": {name: _HOLE}}) for name in ("urls", "mentions", "hashtags")),
        *(x_line({}, **{name: _HOLE}) for name in ("tweets", "users", "media", "places")),
        {"errors": _HOLE},
    ),
    "file": tuple(
        file_line(**{name: _HOLE})
        for name in (
            "id", "text", "zz", "op", "author", "created_at", "likes", "labels", "mentions",
            "media", "country", "title", "metrics", "reply_to", "copied_from", "links",
        )
    ),
}  # fmt: skip


def worst_cases(source: str, size: int = MEGABYTE) -> Iterator[tuple[str, bytes]]:
    """Each expensive filling at each place of a message, then those made for one place."""
    for place in _PLACES[source]:
        name = json.dumps(place)[-60:]
        for kind, filling in _ANYWHERE.items():
            yield f"{kind} in {name}", filled(place, filling(size))[: size + 1_000]
    yield from {"bluesky": _bluesky, "x": _x, "file": _file}[source](size)


def _bluesky(size: int) -> Iterator[tuple[str, bytes]]:
    text = "@" + "a." * (size // 4) + "a"
    index = {"byteStart": 0, "byteEnd": len(text)}
    for count in (1_200, 2_400):
        facet = {"index": index, "features": [_MENTION] * count}
        yield "mentions of one facet", filled(jetstream({"text": text, "facets": [facet]}), b"")
        facets = [{"index": index, "features": [_MENTION]}] * (count // 2)
        yield "facets of one slice", filled(jetstream({"text": text, "facets": facets}), b"")


def _x(size: int) -> Iterator[tuple[str, bytes]]:
    keys, media = ["z"] * 4_000, [{"media_key": "a"}] * 2_000
    yield "media by key", filled(x_line({"attachments": {"media_keys": keys}}, media=media), b"")
    refs = [{"type": "quoted", "id": "5"}] * 2_000
    tweets = [{"id": "5", "author_id": "8", "edit_history_tweet_ids": ["123456789"] * 4_000}]
    yield "references", filled(x_line({"referenced_tweets": refs}, tweets=tweets), b"")
    yield "escapes of X", filled(x_line({"text": "&amp;" * (size // 5)}), b"")


def _file(size: int) -> Iterator[tuple[str, bytes]]:
    for part in (
        "#a ", "#a@b", "http://a ", "http://a()) ", "@a....... ", "&amp;", "&#1234567;", "&no;",
        "RT @a: ",
    ):  # fmt: skip
        yield f"text of {part}", filled(file_line(text=part * (size // len(part))), b"")
    for name in ("id", "likes", "created_at", "reply_to"):
        for text in ("1" * size, "1" + ",111" * (size // 4), "1," + "1" * size, " " * size):
            yield f"{name} of {text[:6]}", filled(file_line(**{name: text}), b"")


_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**40, 1.5, float("nan"), float("inf"), "", "a", "\ud800", "\x00",
    "9" * 30, AT, "2999-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", DID, f"at://{DID}/a/b",
    "https://a.example/b", "javascript:a", "1.2K", "1,234", "&amp;&lt;", "RT @a: b", "é" * 300,
    [], {}, [[]], [{}], {"a": {"a": []}},
)  # fmt: skip


def fuzzed(source: str, seed: int, count: int) -> Iterator[bytes]:
    """``count`` messages of a source, each changed at random places; the same for one seed."""
    draw = random.Random(seed)
    for _ in range(count):
        message = _copy(draw.choice(_WHOLE[source]))
        for _ in range(draw.choice((1, 1, 2, 5))):
            _change(message, draw)
        data = json.dumps(message).encode()
        yield _damaged(data, draw) if draw.random() < 0.2 else data


def _change(message: Any, draw: random.Random) -> None:
    """Replace, repeat, take away or rename one value, at any depth."""
    places = list(_places(message))
    if not places:
        return
    owner, key = draw.choice(places)
    kind = draw.randrange(5)
    if kind == 0 and isinstance(owner, dict):
        del owner[key]
    elif kind == 1 and isinstance(owner, list):
        owner.extend([owner[key]] * draw.choice((1, 10, 300)))
    elif kind == 2:
        owner[key] = _copy(draw.choice(places)[0])
    elif kind == 3 and isinstance(owner, dict):
        owner[f"{key}2"] = owner.pop(key)
    else:
        owner[key] = _copy(draw.choice(_VALUES))


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(inner):
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


def _damaged(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    junk = draw.choice((b"", b"\xff", b"\x00", b"{" * 500, b'"', b"\\", b"\r\n", b"\xe2\x80"))
    return data[:at] + junk + data[at + draw.randrange(3) :]


_FEATURES = [
    _MENTION,
    {"$type": f"{_FACET}tag", "tag": "a"},
    {"$type": f"{_FACET}link", "uri": "https://a.b"},
]
_RECORD = {
    "text": "@a.example hello",
    "createdAt": AT,
    "langs": ["en"],
    "tags": ["t"],
    "facets": [{"index": {"byteStart": 0, "byteEnd": 10}, "features": _FEATURES}],
    "reply": {"parent": {"uri": f"at://{DID}/app.bsky.feed.post/3k"}},
    "embed": {
        "$type": "app.bsky.embed.recordWithMedia",
        "record": {"record": {"uri": f"at://{DID}/app.bsky.feed.post/3k"}},
        "media": {"$type": "app.bsky.embed.images", "images": [{"alt": "b", "image": {}}]},
    },
}
_TWEET = {
    "text": "RT @b: words that are long enough to be told",
    "lang": "en",
    "edit_history_tweet_ids": ["1234567890123456789"],
    "referenced_tweets": [{"type": "retweeted", "id": "5"}, {"type": "quoted", "id": "6"}],
    "attachments": {"media_keys": ["m"]},
    "geo": {"place_id": "p"},
    "entities": {"urls": [{"url": "https://a.b"}], "mentions": [{"username": "b", "id": "9"}]},
    "public_metrics": {"like_count": 1},
    "note_tweet": {"text": "long", "entities": {"hashtags": [{"tag": "t"}]}},
}
_POST = file_line(
    created_at=AT, author={"id": 1, "handle": "@a"}, likes=1, metrics={"likes": 2}, labels={"a": 1},
    mentions=["a"], media=[{"type": "photo"}], reply_to="2", edited_at=1.5, country="FR",
)  # fmt: skip
_OWN_POST = {"id": "a:1", "source": "a", "author": {"id": "1"}, "text": "x", "created_at": AT}
_WHOLE: dict[str, tuple[Any, ...]] = {
    "bluesky": (
        jetstream(_RECORD),
        {"did": DID, "time_us": TIME_US, "kind": "account", "account": {"status": "deleted"}},
    ),
    "x": (
        x_line(
            _TWEET,
            tweets=[{"id": "5", "text": "words", "author_id": "9"}],
            users=[{"id": "7", "username": "a", "public_metrics": {"followers_count": 3}}],
            media=[{"media_key": "m", "type": "photo"}],
            places=[{"id": "p", "country_code": "FR"}],
        ),
    ),
    "file": (
        _POST,
        {
            "op": "upsert",
            "id": "a:1",
            "source": "a",
            "version": 1,
            "ingested_at": AT,
            "post": _OWN_POST,
        },
        {"op": "delete", "id": "a:1", "source": "a", "version": 1, "ingested_at": AT},
    ),
}
