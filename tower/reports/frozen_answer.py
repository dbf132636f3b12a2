"""An answer as a report keeps it: without any text of a post or name of an author. Pure.

=============  ===================================================================
answer         what is kept
=============  ===================================================================
posts          their number, the ids of those shown, and the hash of each author
authors        the account's id, its hash, and the counts
alerts         as the index has them, without addresses; words of the desk are kept
terms          names, hashtags and links that at least ``MIN_PEOPLE`` authors have used
counts         all of them
=============  ===================================================================
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from schemas.ids import author_hash
from schemas.types import JsonObject
from tower.questions.author_ranks import AuthorRank, AuthorsAnswer
from tower.questions.mention_list import ListedMention, MentionsAnswer
from tower.questions.question import Answer, Question
from tower.questions.term_lifts import LiftsAnswer
from tower.questions.value_counts import ValuesAnswer

MIN_PEOPLE: Final = 3
"""Distinct authors of a term; one of fewer is the text of a person, which an erasure must reach."""
SAID: Final = frozenset({"entity", "hashtag", "link", "community", "publisher"})
"""Fields whose values are words of the public."""
_NAMES: Final = ("handle", "name", "url", "verified", "clause")
_ADDRESSES: Final = frozenset({"url", "clause"})

Account = tuple[str, str]
"""Source and id."""
Term = tuple[str, str]
"""Field and value, such as ``hashtag`` and ``panne``."""


@dataclass(frozen=True)
class Found:
    """What the index has today of the posts and accounts of a report."""

    posts: Mapping[str, ListedMention] = field(default_factory=dict)
    authors: Mapping[Account, AuthorRank] = field(default_factory=dict)


def freeze(answer: Answer, authors: Mapping[Term, int]) -> JsonObject:
    """The kept form, plain data. ``authors``: how many distinct ones used each term."""
    if isinstance(answer, MentionsAnswer):
        posts = [{"id": one.mention.post.id, "author": _hash(one)} for one in answer.mentions]
        return {**_counts(answer, "mentions", "next"), "posts": posts}
    if isinstance(answer, AuthorsAnswer):
        accounts = [_account(one) for one in answer.authors]
        return {**_counts(answer, "authors"), "accounts": accounts}

    def shared(field_name: str, value: str) -> bool:
        return authors.get((field_name, value), 0) >= MIN_PEOPLE

    if isinstance(answer, ValuesAnswer) and answer.field in SAID:
        values = [one for one in answer.values if shared(answer.field, one.value)]
        answer = replace(answer, values=values)
    elif isinstance(answer, LiftsAnswer):
        answer = replace(answer, terms=[one for one in answer.terms if shared(one.field, one.term)])
    return cast("JsonObject", _without(msgspec.to_builtins(answer), _ADDRESSES))


def terms_in(answer: Answer) -> Iterator[Term]:
    """The words of the public in an answer."""
    if isinstance(answer, ValuesAnswer) and answer.field in SAID:
        yield from ((answer.field, one.value) for one in answer.values)
    elif isinstance(answer, LiftsAnswer):
        yield from ((one.field, one.term) for one in answer.terms)


def _hash(one: ListedMention) -> str:
    return author_hash(one.mention.post.source, one.mention.post.author.id)


def _counts(answer: Answer, *without: str) -> JsonObject:
    names = [name for name in answer.__struct_fields__ if name not in without]
    return {name: msgspec.to_builtins(getattr(answer, name)) for name in names}


def _account(one: AuthorRank) -> JsonObject:
    kept = {k: v for k, v in msgspec.to_builtins(one).items() if k not in _NAMES}
    return {**kept, "author": author_hash(one.source, one.id)}


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value


def posts_in(frozen: JsonObject) -> Iterator[str]:
    """The ids of the posts that a kept answer shows."""
    for post in frozen.get("posts") or ():
        yield post["id"]


def accounts_in(frozen: JsonObject) -> Iterator[Account]:
    """The accounts that a kept answer ranks."""
    for one in frozen.get("accounts") or ():
        yield one["source"], one["id"]


def thaw(question: Question[Any, Any], frozen: JsonObject, found: Found) -> Answer:
    """The answer as the panels take it, with what is still there.

    :raises msgspec.ValidationError: it was kept by another version.
    """
    if question.answer is MentionsAnswer:
        shown = [found.posts[id_] for id_ in posts_in(frozen) if id_ in found.posts]
        kept = {name: value for name, value in frozen.items() if name != "posts"}
        return replace(msgspec.convert(kept, MentionsAnswer), mentions=shown)
    if question.answer is AuthorsAnswer:
        return _thawed_authors(frozen, found)
    return cast("Answer", msgspec.convert(frozen, question.answer))


def _thawed_authors(frozen: JsonObject, found: Found) -> AuthorsAnswer:
    ranked = []
    for entry in frozen.get("accounts") or ():
        now = found.authors.get((entry["source"], entry["id"]))
        if now is None:
            continue
        own = {name: value for name, value in entry.items() if name != "author"}
        rank = msgspec.convert(own, AuthorRank)
        rank.handle, rank.name, rank.url, rank.verified = (
            now.handle,
            now.name,
            now.url,
            now.verified,
        )
        ranked.append(rank)
    kept = {name: value for name, value in frozen.items() if name != "accounts"}
    return replace(msgspec.convert(kept, AuthorsAnswer), authors=ranked)
