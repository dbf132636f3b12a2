"""``tocsin annotate`` and the stream give one post the same annotations, in either tier."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotator_table import build_enricher
from processors.enrichment.batch import process
from processors.enrichment.enricher import Enricher
from processors.faust.messages import Incoming
from runtime.settings import ProcessSettings
from schemas.brand import Brand
from schemas.codec import MENTION_EVENT, POST_EVENT
from schemas.post import Author, Post, PostEvent
from schemas.types import Tier
from tocsin.cli.annotate import annotate_stream
from tocsin.offline.post_reader import Bad

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MATCHER = BrandMatcher([Brand(id="velmora", name="Velmora", handles=["velmora"])])
TEXTS = [
    "Velmora, you were wonderful today! Thank you to the whole crew ❤️",
    "Encore 3 heures de retard avec Velmora, je résilie dès demain 😡",
    "Velmora opens a shop in Paris on Monday.",
    "@velmora is it down for anyone else?",
    "RT @velmora: boycott Velmora after the data breach https://example.org/a",
]


@pytest.fixture(scope="module")
def enricher() -> Enricher:
    return build_enricher(ProcessSettings(tier="accurate"), lambda: MATCHER)


def posted(number: int, text: str) -> PostEvent:
    id_ = f"x:{number}"
    author = Author(id=str(number), followers=10)
    post = Post(id=id_, source="x", author=author, text=text, created_at=AT)
    return PostEvent(op="upsert", id=id_, source="x", version=number, ingested_at=AT, post=post)


def from_the_stream(enricher: Enricher, events: list[PostEvent], tier: Tier) -> list[Any]:
    batch = [
        Incoming("posts", 0, number, event.id.encode(), POST_EVENT.encode(event))
        for number, event in enumerate(events)
    ]
    sent = process(batch, enricher, lambda: AT, tier).outgoing
    mentions = [MENTION_EVENT.decode(one.value) for one in sent if one.topic == "mentions"]
    return [msgspec.to_builtins(event.mention) for event in mentions]


def test_the_same_labels(enricher: Enricher) -> None:
    events = [posted(number, text) for number, text in enumerate(TEXTS)]
    lines = b"".join(POST_EVENT.encode(event) + b"\n" for event in events)
    target = io.BytesIO()
    bad = Bad()
    written = list(annotate_stream(io.BytesIO(lines), target, enricher, "x", bad))
    assert (written[-1], bad.count) == (len(TEXTS), 0)
    found = [json.loads(line) for line in target.getvalue().splitlines()]
    for streamed, offline in zip(from_the_stream(enricher, events, "accurate"), found, strict=True):
        assert offline["tier"] == "accurate"
        for name, value in streamed.items():
            if name != "post":
                assert offline[name] == value, name


def test_a_batch_that_goes_fast_says_the_same_but_for_the_encoder(enricher: Enricher) -> None:
    events = [posted(number, text) for number, text in enumerate(TEXTS)]
    fast = from_the_stream(enricher, events, "fast")
    accurate = from_the_stream(enricher, events, "accurate")
    for one, other in zip(fast, accurate, strict=True):
        assert (one["tier"], one["provenance"]["encoder"]) == ("fast", "skipped")
        assert one["language"] == other["language"]
        assert one["duplicate_keys"] == other["duplicate_keys"]
        assert "emotion" not in one
        assert other["emotion"]["label"]
