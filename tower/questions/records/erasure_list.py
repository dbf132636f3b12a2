"""The erasures of authors, and how long each took."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct

from schemas.types import Count, Time
from tower.questions.question import Answer, Ask, Question, Response, Row, Scope, Search, total

MAX_ERASURES: Final = 200


class ErasuresAsk(Ask, frozen=True, kw_only=True):
    pass


class ErasureEntry(Struct, kw_only=True):
    source: str
    author_id: str
    asked_at: Annotated[Time, Meta(description="When the account was erased at its source.")]
    done_at: Annotated[Time | None, Meta(description="When the last post was gone.")] = None
    expunged_at: Annotated[
        Time | None, Meta(description="When it was gone from the disk of the index too.")
    ] = None

    @property
    def seconds(self) -> float | None:
        """From the request until the last post was gone."""
        return None if self.done_at is None else (self.done_at - self.asked_at).total_seconds()


class ErasuresAnswer(Answer, kw_only=True):
    total: Count = 0
    erasures: Annotated[list[ErasureEntry], Meta(description="The newest first.")] = []


def searches(ask: ErasuresAsk, scope: Scope) -> list[Search]:
    body = {
        "size": MAX_ERASURES,
        "track_total_hits": True,
        "query": {"match_all": {}},
        "sort": [{"erased_at": "desc"}, {"version": "desc"}],
    }
    return [Search("erasures", body)]


def read(ask: ErasuresAsk, scope: Scope, responses: list[Response]) -> ErasuresAnswer:
    (response,) = responses
    entries = [
        ErasureEntry(
            source=source["source"],
            author_id=source["author_id"],
            asked_at=datetime.fromisoformat(source["erased_at"]),
            done_at=_time(source.get("done_at")),
            expunged_at=_time(source.get("expunged_at")),
        )
        for hit in response["hits"]["hits"]
        if (source := hit["_source"])
    ]
    return ErasuresAnswer(total=total(response), erasures=entries)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def rows(answer: ErasuresAnswer) -> Iterable[Row]:
    for one in answer.erasures:
        yield (
            one.source,
            one.author_id,
            one.asked_at.isoformat(),
            None if one.done_at is None else one.done_at.isoformat(),
            one.seconds,
        )


ERASURES = Question(
    name="erasures",
    summary="Erased authors, the newest first, with the time that it took. For administrators.",
    ask=ErasuresAsk,
    answer=ErasuresAnswer,
    searches=searches,
    read=read,
    columns=("source", "author_id", "asked_at", "done_at", "seconds"),
    rows=rows,
    role="admin",
)
