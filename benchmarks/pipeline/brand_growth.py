"""What a post costs by the number of brands, offline: decoding, matching, dropping or enriching."""

import time
from datetime import UTC, datetime

from brands.brand_matcher import BrandMatcher
from ingestors.generator.accounts import brands
from ingestors.generator.source import generate
from processors.enrichment.annotator_table import build_enricher
from processors.enrichment.batch import process
from processors.faust.messages import Incoming
from runtime.settings import ProcessSettings
from schemas.brand import Brand
from schemas.codec import POST_EVENT
from schemas.post import PostUpsert

COUNTS = (10, 1_000, 10_000, 100_000)
POSTS, BATCH, REPEATS = 2_000, 500, 3
AT = datetime(2026, 11, 1, tzinfo=UTC)
_SYLLABLES = ("ba", "do", "ka", "lin", "mer", "nov", "pra", "quo", "sti", "tor", "ul", "vex", "zan")


def brand_growth() -> dict[str, float]:
    """Number of brands to processor time a post, microseconds: language and brands alone."""
    posts = [
        Incoming("posts", 0, number, b"", POST_EVENT.encode(event), ())
        for number, event in enumerate(generate(3, POSTS, AT))
        if isinstance(event, PostUpsert)
    ]
    return {str(count): _cost(count, posts) for count in COUNTS}


def _cost(count: int, posts: list[Incoming]) -> float:
    matcher = BrandMatcher([*brands(), *map(_invented, range(count - len(brands())))])
    enricher = build_enricher(ProcessSettings(annotators="language,brands"), lambda: matcher)
    now, costs = datetime.now(UTC), []
    for _ in range(REPEATS):
        began = time.process_time()
        for first in range(0, len(posts), BATCH):
            process(posts[first : first + BATCH], enricher, lambda: now, "fast")
        costs.append((time.process_time() - began) / len(posts) * 1e6)
    return min(costs)


def _invented(number: int) -> Brand:
    """A brand of a name that no other has: its number in syllables."""
    name, rest = "", number + len(_SYLLABLES) ** 2
    while rest:
        rest, digit = divmod(rest, len(_SYLLABLES))
        name += _SYLLABLES[digit]
    return Brand(id=f"brand-{number}", name=name.capitalize(), updated_at=AT)
