"""``tocsin annotate`` over many short posts, spaCy included: rate, and each annotator's share.

Usage: ``python -m benchmarks.annotate [--posts N] [--file FILE]``. A file holds bare posts, one
JSON object a line; the default is an invented day. The clock starts after the models are loaded and
one batch is annotated. One process, one thread.
"""

import argparse
import gzip
import itertools
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.machine import describe
from brands.brand_matcher import BrandMatcher
from ingestors.files.post_line import read_post_line
from ingestors.generator.source import generate
from processors.enrichment.annotator_table import build_enricher
from runtime import metrics
from runtime.settings import ProcessSettings
from schemas.codec import MENTION_EVENT, POST_EVENT
from schemas.post import PostUpsert

NOW = datetime.now(UTC)
BATCH = 1_000


def lines_of(options: argparse.Namespace) -> list[bytes]:
    if options.file is not None:
        data = options.file.read_bytes()
        if options.file.suffix == ".gz":
            data = gzip.decompress(data)
        return data.splitlines()[: options.posts]
    day = generate(3, options.posts * 2, NOW - timedelta(hours=24))
    upserts = (
        event for event in day if isinstance(event, PostUpsert) and event.post.edited_at is None
    )
    return [POST_EVENT.encode(event) for event in itertools.islice(upserts, options.posts)]


def seconds_by_annotator() -> dict[str, float]:
    """Seconds spent in each annotator so far."""
    (family,) = metrics.PROCESS_ANNOTATOR_SECONDS.collect()
    return {
        sample.labels["annotator"]: sample.value
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Rate of tocsin annotate.")
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    lines = lines_of(options)
    matcher = BrandMatcher(())
    enricher = build_enricher(
        ProcessSettings(keep_unmatched=True), lambda: matcher, prefilter=False
    )
    enricher.warm()
    enricher.enrich([read_post_line(line, NOW, "file") for line in lines[:BATCH]], NOW)
    # Clears the cache of the first batch, which would make its texts free.
    enricher = build_enricher(
        ProcessSettings(keep_unmatched=True), lambda: matcher, prefilter=False
    )
    enricher.warm()
    before = seconds_by_annotator()
    begun, begun_cpu = time.perf_counter(), time.process_time()
    written = 0
    for at in range(0, len(lines), BATCH):
        events = [read_post_line(line, NOW, "file") for line in lines[at : at + BATCH]]
        for mention in enricher.enrich(events, NOW).mentions:
            written += len(MENTION_EVENT.encode(mention))
    wall, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    spent = {name: value - before[name] for name, value in seconds_by_annotator().items()}
    total = sum(spent.values())
    print("\n".join(describe()))
    what = options.file.name if options.file else "an invented day"
    print(f"\n{len(lines):,} posts ({what}), {written / 2**20:.1f} MiB of mentions")
    print(f"{wall:.1f} s, {cpu:.1f} s of processor time: {len(lines) / wall:,.0f} posts/s\n")
    for name, value in sorted(spent.items(), key=lambda pair: -pair[1]):
        print(f"{name:12} {value:6.1f} s  {value / wall:4.0%} of the time")
    print(f"{'the rest':12} {wall - total:6.1f} s  {(wall - total) / wall:4.0%} (reading, writing)")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())
