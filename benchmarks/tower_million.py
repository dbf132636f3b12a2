"""How fast the control tower's pages are over a million mentions, on the real Elasticsearch.

    python -m benchmarks.tower_million [--mentions 1000000] [--out benchmarks/reports/tower.md]

Fills an Elasticsearch of its own with mentions of the invented day, each a copy of one of a few
thousand with another id, author and time, over thirty days. Then each page asks all of its panels,
for a day and for a week: cold (nothing kept, and another window each time), and warm (within the
same tick). Times are of the questions alone, as a page that waits for them all would see them.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
from elasticsearch import helpers

from benchmarks.machine import describe
from benchmarks.markdown import table
from brands.brand_matcher import BrandMatcher
from ingestors.generator.accounts import brands as invented_brands
from ingestors.generator.source import generate
from processors.enrichment.annotator_table import build_enricher
from runtime.settings import ElasticsearchSettings, ProcessSettings, load
from schemas.mention import MentionUpsert
from schemas.post import PostUpsert
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import to_document
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup
from tocsin.local.stack.engines import EnginesStack
from tower.answers import Answers
from tower.pages.page_table import PAGES, Page
from tower.questions.question import Ask, Context
from tower.search_client import SearchClient

DAYS: Final = 30
SEEDS: Final = 3_000
"""Different mentions that are copied."""
RUNS: Final = 7
HEAP_MB: Final = 2_048
"""Of Elasticsearch: the half gigabyte of the local stack refuses requests while a million load."""
END: Final = datetime(2026, 11, 1, tzinfo=UTC)
PACKAGES: Final = ("tocsin", "elasticsearch", "starlette")


def seeds() -> list[dict[str, Any]]:
    """Documents of mentions of the invented day, by the fast tier."""
    brands = invented_brands()
    matcher = BrandMatcher(brands)
    enricher = build_enricher(ProcessSettings(tier="fast"), lambda: matcher, prefilter=False)
    events = (one for one in generate(1, SEEDS * 2, END - timedelta(days=1)) if is_post(one))
    found: list[dict[str, Any]] = []
    while len(found) < SEEDS and (batch := list(islice(events, 500))):
        for event in enricher.enrich(batch, END).mentions:
            if isinstance(event, MentionUpsert):
                found.append(msgspec.to_builtins(to_document(event)))
    return found


def is_post(event: object) -> bool:
    return isinstance(event, PostUpsert)


def copies(count: int, names: IndexNames) -> Iterator[dict[str, Any]]:
    """Bulk actions; every document has an id and a time of its own."""
    documents = seeds()
    step = timedelta(days=DAYS) / count
    for number in range(count):
        document = dict(documents[number * 7919 % len(documents)])
        at = END - step * number
        document["id"] = f"{document['source']}:copy-{number}"
        document["created_at"] = at.isoformat()
        document["author"] = {**document["author"], "id": f"a{number * 31 % 400_000}"}
        if number % 5:
            document.pop("duplicate_group", None)
        yield {"_index": names.mentions_of(at), "_id": document["id"], "_source": document}


async def measure(settings: ElasticsearchSettings, pages: Sequence[Page]) -> list[list[object]]:
    """Rows of page, window, and the median and worst time, cold and warm, in milliseconds."""
    brands = {brand.id: brand for brand in invented_brands()}
    search = SearchClient(settings)
    now = END
    answers = Answers(search.search_all, lambda: Context(now, brands), lambda: now)
    rows: list[list[object]] = []
    try:
        for page in pages:
            for query in ("", "brand:velmora"):
                for days in (1, 7):
                    cold, warm = [], []
                    for run in range(RUNS):
                        until = END - timedelta(hours=7 * run, seconds=run)
                        ask = Ask(q=query, since=until - timedelta(days=days), until=until)
                        wanted = [(panel.question, panel.ask(ask, {})) for panel in page.panels]
                        for times in (cold, warm):
                            began = time.perf_counter()
                            found = await answers.ask_all(wanted)
                            times.append((time.perf_counter() - began) * 1000)
                            assert all(one.error is None for one in found), found
                        answers.forget()
                    rows.append(
                        [
                            page.name,
                            query or "everything",
                            f"{days} d",
                            round(statistics.median(cold)),
                            round(max(cold)),
                            round(max(warm), 1),
                        ]
                    )
                    print(rows[-1], flush=True)
    finally:
        search.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentions", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/reports/tower.md"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tocsin-tower-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        stack = EnginesStack(Path(folder) / "data", elasticsearch_heap_mb=HEAP_MB)
        endpoints = stack.start(print)
        try:
            settings = load(ElasticsearchSettings, url=endpoints.elasticsearch)
            with connect(settings) as client:
                setup(client, settings, lambda text: None)
                names = IndexNames(settings)
                began = time.monotonic()
                for done, _ in enumerate(
                    helpers.parallel_bulk(
                        client, copies(options.mentions, names), thread_count=2, chunk_size=1_000
                    ),
                    1,
                ):
                    if done % 100_000 == 0:
                        print(f"{done:,} in {time.monotonic() - began:.0f} s", flush=True)
                client.indices.refresh(index=names.mentions_pattern)
            shown = [
                page for page in PAGES.values() if page.name in ("live", "wall", "brands", "world")
            ]
            rows = asyncio.run(measure(settings, shown))
        finally:
            stack.stop()
    heads = ["page", "query", "window", "cold, median ms", "cold, worst ms", "warm, worst ms"]
    lines = [
        "# The control tower over a million mentions",
        "",
        f"Made by `python -m benchmarks.tower_million --mentions {options.mentions}`; do not edit.",
        "",
        *describe(PACKAGES),
        "",
        f"{options.mentions:,} mentions over {DAYS} days on one real Elasticsearch (a heap of "
        f"{HEAP_MB:,} MiB) beside the tower. {RUNS} windows each: cold, nothing is kept and every "
        "window is new; warm, the same again.",
        "",
        *table(heads, rows),
    ]
    options.out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
