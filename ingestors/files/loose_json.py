"""Reads JSON of a post that is not as it should be: half an emoji, NaN, a float for an id.

Only the id, the text, the time and the source of a post are worth refusing it. Any other value that
is wrong is left out and counted.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, TypeVar, get_type_hints

import msgspec
from msgspec import Struct, field

from ingestors.coerce import MAX_LISTED, parse
from ingestors.files.cells import (
    MAX_TIME,
    NotAPost,
    Tally,
    count_of,
    is_absent,
    native_id,
    score_of,
    time_of_text,
)
from schemas.bounds import MAX_ITEMS
from schemas.post import Media, Metrics, Publisher
from schemas.types import Count, Format, SignedCount
from text.terminal import single_line


class AuthorLine(Struct, frozen=True):
    id: str | int | None = None
    handle: str | None = None
    name: str | None = None
    followers: Count | None = None
    verified: bool | None = None
    created_at: datetime | int | float | None = None
    url: str | None = None
    bot: bool | None = None


class CommunityLine(Struct, frozen=True):
    id: str | int | None = None
    name: str | None = None
    url: str | None = None
    members: Count | None = None


class RatingLine(Struct, frozen=True):
    """A mark as it is written; ``8/10`` tells the best mark, too."""

    value: str | int | float
    best: str | int | float | None = None
    worst: str | int | float | None = None


class PostLine(Struct, frozen=True):
    """The fields of ``Post``, nearly all optional."""

    id: str | int
    text: str
    created_at: datetime | int | float | None = None
    author: AuthorLine | str | int | None = None
    source: str | None = None
    url: str | None = None
    title: str | None = None
    language: str | None = None
    edited_at: datetime | int | float | None = None
    claimed_at: datetime | int | float | None = None
    reply_to: str | int | None = None
    repost_of: str | int | None = None
    quote_of: str | int | None = None
    thread: str | int | None = None
    copied_from: list[str] | None = None
    mentions: list[str] | None = None
    hashtags: list[str] | None = None
    links: list[str] | None = None
    media: list[Media] | None = None
    place: str | None = None
    country: str | None = None
    format: Format | None = None
    community: CommunityLine | str | int | None = None
    about: str | int | None = None
    about_name: str | None = None
    rating: RatingLine | str | int | float | None = None
    publisher: Publisher | str | None = None
    keep_until: datetime | int | float | None = None
    metrics: Metrics | None = None
    truncated: bool = False
    labels: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    # Names of query fields, for files without nested objects.
    lang: str | None = None
    followers: Count | None = None
    verified: bool | None = None
    likes: Count | None = None
    reposts: Count | None = None
    replies: Count | None = None
    quotes: Count | None = None
    views: Count | None = None
    score: SignedCount | None = None
    dislikes: Count | None = None
    saves: Count | None = None
    bot: bool | None = None


S = TypeVar("S", bound=Struct)
WRITTEN_TIMES: Final = (
    "rfc3339", "%a %b %d %H:%M:%S %z %Y", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S %Z",
    "%Y-%m-%d %H:%M:%S.%f %Z", "%a, %d %b %Y %H:%M:%S %z",
)  # fmt: skip
"""Times that can be told for certain, whatever the file."""
_HINTS: Final[dict[type, dict[str, Any]]] = {
    kind: get_type_hints(kind) for kind in (PostLine, AuthorLine, CommunityLine, Publisher, Metrics)
}
_COUNTS: Final = frozenset((*Metrics.__struct_fields__, "followers", "members"))
_TIMES: Final = frozenset(("created_at", "edited_at", "claimed_at", "keep_until"))
_IDS: Final = frozenset(("reply_to", "repost_of", "quote_of", "thread"))
_OBJECTS: Final[dict[str, type[Struct]]] = {"community": CommunityLine, "publisher": Publisher}
"""Fields of which one wrong value costs only itself, as of the post's own."""
_PAGES: Final = (
    "data", "tweets", "statuses", "posts", "results", "items", "hits", "messages", "feed",
)  # fmt: skip


class WrongTime(NotAPost):
    """The time of a post is written, but not as a time."""


def json_object(line: bytes) -> dict[str, Any]:
    """One object of JSON, with the NaN and the half emoji of other software; else NotAPost."""
    try:
        row = parse(line)
    except UnicodeDecodeError:
        raise NotAPost("this is not UTF-8; name the file's encoding") from None
    except RecursionError:
        raise NotAPost("this is not JSON that can be read: it is nested too deep") from None
    except ValueError as error:
        problem = str(error).partition(": line")[0]
        raise NotAPost(f"this is not JSON: {problem[:1].lower()}{problem[1:]}") from None
    if not isinstance(row, dict):
        raise NotAPost("this is not a JSON object; a post is an object that needs id and text")
    return row


def loose_post(line: bytes, tally: Tally) -> PostLine:
    row = json_object(line)
    if "text" not in row and (page := _page(row)):
        raise NotAPost(page)
    if is_absent(row.get("id")) or isinstance(row.get("id"), list | dict | bool):
        raise NotAPost("this is not a post: it has no id; a post needs id and text")
    if not isinstance(row.get("text"), str):
        raise NotAPost("this is not a post: it has no text; a post needs id and text")
    if not isinstance(row.get("source"), str | None):
        raise NotAPost("the source of the post is not text; correct it")
    native = native_id(row["id"])
    if native is None:
        raise NotAPost("the id of the post is empty; give every post a unique id")
    nested = {
        "author": _author(row.get("author")),
        "metrics": _metrics(row.get("metrics"), tally),
        **{
            name: _filled(kind, row[name], tally, f"{name}.")
            for name, kind in _OBJECTS.items()
            if isinstance(row.get(name), dict)
        },
    }
    return _filled(PostLine, row | nested | {"id": native}, tally, "")


def _page(row: Mapping[str, Any]) -> str | None:
    """What to do about an object that holds many posts, if this is one."""
    for name in _PAGES:
        items = row.get(name)
        if isinstance(items, list) and items and isinstance(items[0], dict):
            how = "'twarc2 flatten'" if "includes" in row or "meta" in row else f"jq -c '.{name}[]'"
            return (
                f"this is a page of {len(items)} posts under `{name}`, not a post; make it one "
                f"post a line first, with {how}"
            )
    return None


def _author(value: Any) -> Any:
    if isinstance(value, dict):
        return _filled(AuthorLine, value, Tally(), "author.")
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _metrics(value: Any, tally: Tally) -> Metrics | None:
    return _filled(Metrics, value, tally, "metrics.") if isinstance(value, dict) else None


def _filled(kind: type[S], row: Mapping[str, Any], tally: Tally, owner: str) -> S:
    """The struct from what of the row can be read."""
    values: dict[str, Any] = {}
    for name, hint in _HINTS[kind].items():
        value = row.get(name)
        if is_absent(value) and name not in ("id", "text"):
            continue
        try:
            values[name] = _read(name, value, hint)
        except WrongTime:
            raise
        except (ValueError, NotAPost):  # msgspec's errors are ValueErrors
            tally.drop(owner + name, value)
    return kind(**values)


def _read(name: str, value: Any, hint: Any) -> Any:
    if isinstance(value, Struct):
        return value
    if name in _TIMES:
        return _time(name, value)
    if name in _COUNTS:
        count = score_of(value) if name == "score" else count_of(value)
        if count is None:
            raise ValueError
        return count
    if name in _IDS:
        return native_id(value)
    if name == "labels" and isinstance(value, dict):
        kept = ((key, item) for key, item in value.items() if isinstance(item, str | int | float))
        return dict(islice(kept, MAX_ITEMS))
    if isinstance(value, list):
        value = value[:MAX_LISTED]
    return msgspec.convert(value, hint)


def _time(name: str, value: Any) -> datetime | int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) and len(value) <= MAX_TIME else ""
    if text.isdigit() and len(text) > len("20260131"):
        return int(text[:20])
    for pattern in WRITTEN_TIMES:
        when = time_of_text(text, pattern, UTC)
        if when is not None:
            return when
    if name == "created_at":
        raise WrongTime(
            f"created_at is {single_line(str(value), 40)!r}, which is no time; write it such as "
            "2026-03-01T10:00:00Z"
        )
    raise ValueError
