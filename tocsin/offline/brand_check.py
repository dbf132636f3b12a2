"""What each brand of a file finds in posts, and what its exclude, languages and examples drop."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from brands.disambiguation import is_taught
from processors.enrichment.annotators.brands import BrandAnnotator
from processors.enrichment.annotators.language import LanguageAnnotator
from schemas.brand import Brand
from schemas.mention import BrandMatch, Mention

Fate = Literal["kept", "exclude", "languages", "examples"]
"""What becomes of a match of the brand's query: it is kept, or the field that drops it."""
FATES: Final[tuple[Fate, ...]] = ("kept", "exclude", "languages", "examples")
MIN_SHARED: Final = 3
"""Posts of two brands that must be the same before the pair is told."""
_SAME: Final = 0.8
"""Posts in both, as a share of those in either, from which two brands match the same posts."""


class Sample(NamedTuple):
    """A post with its matches; ``confidence`` if examples judged it."""

    mention: Mention
    match: BrandMatch
    confidence: float | None


@dataclass
class BrandCheck:
    """One brand on the posts read."""

    brand: Brand
    counts: Counter[Fate] = field(default_factory=Counter)
    samples: dict[Fate, list[Sample]] = field(default_factory=lambda: {fate: [] for fate in FATES})

    @property
    def matched(self) -> int:
        """Posts that the query matches, before anything is dropped."""
        return self.counts.total()


class SharedPosts(NamedTuple):
    """Two brands, the posts that both keep, and those that at least one keeps."""

    first: str
    second: str
    both: int
    either: int


class BrandsCheck:
    """Reads posts and keeps, for each brand, counts and the first ``size`` posts of each fate."""

    def __init__(self, brands: Sequence[Brand], size: int) -> None:
        self.read = 0
        self.by_brand = {brand.id: BrandCheck(brand) for brand in brands}
        self._size = size
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._needs_language = any(brand.languages or is_taught(brand) for brand in brands)
        self._language = LanguageAnnotator() if self._needs_language else None
        # The stream's own annotator, each time with one field more.
        queries = [replace(brand, exclude=[], languages=[], examples=[]) for brand in brands]
        excluding = [replace(brand, languages=[], examples=[]) for brand in brands]
        speaking = [replace(brand, examples=[]) for brand in brands]
        # All matches pass, so that a dropped one has its confidence.
        judging = [replace(brand, minimum_confidence=0) for brand in brands]
        self._steps = [_annotator(each) for each in (queries, excluding, speaking, judging)]

    def add(self, batch: Sequence[Mention]) -> None:
        self.read += len(batch)
        self._steps[0].annotate(batch)
        batch = [mention for mention in batch if mention.brands]
        if self._language is not None:
            self._language.annotate([mention for mention in batch if mention.language is None])
        steps = [[_by_id(mention.brands) for mention in batch]]
        for annotator in self._steps[1:]:
            annotator.annotate(batch)
            steps.append([_by_id(mention.brands) for mention in batch])
        for mention, *found in zip(batch, *steps, strict=True):
            self._add_post(mention, found)

    def _add_post(self, mention: Mention, found: Sequence[dict[str, BrandMatch]]) -> None:
        matched, excluded, spoken, judged = found
        kept = []
        for name, match in matched.items():
            check = self.by_brand[name]
            confidence = None
            if name not in excluded:
                fate: Fate = "exclude"
            elif name not in spoken:
                fate = "languages"
            else:
                match = judged[name]
                confidence = match.confidence
                is_sure = confidence is None or confidence >= check.brand.minimum_confidence
                fate = "kept" if is_sure else "examples"
            if fate == "kept":
                kept.append(name)
            check.counts[fate] += 1
            if len(check.samples[fate]) < self._size:
                check.samples[fate].append(Sample(mention, match, confidence))
        self._pairs.update(combinations(sorted(kept), 2))

    def idle(self) -> list[str]:
        """Brands that keep no post."""
        return [name for name, check in self.by_brand.items() if not check.counts["kept"]]

    def shared(self) -> Iterator[SharedPosts]:
        """Pairs of brands that keep nearly the same posts."""
        for (first, second), both in self._pairs.most_common():
            kept = [self.by_brand[name].counts["kept"] for name in (first, second)]
            either = sum(kept) - both
            if both >= MIN_SHARED and both >= _SAME * either:
                yield SharedPosts(first, second, both, either)


def check_posts(
    brands: Sequence[Brand], batches: Iterable[Sequence[Mention]], size: int
) -> BrandsCheck:
    check = BrandsCheck(brands, size)
    for batch in batches:
        check.add(batch)
    return check


def _annotator(brands: Sequence[Brand]) -> BrandAnnotator:
    matcher = BrandMatcher(brands)
    return BrandAnnotator(lambda: matcher)


def _by_id(matches: Iterable[BrandMatch]) -> dict[str, BrandMatch]:
    return {match.id: match for match in matches}
