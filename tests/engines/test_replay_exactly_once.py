"""Real tweets through the real engines: each id once, with the file's own counts."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from brands.brands_file import load_brands
from tests.engines.pipeline import Pipeline

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TOCSIN_SHARED_DATA", ROOT.parent / "shared" / "data"))
AIRLINES = SHARED / "stream" / "airline_us_2015.jsonl.gz"

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not AIRLINES.is_file(), reason="the shared airline tweets are not here"),
]


def test_every_airline_tweet_is_found_once_with_its_labels(pipeline: Pipeline) -> None:
    """The file has 14,640 rows and repeats 155 ids; the last row of an id counts."""
    with gzip.open(AIRLINES, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    last = {f"airline_us_2015:{row['id']}": row for row in rows}
    assert (len(rows), len(last)) == (14_640, 14_485)

    pipeline.apply(load_brands(ROOT / "tocsin" / "brands" / "airline_us_2015.yaml"))
    pipeline.process(TOCSIN_PROCESS_KEEP_UNMATCHED="true")
    pipeline.sink()
    pipeline.start("ingest", "ingest", "replay", str(AIRLINES), "--mapping", "airline_us_2015")
    flow = pipeline.wait_until_idle(len(rows))

    assert flow.written["posts"] == len(rows)
    assert flow.written["dead-letters"] == 0
    documents = pipeline.documents()
    assert documents.keys() == last.keys()
    indexed = Counter(
        tuple(label for label in document["labels"] if label.startswith(("brand=", "label=")))
        for document in documents.values()
    )
    in_file = Counter((f"brand={row['brand']}", f"label={row['label']}") for row in last.values())
    assert indexed == in_file

    # The same counts from Elasticsearch's own aggregation.
    answer = pipeline.client.search(
        index=pipeline.names.mentions,
        size=0,
        aggs={"labels": {"terms": {"field": "labels", "size": 100}}},
    )
    counts = {b["key"]: b["doc_count"] for b in answer["aggregations"]["labels"]["buckets"]}
    for name in ("brand", "label"):
        expected = Counter(f"{name}={row[name]}" for row in last.values())
        assert {key: counts[key] for key in expected} == expected
