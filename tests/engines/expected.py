"""The expected index after a stream of events, computed offline by the same pure code."""

from collections.abc import Iterable
from datetime import UTC, datetime

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotator_table import build_enricher
from runtime.settings import ProcessSettings
from schemas.brand import Brand
from schemas.post import PostEvent

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def final_state(events: Iterable[PostEvent], brands: Iterable[Brand]) -> dict[str, int]:
    """Id to version of every mention after the last event; the other annotators do not matter."""
    matcher = BrandMatcher(brands)
    enricher = build_enricher(ProcessSettings(annotators="brands"), lambda: matcher)
    state: dict[str, int] = {}
    for event in enricher.enrich(list(events), NOW).mentions:
        if event.op == "upsert":
            state[event.id] = event.version
        else:
            state.pop(event.id, None)
    return state
