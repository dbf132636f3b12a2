"""The mentions themselves: newest first, widest first, or one of each text for the wall."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from schemas.mention import Mention
from schemas.types import Count, JsonObject, Message, Time
from sinks.elasticsearch.documents import mention_of
from tower.questions.question import (
    Answer,
    Ask,
    Question,
    Response,
    Row,
    Scope,
    Search,
    buckets,
    distinct,
    total,
)
from tower.questions.scope import BadParameter, text_list

MAX_SIZE: Final = 200
MAX_IDS: Final = 50
Order = Literal["newest", "oldest", "widest", "most_engaged"]
_SORTS: Final[dict[str, list[JsonObject]]] = {
    "newest": [{"created_at": "desc"}, {"id": "asc"}],
    "oldest": [{"created_at": "asc"}, {"id": "asc"}],
    "widest": [{"influence.reach": {"order": "desc", "missing": "_last"}}, {"id": "asc"}],
    "most_engaged": [
        {"influence.engagement": {"order": "desc", "missing": "_last"}},
        {"id": "asc"},
    ],
}
"""Each ends with the id, so a page can begin after the last mention of the one before."""
_DROPPED: Final = ["words", "values", "tokens", "duplicate_keys", "provenance"]
"""What only the index needs."""


class MentionsAsk(Ask, frozen=True, kw_only=True):
    order: Annotated[Order, Meta(description="newest, oldest, widest or most_engaged.")] = "newest"
    size: Annotated[int, Meta(ge=1, le=MAX_SIZE, description="Mentions in a page.")] = 50
    after: (
        Annotated[
            str, Meta(max_length=700, description="`next` of the page before: the page after it.")
        ]
        | None
    ) = None


class WallAsk(Ask, frozen=True, kw_only=True):
    order: Annotated[Literal["newest", "widest"], Meta(description="newest or widest first.")] = (
        "newest"
    )
    size: Annotated[int, Meta(ge=1, le=100, description="Maximum number of cards.")] = 40


class PostsAsk(Ask, frozen=True, kw_only=True):
    ids: Annotated[
        str,
        Meta(max_length=8_000, description='JSON array of post ids: `["x:1","file:2"]`, up to 50.'),
    ]


class ListedMention(Message, kw_only=True):
    """A mention as the index has it."""

    version: int
    at: Time
    mention: Mention
    copies: Annotated[Count, Meta(description="Mentions with the same text, itself too.")] = 1
    copy_authors: Annotated[Count, Meta(description="Their distinct authors.")] = 1


class MentionsAnswer(Answer, kw_only=True):
    total: Count = 0
    mentions: list[ListedMention] = []
    next: Annotated[str | None, Meta(description="`after` of the next page.")] = None


def searches(ask: MentionsAsk, scope: Scope) -> list[Search]:
    body: JsonObject = {
        "size": ask.size,
        "track_total_hits": True,
        "query": scope.within(),
        "sort": _SORTS[ask.order],
        "_source": {"excludes": _DROPPED},
    }
    if ask.after is not None:
        body["search_after"] = _after(ask.after)
    return [Search("mentions", body)]


def _after(text: str) -> list[Any]:
    try:
        place = msgspec.json.decode(text, type=tuple[int | None, str])
    except msgspec.MsgspecError:
        raise BadParameter("after", "after must be the next of a page before") from None
    return list(place)


def read(ask: MentionsAsk, scope: Scope, responses: list[Response]) -> MentionsAnswer:
    (response,) = responses
    hits = response["hits"]["hits"]
    full = len(hits) == ask.size
    return MentionsAnswer(
        total=total(response),
        mentions=[listed(hit["_source"]) for hit in hits],
        next=msgspec.json.encode(hits[-1]["sort"]).decode() if full else None,
    )


def listed(source: JsonObject, copies: int = 1, authors: int = 1) -> ListedMention:
    mention = mention_of(source)
    return ListedMention(
        version=source["version"],
        at=mention.post.created_at,
        mention=mention,
        copies=copies,
        copy_authors=authors,
    )


def rows(answer: MentionsAnswer) -> Iterable[Row]:
    for one in answer.mentions:
        mention, post = one.mention, one.mention.post
        yield (
            post.id,
            post.created_at.isoformat(),
            post.source,
            post.author.handle or post.author.id,
            mention.language.code if mention.language else None,
            " ".join(brand.id for brand in mention.brands),
            mention.sentiment.label if mention.sentiment else None,
            mention.influence.reach if mention.influence else None,
            post.country,
            post.url,
            post.text,
        )


def wall_searches(ask: WallAsk, scope: Scope) -> list[Search]:
    groups = {
        "terms": {"field": "duplicate_group", "size": 200},
        "aggs": {"authors": distinct("author.id")},
    }
    body = {
        "size": min(MAX_SIZE, ask.size * 3),
        "track_total_hits": True,
        "query": scope.within(),
        "sort": _SORTS[ask.order],
        "collapse": {"field": "duplicate_group"},
        "_source": {"excludes": _DROPPED},
        "aggs": {"groups": groups},
    }
    single = {
        "size": ask.size,
        "query": {
            "bool": {
                "filter": list(scope.filters),
                "must_not": [{"exists": {"field": "duplicate_group"}}],
            }
        },
        "sort": _SORTS[ask.order],
        "_source": {"excludes": _DROPPED},
    }
    return [Search("mentions", body), Search("mentions", single)]


def read_wall(ask: WallAsk, scope: Scope, responses: list[Response]) -> MentionsAnswer:
    """One card a text, and at most one an author."""
    grouped, single = responses
    copies = {
        bucket["key"]: (bucket["doc_count"], bucket["authors"]["value"])
        for bucket in buckets(grouped, "groups")
    }
    found = [
        listed(source, *copies.get(source.get("duplicate_group"), (1, 1)))
        for hit in grouped["hits"]["hits"] + single["hits"]["hits"]
        if (source := hit["_source"])
    ]
    if ask.order == "newest":
        found.sort(key=lambda one: (-_indexed(one.at).timestamp(), one.mention.post.id))
    else:
        found.sort(key=lambda one: (-_reach(one), one.mention.post.id))
    cards: dict[tuple[str, str], ListedMention] = {}
    for one in found:
        cards.setdefault((one.mention.post.source, one.mention.post.author.id), one)
    return MentionsAnswer(total=total(grouped), mentions=list(cards.values())[: ask.size])


def _indexed(at: datetime) -> datetime:
    """To the millisecond, as the index sorts: it has chosen one of each text by that."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _reach(one: ListedMention) -> int:
    return one.mention.influence.reach if one.mention.influence else 0


def post_searches(ask: PostsAsk, scope: Scope) -> list[Search]:
    body = {
        "size": MAX_IDS,
        "track_total_hits": True,
        "query": {"bool": {"filter": [{"terms": {"id": _ids(ask)}}]}},
        "_source": {"excludes": _DROPPED},
    }
    return [Search("mentions", body)]


def _ids(ask: PostsAsk) -> list[str]:
    return text_list("ids", ask.ids, MAX_IDS)


def read_posts(ask: PostsAsk, scope: Scope, responses: list[Response]) -> MentionsAnswer:
    """In the order of the ids; those that are gone are left out."""
    (response,) = responses
    found = {hit["_source"]["id"]: listed(hit["_source"]) for hit in response["hits"]["hits"]}
    ordered = [found[id_] for id_ in _ids(ask) if id_ in found]
    return MentionsAnswer(total=len(ordered), mentions=ordered)


_COLUMNS: Final = (
    "id", "created_at", "source", "author", "language", "brands", "sentiment", "reach", "country",
    "url", "text",
)  # fmt: skip
MENTIONS = Question(
    name="mentions",
    summary="The mentions of a query, a page at a time.",
    ask=MentionsAsk,
    answer=MentionsAnswer,
    searches=searches,
    read=read,
    columns=_COLUMNS,
    rows=rows,
)
WALL = Question(
    name="wall",
    summary="One mention of each text, and at most one an author, with the number of copies.",
    ask=WallAsk,
    answer=MentionsAnswer,
    searches=wall_searches,
    read=read_wall,
    columns=_COLUMNS,
    rows=rows,
)
POSTS = Question(
    name="posts",
    summary="Mentions by their ids, whenever they were.",
    ask=PostsAsk,
    answer=MentionsAnswer,
    searches=post_searches,
    read=read_posts,
    columns=_COLUMNS,
    rows=rows,
)
