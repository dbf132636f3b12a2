"""What the index must hold after a stream of events, computed offline by the same pure code."""

from collections.abc import Iterable
from datetime import UTC, datetime

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotator_table import build_enricher
from processors.enrichment.enricher import Enricher
from runtime.settings import ProcessSettings
from schemas.brand import Brand
from schemas.post import PostEvent

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def enricher(brands: Iterable[Brand]) -> Enricher:
    """Brands only: which posts get in does not depend on the other annotators."""
    matcher = BrandMatcher(brands)
    return build_enricher(ProcessSettings(annotators="brands"), lambda: matcher)


def final_state(events: Iterable[PostEvent], brands: Iterable[Brand]) -> dict[str, int]:
    """Id to version of every mention that is left when the last event is in."""
    state: dict[str, int] = {}
    for event in enricher(brands).enrich(list(events), NOW).mentions:
        if event.op == "upsert":
            state[event.id] = event.version
        else:
            state.pop(event.id, None)
    return state
