"""Maps X's lines to events: pure functions on any JSON.

Text is complete, also where X cuts it (long posts, reposts), and without X's HTML escapes. The id
of a post is that of its first version.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from ingestors.coerce import (
    as_count,
    as_links,
    as_list,
    as_mapping,
    as_mappings,
    as_string,
    as_strings,
    as_time,
    parse,
    unique,
)
from ingestors.source import Unreadable
from schemas.bounds import MAX_ITEMS, MAX_TEXT, bound_live_post
from schemas.ids import microseconds, post_id, snowflake_time
from schemas.post import Author, Media, Metrics, Post, PostEvent, PostUpsert

SOURCE = "x"
MAX_REFERENCES = 10
"""Posts that one post refers to."""
MIN_COPIED = 20
"""Letters of a quoted post from which its words within another post are a copy."""
_REPOST = re.compile(r"RT @(\w{1,50}): ")
_MEDIA_TYPES = {"photo": "photo", "video": "video", "animated_gif": "animation"}
_NO_LANGUAGE = ("und", "zxx", "art", "qam", "qct", "qht", "qme", "qst")
"""Codes of posts without a language: only mentions, only media, only links, ..."""
_LANGUAGES: dict[str | None, str | None] = {"in": "id", "iw": "he", "ji": "yi"}
"""Obsolete BCP 47 codes that posts still have (github.com/xdevplatform/docs/issues/307)."""
_LANGUAGES |= dict.fromkeys(_NO_LANGUAGE)


def read_line(line: bytes, now: datetime) -> PostEvent | Unreadable:
    """Parse and map one line; ``now`` is the time of reading. Never raises."""
    try:
        return map_post(as_mapping(parse(line)), now)
    except (ValueError, RecursionError) as error:
        return Unreadable(line, str(error))
    except Exception as error:  # noqa: BLE001 - a post that we fail on must not end the stream
        return Unreadable(line, f"cannot be mapped: {type(error).__name__}: {error}")


def map_post(message: Mapping[str, object], now: datetime) -> PostEvent:
    """Map ``{"data": ..., "includes": ...}``; ``ValueError`` if it is not a post.

    X gives every edit a new id, up to five in 30 minutes. Here an edit is the same post: its id is
    the first of the history, and its version is the time in its current id.
    """
    data = as_mapping(message.get("data"))
    includes = _Includes(as_mapping(message.get("includes")))
    native, author = native_id(data.get("id")), native_id(data.get("author_id"))
    if native is None:
        raise ValueError(f"a line without a post {explanation(message)}".rstrip())
    if author is None or not isinstance(data.get("text"), str):
        raise ValueError("a post without an author or text")
    first = _first_id(data)
    made, first_made = snowflake_time(native), snowflake_time(first)
    created = as_time(data.get("created_at")) or made or now
    content = _content(data, includes)
    user = includes.get("users", author)
    place = includes.get("places", as_mapping(data.get("geo")).get("place_id"))
    handle = as_string(user.get("username"))
    entities = _entities(content)
    language = as_string(data.get("lang"))
    text = _text(content)
    post = Post(
        id=post_id(SOURCE, first),
        source=SOURCE,
        author=_author(author, user),
        text=text[:MAX_TEXT],
        truncated=len(text) > MAX_TEXT,
        created_at=first_made or created if native != first else created,
        url=f"https://x.com/{handle or 'i'}/status/{native}",
        language=_LANGUAGES.get(language, language),
        edited_at=made if native != first else None,
        **_references(data, includes),
        thread=_thread(data),
        copied_from=_copied_from(data, includes, text),
        mentions=unique(_each(entities, "mentions", "username")),
        hashtags=unique(_each(entities, "hashtags", "tag")),
        links=unique(_links(entities)),
        media=_media(content, includes),
        place=as_string(place.get("full_name")),
        country=as_string(place.get("country_code")),
        metrics=_metrics(as_mapping(data.get("public_metrics"))),
    )
    version = microseconds(made or created)
    return PostUpsert(
        id=post.id,
        source=SOURCE,
        version=max(0, version),
        ingested_at=now,
        post=bound_live_post(post, now),
    )


def _first_id(data: Mapping[str, object]) -> str:
    given = as_list(data.get("edit_history_tweet_ids"))[:MAX_ITEMS]
    history = [id_ for id_ in map(native_id, given) if id_]
    return min([*history, str(data["id"])], key=int)


class _Includes:
    """What a line includes beside its post, by kind and id; each kind is gone through once."""

    def __init__(self, includes: Mapping[str, object]) -> None:
        self._includes = includes
        self._by_id: dict[str, dict[object, Mapping[str, object]]] = {}

    def get(self, kind: str, wanted: object) -> Mapping[str, object]:
        if not isinstance(wanted, str):
            return {}
        if kind not in self._by_id:
            key = "media_key" if kind == "media" else "id"
            items = list(as_mappings(self._includes.get(kind)))
            named = {item[key]: item for item in reversed(items) if isinstance(item.get(key), str)}
            self._by_id[kind] = named
        return self._by_id[kind].get(wanted, {})


def _referenced(data: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """A post refers to at most three others; more are somebody's joke."""
    return islice(as_mappings(data.get("referenced_tweets")), MAX_REFERENCES)


def _content(data: Mapping[str, object], includes: _Includes) -> Mapping[str, object]:
    """The object with text, entities and media: for a repost, the original, which is not cut."""
    for reference in _referenced(data):
        if reference.get("type") == "retweeted":
            original = includes.get("tweets", reference.get("id"))
            if isinstance(original.get("text"), str):
                return original
    return data


def _text(content: Mapping[str, object]) -> str:
    """The complete text, without X's escapes of ``<``, ``>`` and ``&``."""
    text = as_string(as_mapping(content.get("note_tweet")).get("text")) or str(content["text"])
    text = text[: 5 * MAX_TEXT]  # an escape has up to five letters
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _entities(content: Mapping[str, object]) -> Mapping[str, object]:
    """The entities of a long post's note, as the others end with the short text."""
    note = as_mapping(as_mapping(content.get("note_tweet")).get("entities"))
    return note or as_mapping(content.get("entities"))


def _author(author_id: str, user: Mapping[str, object]) -> Author:
    verified = user.get("verified")
    return Author(
        id=author_id,
        handle=as_string(user.get("username")),
        name=as_string(user.get("name")),
        followers=as_count(as_mapping(user.get("public_metrics")).get("followers_count")),
        verified=verified if isinstance(verified, bool) else None,
        created_at=as_time(user.get("created_at")),
    )


def _copied_from(data: Mapping[str, object], includes: _Includes, text: str) -> list[str]:
    """Ids of the authors whose words the text repeats: of a repost, or quoted in full.

    X cuts a repost whose original it does not include to ``RT @name: ...``; then the author is the
    account of that name among the mentions.
    """
    authors: list[str] = []
    for reference in _referenced(data):
        original = includes.get("tweets", reference.get("id"))
        author, kind = native_id(original.get("author_id")), reference.get("type")
        if kind == "retweeted" or (kind == "quoted" and _repeats(text, original)):
            authors += [author] if author else _repeated_account(data)
    return unique(authors)


def _repeats(text: str, original: Mapping[str, object]) -> bool:
    """Whether the words of the original are within the text."""
    words = _text(original).strip() if isinstance(original.get("text"), str) else ""
    return len(words) >= MIN_COPIED and words in text


def _repeated_account(data: Mapping[str, object]) -> list[str]:
    name = _REPOST.match(str(data["text"]))
    mentions = as_mappings(as_mapping(data.get("entities")).get("mentions"))
    found = (one for one in mentions if name and one.get("username") == name[1])
    return [id_ for one in found if (id_ := native_id(one.get("id")))][:1]


def _references(data: Mapping[str, object], includes: _Includes) -> dict[str, Any]:
    """``reply_to``, ``repost_of`` and ``quote_of``, by the first id if it is included."""
    fields = {"replied_to": "reply_to", "retweeted": "repost_of", "quoted": "quote_of"}
    references: dict[str, Any] = {}
    for reference in _referenced(data):
        kind, native = reference.get("type"), native_id(reference.get("id"))
        if native is not None and isinstance(kind, str) and kind in fields:
            original = includes.get("tweets", native) or {"id": native}
            references[fields[kind]] = post_id(SOURCE, _first_id(original))
    return references


def _thread(data: Mapping[str, object]) -> str | None:
    """X names a conversation by the first id of its first post."""
    native = native_id(data.get("conversation_id"))
    return native and post_id(SOURCE, native)


def _links(entities: Mapping[str, object]) -> Iterator[str]:
    """Targets of the links, without those that X adds for media."""
    for url in as_mappings(entities.get("urls")):
        if "media_key" not in url:
            keys = ("unwound_url", "expanded_url", "url")
            yield from as_links([url.get(key) for key in keys])[:1]


def _media(content: Mapping[str, object], includes: _Includes) -> list[Media]:
    media: list[Media] = []
    for key in as_list(as_mapping(content.get("attachments")).get("media_keys")):
        item = includes.get("media", key)
        kind = item.get("type")
        if isinstance(kind, str):
            url = as_string(item.get("url")) or as_string(item.get("preview_image_url"))
            alt = as_string(item.get("alt_text"))
            media.append(Media(type=_MEDIA_TYPES.get(kind, kind), url=url, alt=alt))
    return media


def _metrics(values: Mapping[str, object]) -> Metrics:
    return Metrics(
        likes=as_count(values.get("like_count")),
        reposts=as_count(values.get("retweet_count")),
        replies=as_count(values.get("reply_count")),
        quotes=as_count(values.get("quote_count")),
        views=as_count(values.get("impression_count")),
    )


def _each(values: Mapping[str, object], kind: str, key: str) -> Iterator[str]:
    return as_strings([item.get(key) for item in as_mappings(values.get(kind))])


def native_id(value: object) -> str | None:
    """The value if it is an id of X, a decimal string of 64 bits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        return value
    return None


# --- problems: formats from docs.x.com, "Response codes and errors" ------------------------------


def explanation(body: object) -> str:
    fields = as_mapping(body)
    texts: list[str] = []
    for problem in [fields, *as_mappings(fields.get("errors"))]:
        texts += as_strings([problem.get(key) for key in ("title", "detail", "message")])
        texts += as_strings(problem.get("details"))
    return "; ".join(unique(texts))[:500]


def ends_the_stream(line: bytes) -> str | None:
    """X's explanation, if the line announces that X disconnects."""
    if b'"data"' in line:
        return None
    try:
        message = as_mapping(parse(line))
    except (ValueError, RecursionError):
        return None
    for problem in [message, *as_mappings(message.get("errors"))]:
        kind = as_string(problem.get("type")) or ""
        if kind.endswith(("/operational-disconnect", "/streaming-connection")) or (
            "disconnect_type" in problem or "connection_issue" in problem
        ):
            return explanation(message) or "no reason given"
    return None
