"""Where posts are: a delete may not know the month, or believe a wrong one."""

from collections.abc import Sequence

from elasticsearch import Elasticsearch

from sinks.elasticsearch.indices import Names

_CHUNK = 1_000
"""Ids asked for at once."""
_MOST_HITS = 10_000
"""No answer of Elasticsearch holds more."""


def locate(client: Elasticsearch, names: Names, ids: Sequence[str]) -> dict[str, list[str]]:
    """The indices that hold each of the posts; ids that are nowhere are left out.

    A search does not see the last second; where that matters, :func:`refresh` first.
    """
    found: dict[str, list[str]] = {}
    chunks = [ids[first : first + _CHUNK] for first in range(0, len(ids), _CHUNK)]
    while chunks:
        chunk = chunks.pop()
        hits = client.search(
            index=names.mentions_pattern,
            query={"ids": {"values": list(chunk)}},
            size=_MOST_HITS,
            source=False,
            ignore_unavailable=True,
        )["hits"]["hits"]
        if len(hits) == _MOST_HITS and len(chunk) > 1:
            middle = len(chunk) // 2
            chunks += [chunk[:middle], chunk[middle:]]
            continue
        for hit in hits:
            found.setdefault(hit["_id"], []).append(hit["_index"])
    return found


def refresh(client: Elasticsearch, names: Names) -> None:
    """Let searches see all that was written: for the whole cluster, so not once a batch."""
    client.indices.refresh(index=names.mentions_pattern, ignore_unavailable=True)
