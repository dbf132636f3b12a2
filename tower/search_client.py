"""Sends the searches of a page as one ``_msearch``, in a thread and within a deadline."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from elasticsearch import Elasticsearch

from runtime.settings import ElasticsearchSettings
from schemas.types import JsonObject
from sinks.elasticsearch.connection import connect, elasticsearch_errors
from sinks.elasticsearch.indices.mappings import IndexNames
from tower.questions.question import Response, Search

THREADS: Final = 4
"""Requests at a time: the index is for the stream first."""
SEARCH_S: Final = 10.0
"""After it a shard gives what it has, and the answer is partial."""


class SearchClient:
    """One for the application."""

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self.settings = settings
        self.names = IndexNames(settings)
        self._client = connect(settings)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="search")
        self._indices: Mapping[str, str] = {
            "mentions": self.names.mentions,
            "alerts": self.names.alerts,
            "erasures": self.names.erasures,
            "coverage": settings.index_prefix + "coverage",
        }

    async def search_all(self, searches: Sequence[Search]) -> list[Response]:
        """The responses, in order; one that failed has an ``error``.

        :raises ServiceUnavailable: Elasticsearch does not answer.
        :raises ConfigurationError: it refuses the credentials.
        """
        lines: list[JsonObject] = []
        for search in searches:
            lines.append({"index": self._indices[search.index], "ignore_unavailable": True})
            lines.append({"timeout": f"{SEARCH_S:.0f}s", **search.body})
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._send, lines)

    def _send(self, lines: list[JsonObject]) -> list[Response]:
        with elasticsearch_errors(self.settings):
            answer: Any = self._client.msearch(searches=lines)
        return list(answer["responses"])

    def in_thread(self) -> tuple[Elasticsearch, ThreadPoolExecutor]:
        """The client, for work that is no search, and the threads that it must run in."""
        return self._client, self._threads

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()
