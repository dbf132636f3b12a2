"""The saved queries of each person: the tabs above the live posts. One document a person."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec
from elasticsearch import Elasticsearch
from msgspec import Meta

from runtime.settings import ElasticsearchSettings
from schemas.errors import ConfigurationError, ServiceUnavailable
from schemas.types import JsonObject, Message
from sinks.alerts.store import update
from sinks.elasticsearch.connection import elasticsearch_errors
from tower.questions.question import MAX_QUERY

MAX_TABS: Final = 20
MAX_NAME: Final = 40


class SavedTab(Message, kw_only=True):
    """A query with its name; both are as the person wrote them."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
    query: Annotated[str, Meta(max_length=MAX_QUERY)] = ""


def with_tab(tabs: Sequence[SavedTab], name: str, query: str) -> list[SavedTab]:
    """The tabs with one more; one of the same name is replaced. Pure.

    :raises ConfigurationError: the name is empty or too long, the query is too long, or there are
        ``MAX_TABS`` already.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME:
        raise ConfigurationError(f"the name of a tab has 1 to {MAX_NAME} characters")
    # A part of a query is another query.
    if len(query) > MAX_QUERY:
        raise ConfigurationError(f"a query has at most {MAX_QUERY:,} characters")
    kept = [tab for tab in tabs if tab.name != name]
    if len(kept) >= MAX_TABS:
        raise ConfigurationError(f"there are {MAX_TABS} tabs already; take one out")
    place = next((number for number, tab in enumerate(tabs) if tab.name == name), len(kept))
    return [*kept[:place], SavedTab(name=name, query=query), *kept[place:]]


def without_tab(tabs: Sequence[SavedTab], name: str) -> list[SavedTab]:
    return [tab for tab in tabs if tab.name != name]


class TabStore:
    """Blocks: call it in a thread."""

    def __init__(self, client: Elasticsearch, settings: ElasticsearchSettings, index: str) -> None:
        self._client = client
        self._settings = settings
        self._index = index

    def load(self, person: str) -> list[SavedTab]:
        """:raises ServiceUnavailable: Elasticsearch does not answer."""
        with elasticsearch_errors(self._settings):
            found = self._client.search(
                index=self._index,
                query={"term": {"person": person}},
                size=1,
                ignore_unavailable=True,
            )
        hits = found["hits"]["hits"]
        return _tabs(hits[0]["_source"]) if hits else []

    def change(
        self, person: str, at: datetime, change: Callable[[Sequence[SavedTab]], list[SavedTab]]
    ) -> list[SavedTab]:
        """Read, change and write the tabs of a person, again after a conflict.

        :raises ServiceUnavailable: Elasticsearch does not answer, or others keep writing.
        """
        written: list[SavedTab] = []

        def changed(source: JsonObject | None) -> JsonObject:
            written[:] = change(_tabs(source or {}))
            tabs = msgspec.to_builtins(written)
            return {"person": person, "changed_at": at.isoformat(), "tabs": tabs}

        with elasticsearch_errors(self._settings):
            if update(self._client, self._index, person, changed):
                self._client.indices.refresh(index=self._index)
                return written
        raise ServiceUnavailable("the tabs keep changing; try again")


def _tabs(source: JsonObject) -> list[SavedTab]:
    return msgspec.convert(source.get("tabs") or [], list[SavedTab])[:MAX_TABS]
