"""Converts a mention event to its Elasticsearch document and back. Pure.

A document is flat where analysts filter and aggregate. A field of the post or the mention keeps
its name, except for those listed in ``to_document``.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Literal

import msgspec

from queries.elasticsearch.index_fields import query_fields
from queries.matching.document import Document
from schemas.mention import Language, Mention, MentionUpsert, Sentiment
from schemas.post import Post, Rating
from schemas.types import JsonObject
from sinks.elasticsearch.indices.mappings import IndexNames

_encode = msgspec.json.Encoder().encode
_POST_FIELDS: Final = tuple(name for name in Post.__struct_fields__ if name != "language")
"""Without the platform's language hint: ``language`` is the detected one."""
_MENTION_FIELDS: Final = tuple(
    name for name in Mention.__struct_fields__ if name not in ("post", "brands", "language")
)
_FROM_TEXT: Final = "duplicate_keys"
"""Follows from the text, and nothing searches for it: a seventh of an index. Documents before
mapping version 8 have it."""


_WRITTEN: Final = tuple(name for name in _MENTION_FIELDS if name != _FROM_TEXT)
_FIELDS: Final = (*_POST_FIELDS, *_WRITTEN)
_of_post = attrgetter(*_POST_FIELDS)
_of_mention = attrgetter(*_WRITTEN)


@dataclass(frozen=True, slots=True)
class Operation:
    """One document to write, or to delete, under an external version.

    ========= =====================================================================
    kind      what is written
    ========= =====================================================================
    upsert    the mention
    tombstone the mark of a deleted post, in place of its mention
    move      nothing: the copy in this index is deleted, since another index has it
    removal   the hashed id of a deleted post that the index does not have
    ========= =====================================================================
    """

    id: str
    index: str
    version: int
    document: bytes
    kind: Literal["upsert", "tombstone", "move", "removal"] = "upsert"
    event: tuple[str, int] | None = None
    """Id and version of the event it comes from, where they differ from the document's."""

    @property
    def deletes(self) -> bool:
        return self.kind == "tombstone"

    @property
    def origin(self) -> tuple[str, int]:
        """Id and version of the event that this operation comes from."""
        return self.event or (self.id, self.version)

    def size(self) -> int:
        """About the bytes of :meth:`lines`, never less."""
        return len(self.document) + 6 * len(self.id) + len(self.index) + 128

    def lines(self) -> list[bytes]:
        """The lines of the bulk body: the action, and the document unless it deletes one."""
        action = {
            "_index": self.index,
            "_id": self.id,
            "version": self.version,
            "version_type": "external_gte",
        }
        if self.kind == "move":
            return [_encode({"delete": action})]
        return [_encode({"index": action}), self.document]


def upsert(event: MentionUpsert, names: IndexNames) -> Operation:
    index = names.index_of(event)
    assert index is not None
    return Operation(event.id, index, event.version, _encode(to_document(event)))


def tombstone(
    id_: str,
    source: str,
    version: int,
    index: str,
    deleted_at: datetime,
    event: tuple[str, int] | None = None,
) -> Operation:
    """Replaces a deleted post: just enough to refuse an older state of it."""
    body = {"id": id_, "source": source, "version": version, "deleted_at": deleted_at}
    return Operation(id_, index, version, _encode(body), "tombstone", event)


def moved(id_: str, version: int, index: str, event: tuple[str, int]) -> Operation:
    """Deletes the copy of a post in an index that it has left."""
    return Operation(id_, index, version, b"", "move", event)


def removal(
    id_: str,
    version: int,
    names: IndexNames,
    at: datetime,
    event: tuple[str, int] | None = None,
) -> Operation:
    """Records that a post which the index does not have is deleted up to ``version``."""
    key = removal_key(id_)
    body = {"key": key, "version": version, "deleted_at": at}
    return Operation(
        key, names.removals, version, _encode(body), "removal", event or (id_, version)
    )


def removal_key(id_: str) -> str:
    """A hash, since a post id can name its author."""
    return hashlib.blake2b(id_.encode("utf-8", "replace"), digest_size=16).hexdigest()


def to_document(event: MentionUpsert) -> JsonObject:
    """The document of an upsert, without empty values."""
    mention = event.mention
    post, language = mention.post, mention.language
    fields = dict(zip(_FIELDS, (*_of_post(post), *_of_mention(mention)), strict=True))
    fields |= {
        "version": event.version,
        "ingested_at": event.ingested_at,
        "enriched_at": event.enriched_at,
        "kind": post.kind,
        "truncated": post.truncated or None,
        "rating": _rating(post.rating),
        "labels": [f"{key}={value}" for key, value in post.labels.items()],
        "language": language and language.code,
        "language_confidence": language and language.confidence,
        "brands": [match.id for match in mention.brands],
        "brand_matches": mention.brands,
        "brand_sentiment": _pairs([(brand.id, brand.sentiment) for brand in mention.brands]),
        "aspect_sentiment": _pairs(
            [(aspect.label, aspect.sentiment) for aspect in mention.aspects]
        ),
    }
    fields |= query_fields(Document(mention))
    # Most values are true, and that costs less to ask than whether they are empty lists.
    return {name: value for name, value in fields.items() if value or not _is_empty(value)}


def _is_empty(value: Any) -> bool:
    return value is None or value == []


def _rating(rating: Rating | None) -> JsonObject | None:
    """As given, with the part of its scale that it reaches."""
    if rating is None:
        return None
    return {**msgspec.structs.asdict(rating), "share": rating.share}


def _pairs(sentiments: Iterable[tuple[str, Sentiment | None]]) -> list[str]:
    """``velmora=negative``: one term, since a flat object would mix the brands of a post."""
    return sorted({f"{name}={sentiment.label}" for name, sentiment in sentiments if sentiment})


def from_document(document: Mapping[str, Any]) -> MentionUpsert:
    """The event of a document, without the platform's language hint and ``duplicate_keys``."""
    mention = mention_of(document)
    return MentionUpsert(
        id=mention.post.id,
        source=mention.post.source,
        version=document["version"],
        ingested_at=msgspec.convert(document["ingested_at"], datetime),
        enriched_at=msgspec.convert(document["enriched_at"], datetime),
        mention=mention,
    )


def mention_of(document: Mapping[str, Any]) -> Mention:
    """The mention of a document; fields that the search left out are absent."""
    post = {name: document[name] for name in _POST_FIELDS if name in document}
    if "labels" in post:
        post["labels"] = dict(label.split("=", 1) for label in post["labels"])
    fields = {name: document[name] for name in _MENTION_FIELDS if name in document}
    fields |= {"post": post, "brands": document.get("brand_matches", [])}
    mention = msgspec.convert(fields, Mention)
    if "language" in document:
        confidence = document.get("language_confidence", 1.0)
        mention.language = Language(code=document["language"], confidence=confidence)
    return mention
