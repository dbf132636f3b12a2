"""The index of reports: one document a report, written by whoever makes or sends one.

A document is read, changed and written under the sequence number that was read, so two copies of
the tower, or a tower and a command, do not overwrite each other. A report is stored without the
authors that were erased before: the index of erasures is read at each write.
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec
from elasticsearch import Elasticsearch, NotFoundError
from msgspec import Meta, Struct
from msgspec.structs import replace

from schemas.errors import ConfigurationError, ServiceUnavailable
from schemas.types import JsonObject, Time
from sinks.alerts.store import read, update
from sinks.elasticsearch.alert_redaction import NOBODY, account_ids
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.lookup import documents
from sinks.elasticsearch.report_redaction import authors_of_report, redacted_report
from tower.questions.scope import value_clause

MAX_LISTED: Final = 200
MAX_DELIVERIES: Final = 200
"""Kept of one report: the first and the last ones."""
Result = Literal["delivered", "refused", "busy", "unknown"]


class StoredSection(Struct, kw_only=True, omit_defaults=True):
    """One answer. ``ask``: the parameters of the question."""

    name: str
    question: str
    ask: JsonObject
    answer: JsonObject


class Delivery(Struct, kw_only=True, omit_defaults=True):
    """One attempt to send it."""

    channel: str
    at: Time
    by: str
    result: Annotated[
        Result, Meta(description="unknown: it was being sent when it was last written.")
    ]
    why: str | None = None


class StoredReport(Struct, kw_only=True, omit_defaults=True):
    """A report as the index has it."""

    id: str
    kind: str
    parameters: JsonObject
    made_by: str
    made_at: Time
    since: Time
    until: Time
    brand: str | None = None
    sections: list[StoredSection] = []
    deliveries: list[Delivery] = []
    emptied: Annotated[
        bool, Meta(description="It was about an author who is erased; nothing of it is left.")
    ] = False

    @property
    def query(self) -> str:
        if self.kind == "alert" and self.brand is not None:
            return value_clause("brand", self.brand) or ""
        return str(self.parameters.get("q", ""))

    @property
    def time_zone(self) -> str:
        return str(self.parameters.get("tz", "UTC"))

    @property
    def whole(self) -> bool:
        """Whether its window was over when it was made."""
        return self.made_at >= self.until

    @property
    def final(self) -> bool:
        """Whether asking again would not change what is kept."""
        return self.emptied or (self.whole and not self.partial)

    @property
    def partial(self) -> bool:
        """Whether some shards of the index did not answer."""
        return any(section.answer.get("partial") for section in self.sections)

    def delivered(self, channel: str) -> bool:
        """Whether the channel has it, or may have it."""
        return any(
            one.channel == channel and one.result in ("delivered", "unknown")
            for one in self.deliveries
        )


class ReportStore:
    """Blocks: call it in a thread. Raises the errors of the client."""

    def __init__(self, client: Elasticsearch, names: IndexNames) -> None:
        self._client = client
        self._names = names

    def get(self, id_: str) -> StoredReport | None:
        """One report, in real time; None also where the index was never set up."""
        if len(id_.encode("utf-8", "replace")) > 512:
            return None
        try:
            found = read(self._client, self._names.reports, id_)
        except NotFoundError:
            return None
        return None if found is None else report_of(found.source)

    def newest(self, size: int = MAX_LISTED) -> list[StoredReport]:
        """The reports that were made last, without their answers."""
        answer = self._client.search(
            index=self._names.reports,
            query={"match_all": {}},
            sort=[{"made_at": "desc"}, {"id": "asc"}],
            size=size,
            source_excludes=["sections", "authors"],
            ignore_unavailable=True,
        )
        return [report_of(hit["_source"]) for hit in answer["hits"]["hits"]]

    def keep(self, report: StoredReport) -> StoredReport:
        """Store a new report; what was counted first stays, if its window was over and whole."""

        def change(before: StoredReport | None) -> StoredReport | None:
            if before is None:
                return report
            if before.final:
                return None
            return replace(report, deliveries=before.deliveries)

        return self._change(report.id, change)

    def claim(self, id_: str, delivery: Delivery, *, again: bool = False) -> bool:
        """Write down that it is being sent, unless the channel has it; whether to send it."""
        claimed = False

        def change(before: StoredReport | None) -> StoredReport | None:
            nonlocal claimed
            claimed = before is not None and (again or not before.delivered(delivery.channel))
            return _logged(before, delivery) if before is not None and claimed else None

        self._change(id_, change)
        return claimed

    def settle(self, id_: str, delivery: Delivery) -> StoredReport:
        """Write down what became of the delivery that was claimed at the same time."""

        def change(before: StoredReport | None) -> StoredReport | None:
            if before is None:
                return None
            claim = (delivery.channel, delivery.at)
            others = [one for one in before.deliveries if (one.channel, one.at) != claim]
            return _logged(replace(before, deliveries=others), delivery)

        return self._change(id_, change)

    def delete(self, id_: str) -> None:
        """Delete a report, if it is there."""
        try:
            self._client.delete(index=self._names.reports, id=id_, refresh=True)
        except NotFoundError:
            return

    def _change(
        self, id_: str, change: Callable[[StoredReport | None], StoredReport | None]
    ) -> StoredReport:
        kept: list[JsonObject] = []

        def changed(before: JsonObject | None) -> JsonObject | None:
            wanted = change(None if before is None else report_of(before))
            if wanted is None:
                kept[:] = [] if before is None else [before]
                return None
            document = self._without_erased(document_of(wanted))
            kept[:] = [document]
            return document

        try:
            written = update(self._client, self._names.reports, id_, changed)
        except NotFoundError:
            raise ConfigurationError(
                f"there is no index {self._names.reports}; run 'tocsin index setup'"
            ) from None
        if not written:
            raise ServiceUnavailable(f"others keep changing the report {id_}; try again")
        if not kept:
            raise ServiceUnavailable(f"the report {id_} is gone")
        self._client.indices.refresh(index=self._names.reports, ignore_unavailable=True)
        return report_of(kept[0])

    def _without_erased(self, document: JsonObject) -> JsonObject:
        wanted = [(self._names.erasures, author) for author in document["authors"]]
        found = {
            one["_id"]: one["_source"]
            for one in documents(self._client, [pair for pair in wanted if pair[1] != NOBODY])
        }
        ids = [source["author_id"] for source in found.values()]
        return redacted_report(document, found.keys(), account_ids(ids)) or document


def document_of(report: StoredReport) -> JsonObject:
    """The document of the index."""
    document: JsonObject = msgspec.to_builtins(report)
    return {**document, "authors": authors_of_report(document)}


def report_of(source: JsonObject) -> StoredReport:
    return msgspec.convert(source, StoredReport)


def _logged(report: StoredReport, delivery: Delivery) -> StoredReport:
    kept = [*report.deliveries, delivery]
    if len(kept) > MAX_DELIVERIES:
        del kept[1]
    return replace(report, deliveries=kept)
