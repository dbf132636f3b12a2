"""Messages for tests, one builder per type: fields that are not given have plain values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from schemas.activity import Activity
from schemas.alert import Alert
from schemas.brand import Brand
from schemas.delivery import AlertDelivery
from schemas.mention import (
    Language,
    Mention,
    MentionDelete,
    MentionErasure,
    MentionEvent,
    MentionUpsert,
)
from schemas.post import Author, Post, PostDelete, PostErasure, PostUpsert

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def post(text: str = "Velmora en panne", *, author: str | Author = "17", **fields: Any) -> Post:
    """A post by an account id or an `Author`; the source comes from the id."""
    values: dict[str, Any] = {"id": "file:1", "created_at": AT, **fields}
    values.setdefault("source", values["id"].partition(":")[0])
    return Post(
        text=text, author=Author(id=author) if isinstance(author, str) else author, **values
    )


def mention(
    of: str | Post = "Velmora en panne", *, language: str | None = None, **fields: Any
) -> Mention:
    """A mention of a text or a `Post`; ``language`` is a code."""
    of = post(of) if isinstance(of, str) else of
    detected = None if language is None else Language(code=language, confidence=1)
    return Mention(post=of, language=detected, **fields)


def upsert(of: str | Post = "Velmora en panne", version: int = 1, at: datetime = AT) -> PostUpsert:
    """A text or a `Post`, ingested at ``at``."""
    of = post(of) if isinstance(of, str) else of
    return PostUpsert(id=of.id, source=of.source, version=version, ingested_at=at, post=of)


def delete(id_: str = "file:1", version: int = 2, created_at: datetime | None = None) -> PostDelete:
    source = id_.partition(":")[0]
    return PostDelete(id=id_, source=source, version=version, ingested_at=AT, created_at=created_at)


def erase(author: str = "17", version: int = 9, source: str = "file") -> PostErasure:
    id_ = f"{source}:{author}"
    return PostErasure(id=id_, source=source, version=version, ingested_at=AT, author_id=author)


def enriched(
    of: Mention | PostDelete | PostErasure, version: int = 1, at: datetime = AT
) -> MentionEvent:
    """The event of a `Mention`, or the forwarded delete or erasure."""
    event = upsert(of.post, version, at) if isinstance(of, Mention) else of
    fields = msgspec.structs.asdict(event)
    fields["enriched_at"] = event.ingested_at + timedelta(seconds=1)
    if isinstance(of, Mention):
        del fields["post"]
        return MentionUpsert(**fields, mention=of)
    return (MentionDelete if isinstance(of, PostDelete) else MentionErasure)(**fields)


def activity(number: int | str = 1, at: datetime = AT, **fields: Any) -> Activity:
    """One mention of the brand ``velmora``; the author is unique per number."""
    values: dict[str, Any] = {"brand": "velmora", "post_id": f"x:{number}", "version": 1}
    values |= {"at": at, "ingested_at": at, "source": "x", "author": f"{number:0>16}"}
    return Activity(**{**values, **fields})


def brand(id_: str = "velmora", **fields: Any) -> Brand:
    """A brand named after its id."""
    return Brand(id=id_, **{"name": id_.title(), **fields})


def alert(
    version: int = 1, status: str = "open", *, brand: str = "velmora", **fields: Any
) -> Alert:
    """A state of the brand's alert; each version is raised one second after the previous one."""
    values: dict[str, Any] = {
        "id": f"{brand}-1",
        "severity": 4,
        "began_at": AT,
        "raised_at": AT + timedelta(seconds=version),
        "title": f"{brand} #{version}",
        **fields,
    }
    return Alert(version=version, status=status, brand=brand, **values)  # type: ignore[arg-type]


def delivery(
    alert_id: str = "velmora-1", version: int = 1, status: str = "open", **fields: Any
) -> AlertDelivery:
    """The channel ``desk`` accepted this state."""
    values: dict[str, Any] = {"channel": "desk", "status": status, "at": AT, **fields}
    return AlertDelivery(alert_id=alert_id, version=version, **values)
