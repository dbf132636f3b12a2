"""An index that takes mention events as the sink does, step by step, on the fake server."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch as Client

from schemas.mention import MentionDelete, MentionEvent, MentionUpsert
from sinks.elasticsearch.lookup import Lookup
from sinks.elasticsearch.placement import Settled, settle
from sinks.elasticsearch.writes.bulk import write
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.sinks.elasticsearch.events import NAMES


@dataclass
class SettledIndex:
    client: Client
    server: Server
    lookup: Lookup = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """As a new process: nothing is remembered."""
        self.lookup = Lookup(self.client, NAMES)

    def take(self, *batch: MentionEvent) -> Settled:
        events = [event for event in batch if isinstance(event, MentionUpsert | MentionDelete)]
        known = self.lookup.known(events)
        settled = settle(events, known, NAMES)
        outcome = write(self.client, settled.operations)
        assert not outcome.rejected and not outcome.retry
        self.lookup.wrote(known)
        return settled

    def take_each(self, batches: Sequence[Sequence[MentionEvent]]) -> None:
        for batch in batches:
            self.take(*batch)

    def documents(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Index, id and source of everything in the months, tombstones as well."""
        months = NAMES.mentions_pattern.removesuffix("*")
        return [
            (index, id_, document.source)
            for (index, id_), document in sorted(self.server.documents.items())
            if index.startswith(months)
        ]

    def living(self) -> dict[str, str]:
        """Post id to its text; fails if a post is in two indices."""
        ids = [id_ for _, id_, _ in self.documents()]
        assert len(ids) == len(set(ids)), f"a post is in two indices: {self.documents()}"
        return {id_: source["text"] for _, id_, source in self.documents() if "text" in source}

    def recorded(self) -> int:
        """Deletes that are kept for posts that may still come."""
        return len(self.server.sources(NAMES.removals))
